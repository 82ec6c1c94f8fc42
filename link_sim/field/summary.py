"""What logs of frames say, as numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median
from typing import Any

from voicelink.blocks.modem import modes
from voicelink.blocks.status import Status
from voicelink.link_sim.fer import wilson
from voicelink.link_sim.field.listener import STATION
from voicelink.link_sim.field.log import ErrorCount, Log
from voicelink.link_sim.field.recording import parse_time
from voicelink.link_sim.field.simulated import mode_name
from voicelink.link_sim.report.interval import Estimate

BIN_DB = 1.0
"""Frames whose SNR is within so much of each other make one point of the curve."""

SPEECH = tuple(status.value for status in Status)
FAILED = (Status.SOFT.value, Status.CONCEALED.value)


@dataclass
class Station:
    """All frames of one callsign in one log.

    Attributes:
        log, mode: where they are from; the mode with the depth of spreading, as ``bpsk/4``.
        callsign: "" where it was never known.
        frames: their lines, speech only.
        heard: the lines with station frames, from which the text is.
    """

    log: str
    mode: str
    callsign: str
    frames: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""

    @property
    def failed(self) -> int:
        """Frames that were lost or not mended."""
        return sum(frame["status"] in FAILED for frame in self.frames)

    @property
    def missed(self) -> int:
        """Frames that the modem did not find."""
        return sum(not frame.get("found") for frame in self.frames)

    @property
    def fer(self) -> Estimate:
        """Frame error rate, with Wilson's 95 % interval."""
        return share(self.failed, len(self.frames))

    def count(self, status: str) -> int:
        """Frames of a status."""
        return sum(frame["status"] == status for frame in self.frames)

    def middle(self, name: str) -> float | None:
        """Median of a number that frames have."""
        found = [frame[name] for frame in self.frames if frame.get(name) is not None]
        return median(found) if found else None

    @property
    def times(self) -> list[datetime]:
        """Of its frames, as far as they are known."""
        found = (parse_time(frame.get("time")) for frame in self.frames)
        return [time for time in found if time is not None]


def share(failed: int, frames: int) -> Estimate:
    """A share of frames, taken as independent."""
    if not frames:
        return Estimate(0.0, 0.0, 1.0, 0)
    return Estimate(failed / frames, *wilson(failed, frames), frames)


def stations(logs: Iterable[Log]) -> list[Station]:
    """The frames of speech by log and callsign, in the order in which they came.

    Those that came before their over's callsign was known are that station's too.
    """
    found: dict[tuple[int, str], Station] = {}
    for number, log in enumerate(logs):
        spread = log.about.get("spread")
        spread = spread if isinstance(spread, int) else 1
        mode = mode_name(str(log.about.get("mode", "")), spread)
        names: dict[Any, str] = {}
        for frame in log.frames:
            if frame.get("callsign"):
                names[frame.get("over")] = frame["callsign"]
        for frame in log.frames:
            name = names.get(frame.get("over"), "")
            station = found.setdefault((number, name), Station(log.name, mode, name))
            if frame["status"] in SPEECH:
                station.frames.append(frame)
            elif frame["status"] == STATION and frame.get("text"):
                station.text = frame["text"]
    return [station for station in found.values() if station.frames or station.text]


def by_snr(frames: Iterable[dict[str, Any]]) -> tuple[dict[float, Estimate], int]:
    """Frame error rate by SNR in 3 kHz, a point for each `BIN_DB`, and how many are in none.

    A frame that was not found counts where the last one before it in its over was.
    """
    bins: dict[float, list[int]] = {}
    outside = 0
    snr, over = None, None
    for frame in frames:
        # Every log counts its overs from 1, and its samples from 0.
        now = frame.get("over"), frame.get("sample") or 0
        if over is None or now[0] != over[0] or now[1] < over[1]:
            snr = None
        over = now
        if frame.get("snr_db") is not None:
            snr = frame["snr_db"]
        if snr is None:
            outside += 1
            continue
        place = BIN_DB * math.floor(snr / BIN_DB + 0.5)
        count = bins.setdefault(place, [0, 0])
        count[0] += frame["status"] in FAILED
        count[1] += 1
    return {place: share(*bins[place]) for place in sorted(bins)}, outside


@dataclass(frozen=True)
class BitErrorRow:
    """Test frames of a station: what the radio link does, without the speech codec.

    Attributes:
        tests: the bit errors.
        expected: bit error rate before error correction that the Es/N0 measured stands for; None
            where the mode is not known.
        missed: frames that the modem did not find.
    """

    station: Station
    tests: ErrorCount
    expected: float | None
    missed: int


def bit_error_rows(found: Iterable[Station]) -> list[BitErrorRow]:
    """Of all stations that sent test frames."""
    rows = []
    for station in found:
        tests, chances = ErrorCount(), []
        mode = modes().get(station.mode.partition("/")[0])
        bits = mode.bits_per_symbol if mode else None
        for frame in station.frames:
            if "test" not in frame:
                continue
            tests.add(frame["test"])
            counted = frame["test"].get("before") is not None
            if bits and counted and frame.get("esn0_db") is not None:
                chances.append(bit_error_rate(frame["esn0_db"], bits))
        if tests.frames or tests.strange:
            rows.append(BitErrorRow(station, tests, fmean(chances) if chances else None,
                                station.missed))  # fmt: skip
    return rows


def bit_error_rate(esn0_db: float, bits_per_symbol: int) -> float:
    """Of BPSK and QPSK on white noise, decided bit by bit: Q(sqrt(2 Es/N0 / bits per symbol))
    (Proakis & Salehi, Digital Communications, 5th ed., section 4.3).

    >>> round(bit_error_rate(9.59, 1), 6)
    1e-05
    """
    ratio = 10 ** (min(esn0_db, 100.0) / 10) / bits_per_symbol
    return 0.5 * math.erfc(math.sqrt(ratio))
