"""The losses and delays of a real network, from a file."""

from __future__ import annotations

import bisect
import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import choice, file
from voicelink.models.errors import ParameterError

_HEADER = ["time", "delay"]
_LONGEST = 1e6


@dataclass(kw_only=True, eq=False)
class Trace(Channel):
    """Does to each packet what a file says that a network did at that time.

    The file is a CSV with the header ``time,delay``; each line has a time in seconds, not before
    that of the line above, and what became of a packet sent then: ``lost``, or its delay in
    seconds::

        time,delay
        0.00,0.052
        0.32,lost

    Empty lines, and those that begin with #, say nothing. Times may have any origin: the first
    line stands for the start of the run. A packet takes the line nearest in time (of two as near
    the later one), or the ``next`` one. Behind the last line the trace begins again, after one more
    step of its mean length; or everything is lost, or passes at once.
    """

    name = "trace"
    help = "losses and delays of a real network, from a CSV file"
    keeps_time = False

    file: str = file("CSV with the header time,delay; delay in s, or lost")
    line: str = choice("which one a packet takes", ("nearest", "next"), default="nearest")
    end: str = choice("what follows the last line", ("loop", "lose", "pass"), default="loop")

    def _check(self):
        where = f"{self.name}.file: {self.file}"
        rows = list(_rows(Path(self.file), where))
        if not rows:
            raise ParameterError(f"{where} has no line below its header")
        first, last = rows[0][0], rows[-1][0]
        if first == last and len(rows) > 1:
            raise ParameterError(
                f"{where} must have lines of different times, not all of {first:g} s"
            )
        self._times = [time - first for time, _ in rows]
        self._delays = [delay for _, delay in rows]
        self._period = (last - first) * len(rows) / max(1, len(rows) - 1)
        if self.end == "loop":
            # Behind the last line comes the first one again.
            self._times.append(self._period)

    def _carry(self, time, packet):
        delay = self._delay(time)
        return [] if delay is None else [(time + delay, packet)]

    def _delay(self, time: float) -> float | None:
        times = self._times
        if self.end == "loop":
            time = math.fmod(time, self._period) if self._period else 0.0
        elif time > times[-1]:
            return 0.0 if self.end == "pass" else None
        place = bisect.bisect_left(times, time)
        if self.line == "nearest" and place and time - times[place - 1] < times[place] - time:
            place -= 1
        return self._delays[place % len(self._delays)]


def _rows(path: Path, where: str) -> Iterator[tuple[float, float | None]]:
    """Time and delay of each line; the delay is None for a lost one."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ParameterError(f"{where} is not a text file in UTF-8") from None
    except (OSError, ValueError) as error:
        raise ParameterError(
            f"{where} cannot be read: {getattr(error, 'strerror', '') or error}"
        ) from None
    header, before = False, -math.inf
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        at = f"{where}, line {number}"
        try:
            fields = [field.strip() for field in next(csv.reader([line]))]
        except csv.Error as error:
            raise ParameterError(f"{at} is no CSV: {error}") from None
        if not header:
            if fields != _HEADER:
                raise ParameterError(f"{at} must be the header time,delay, not {line!r:.60}")
            header = True
            continue
        if len(fields) != 2:
            raise ParameterError(f"{at} must be a time and a delay, not {line!r:.60}")
        time = _number(f"{at}: time", "seconds", fields[0], -math.inf)
        if time < before:
            raise ParameterError(f"{at}: time must not go back, from {before:g} to {time:g}")
        before = time
        yield (
            time,
            None
            if fields[1] == "lost"
            else _number(f"{at}: delay", "seconds from 0 to 1e+06 or lost", fields[1], 0, _LONGEST),
        )
    if not header:
        raise ParameterError(f"{where} must begin with the header time,delay")


def _number(where: str, wanted: str, text: str, low: float, high: float = math.inf) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        raise ParameterError(f"{where} must be {wanted}, not {text!r:.60}")
    return value
