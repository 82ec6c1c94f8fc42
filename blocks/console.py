"""What link messages say, as lines for people: bursts, stations, and what became of superframes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from voicelink.blocks.modem import MODEM_RATE
from voicelink.blocks.pdu import (
    CALLSIGN,
    CONFIRMED,
    CORRECTED,
    END,
    FREQUENCY,
    NUMBER,
    POSITION,
    SNR_DB,
    STATUS,
)
from voicelink.blocks.status import Status


class Console:
    """Makes a line of each message, and one of all of them at the end.

    Attributes:
        statuses: superframes, by what became of them.
        bursts: how many there were that the demodulator was sure of.

    >>> console = Console()
    >>> console.line({"confirmed": True, "position": 10290.6, "snr_db": 5.14, "frequency": -3.2})
    '    1.29 s  burst      SNR   5.1 dB     -3 Hz'
    >>> console.line({"number": 7, "status": "corrected", "corrected": 12, "callsign": "N0CALL"})
    '#7          corrected  12 bits  N0CALL'
    >>> said = {"callsign": "N0CALL", "text": "hello", "complete": True, "end": False}
    >>> print(console.line(said))
                station    N0CALL  'hello'
    >>> console.summary()
    'bursts: 1, mean SNR 5.1 dB; superframes: 1 corrected, from N0CALL'
    """

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.bursts = 0
        self._snr = 0.0  # the sum of those that were measured, dB
        self._measured = 0
        self._callsigns: dict[str, None] = {}

    def line(self, said: Mapping[str, Any]) -> str | None:
        """The line of a message, by its metadata; None for what is no such message.

        Args:
            said: of a demodulator's burst, of a station frame, or of what became of a superframe,
                as the blocks of `voicelink.blocks.gnuradio` give them.
        """
        try:
            if SNR_DB in said and POSITION in said:
                return self._burst(said)
            if STATUS in said:
                return self._superframe(said)
            if "text" in said:
                return self._station(said)
        except (KeyError, TypeError, ValueError, OverflowError):
            pass
        return None

    def summary(self) -> str | None:
        """A line of what there was; None where there was nothing."""
        parts = []
        if self.bursts:
            parts.append(f"bursts: {self.bursts}")
        if self._measured:
            parts[-1] += f", mean SNR {self._snr / self._measured:.1f} dB"
        if self.statuses:
            names = [each.value for each in Status if each.value in self.statuses]
            counts = [f"{self.statuses[name]} {name}" for name in names]
            callers = [f"from {name}" for name in self._callsigns]
            parts.append(f"superframes: {', '.join(counts + callers)}")
        return "; ".join(parts) or None

    def _burst(self, said: Mapping[str, Any]) -> str:
        snr = float(said[SNR_DB])
        line = _columns(
            f"{said[POSITION] / MODEM_RATE:8.2f} s",
            "burst" if said[CONFIRMED] else "burst?",
            f"SNR {snr:5.1f} dB",
            f"{round(said[FREQUENCY]):+5} Hz",
        )
        if said[CONFIRMED]:
            self.bursts += 1
            if math.isfinite(snr):
                self._measured += 1
                self._snr += snr
        return line

    def _superframe(self, said: Mapping[str, Any]) -> str:
        status = Status(said[STATUS]).value
        line = _columns(
            f"#{int(said[NUMBER])}",
            status,
            f"{int(said[CORRECTED])} bits" if said.get(CORRECTED) else "",
            self._caller(said),
            "end of over" if said.get(END) else "",
        )
        self.statuses[status] += 1
        return line

    def _station(self, said: Mapping[str, Any]) -> str:
        text = repr(str(said["text"])) if said["text"] else ""
        return _columns(
            "", "station", self._caller(said), text + ("" if said["complete"] else "...")
        )

    def _caller(self, said: Mapping[str, Any]) -> str:
        # Whoever sent it may not steer the terminal.
        callsign = "".join(filter(str.isprintable, str(said.get(CALLSIGN) or "")))
        if callsign:
            self._callsigns[callsign] = None
        return callsign


def _columns(first: str, what: str, *more: str) -> str:
    return "  ".join([f"{first:10}", f"{what:9}", *filter(None, more)]).rstrip()
