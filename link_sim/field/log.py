"""Logs of frames: a JSON object a line, the first of which says what was received and how."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from voicelink.blocks.status import Status
from voicelink.link_sim.field.listener import FOREIGN, STATION, STRAY, VOICE, Frame
from voicelink.link_sim.field.recording import stamp
from voicelink.models.errors import FormatError
from voicelink.models.sizes import PAYLOAD_BITS

VERSION = 1

STATUSES = (*(status.value for status in Status), STATION, VOICE, FOREIGN, STRAY)


@dataclass
class ErrorCount:
    """Bit errors of test frames, added up; see `voicelink.link_sim.field.testframes.Errors`.

    Attributes:
        frames, strange: that were test frames, and that were none.
        before, coded: errors before error correction, and the bits that they are of.
        after, payload: errors after it, and the bits that they are of.
    """

    frames: int = 0
    strange: int = 0
    before: int = 0
    coded: int = 0
    after: int = 0
    payload: int = 0

    def add(self, test: dict[str, Any]) -> None:
        """One frame's errors, as in its line."""
        if test["number"] is None:
            self.strange += 1
            return
        self.frames += 1
        self.after += test["after"]
        self.payload += test.get("payload", PAYLOAD_BITS)
        if test["before"] is not None:
            self.before += test["before"]
            self.coded += test["coded"]

    @property
    def before_rate(self) -> float | None:
        """Bit error rate before error correction."""
        return self.before / self.coded if self.coded else None

    @property
    def after_rate(self) -> float | None:
        """Bit error rate of the payload."""
        return self.after / self.payload if self.payload else None

    def summary(self) -> str:
        """For people."""
        parts = [f"{self.frames} test frames"]
        if self.coded:
            parts.append(f"bit errors {self.before_rate:.3g} before error correction")
        if self.payload:
            parts.append(f"{self.after_rate:.3g} after")
        if self.strange:
            parts.append(f"{self.strange} frames are no test frames")
        return ", ".join(parts)


class FrameLog:
    """Counts frames, and makes the line of each.

    Args:
        write: called with each line, without its end; None for none.
        rate: samples/s of the signal.
        about: what the first line says beside: mode, spread, offset, model, source.
        position: latitude and longitude in degrees.

    Attributes:
        statuses: how many frames had each status.
        frames, failed: superframes of overs, and those of them that were lost or not mended.
        bit_errors: of test frames.
    """

    def __init__(
        self,
        write: Callable[[str], object] | None,
        rate: float,
        about: dict[str, Any],
        position: tuple[float, float] | None = None,
    ) -> None:
        self._write = write or (lambda _: None)
        self._rate = rate
        self._position = position
        self.statuses = dict.fromkeys(STATUSES, 0)
        self.frames = self.failed = 0
        self.bit_errors = ErrorCount()
        self._write(json.dumps({"log": "voicelink", "version": VERSION, "rate": rate} | about))

    @property
    def fer(self) -> float | None:
        """The share of superframes so far that failed."""
        return self.failed / self.frames if self.frames else None

    def add(
        self, frame: Frame, base: int = 0, time: datetime | None = None, late: float | None = None
    ) -> dict[str, Any]:
        """Count a frame and write its line.

        Args:
            frame: from a listener.
            base: number of the sample, in the whole signal, from which the frame counts.
            time: of that sample, UTC; None where it is not known.
            late: seconds from the frame's last sample until it was given out, of a live signal.

        Returns:
            What the line says.
        """
        self.statuses[frame.status] += 1
        self.frames += frame.heard
        self.failed += frame.failed
        if time is not None:
            time += timedelta(seconds=frame.start / self._rate)
        values = {
            "time": None if time is None else stamp(time),
            "sample": base + frame.start,
            "samples": frame.count,
            "over": frame.over,
            "sequence": frame.sequence,
            "status": frame.status,
            "found": frame.found,
            "snr_db": frame.snr_db,
            "esn0_db": frame.esn0_db,
            "offset_hz": frame.offset_hz,
            "callsign": frame.callsign,
            "end": frame.end,
            "corrected": frame.corrected,
            "fer": None if self.fer is None else round(self.fer, 5),
            "latency_s": None if late is None else round(late, 3),
        }
        if self._position is not None:
            values["position"] = list(self._position)
        if frame.text is not None:
            values["text"] = frame.text
        if frame.errors is not None:
            values["test"] = asdict(frame.errors)
            self.bit_errors.add(values["test"])
        self._write(json.dumps(values))
        return values

    def event(self, kind: str, **values: Any) -> None:
        """A line of something else that happened."""
        self._write(json.dumps({"event": kind} | values))

    def summary(self) -> str:
        """A line for people."""
        parts = [f"{count} {status}" for status, count in self.statuses.items() if count]
        return ", ".join(parts) or "no frame was found"


def line_of(values: dict[str, Any]) -> str:
    """A frame's line for people.

    >>> line_of({"time": None, "over": 1, "sequence": 7, "status": "clean", "snr_db": 3.14,
    ...          "offset_hz": -2.0, "callsign": "N0CALL", "end": False})
    'over 1  #7    clean      SNR   3.1 dB     -2 Hz  N0CALL'
    """
    number = "#?" if values["sequence"] is None else f"#{values['sequence']}"
    parts = [f"{values['time'][11:21]}Z" if values["time"] else f"over {values['over']}"]
    parts += [f"{number:4}", f"{values['status']:9}"]
    if values["snr_db"] is not None:
        parts.append(f"SNR {values['snr_db']:5.1f} dB")
        parts.append(f"{values['offset_hz']:+5.0f} Hz")
    parts += [values["callsign"]] if values["callsign"] else []
    parts += [repr(values["text"])] if "text" in values else []
    parts += ["end of over"] if values["end"] else []
    return "  ".join(parts)


@dataclass(frozen=True)
class Log:
    """A log that was read.

    Attributes:
        name: of the file.
        about: its first line.
        frames: the lines of frames, in order; the fields that they must have are there.
        events: the other lines.
        notes: what was left out.
    """

    name: str
    about: dict[str, Any]
    frames: list[dict[str, Any]]
    events: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_log(path: str | Path) -> Log:
    """Read a log; a last line that was cut short is left out.

    Raises:
        FormatError: the file is missing, or no log of frames.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{path} is no log of frames: it is no text") from None
    lines = text.split("\n")
    about = _object(lines[0])
    if about is None or about.get("log") != "voicelink":
        raise FormatError(f"{path} is no log of frames, which demodulate, record and replay write")
    if about.get("version") != VERSION:
        raise FormatError(
            f"{path} is of version {about.get('version')!r:.20}; this software reads {VERSION}"
        )
    log = Log(Path(path).name, about, [])
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        values = _object(line)
        if values is None and number == len(lines):
            log.notes.append(f"{log.name}: the last line was cut short, and is left out")
        elif values is not None and "event" in values:
            log.events.append(values)
        elif values is not None and _is_frame(values):
            log.frames.append(values)
        else:
            raise FormatError(f"{path}, line {number}, is no frame")
    return log


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_frame(values: dict[str, Any]) -> bool:
    """Whether a line has all that is read of it, as it is written here."""
    test = values.get("test", _NO_TEST)
    return (
        values.get("status") in STATUSES
        and all(_number(values.get(name), most) for name, most in _NUMBERS.items())
        and all(isinstance(values.get(name, ""), (str, type(None))) for name in _TEXTS)
        and all(_count(values.get(name)) for name in ("sample", "samples"))
        and values["samples"] > 0
        and isinstance(test, dict)
        and _NO_TEST.keys() <= test.keys()
        and all(test.get(name) is None or _count(test[name]) for name in _NO_TEST)
        and (test.get("number") is None or _count(test.get("after")))
        and _count(test.get("payload", PAYLOAD_BITS))
        and (test.get("before") is None or _count(test.get("coded")))
    )


_NUMBERS = {"over": 1e9, "sequence": 255, "snr_db": 200, "esn0_db": 200, "offset_hz": 1e6,
            "latency_s": 1e6}  # fmt: skip
"""The numbers of a frame that may be None, and how large they may be."""

_TEXTS = ("time", "callsign", "text")
_NO_TEST = dict.fromkeys(("number", "before", "coded", "after"))


def _number(value: Any, most: float) -> bool:
    return value is None or (isinstance(value, (int, float)) and -most <= value <= most)


def _count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 62
