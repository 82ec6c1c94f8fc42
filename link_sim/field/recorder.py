"""A live signal received and recorded at the same time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from voicelink.link_sim.field.feed import Feed, Gap, Piece
from voicelink.link_sim.field.listener import Frame, SignalListener
from voicelink.link_sim.field.log import FrameLog, line_of
from voicelink.link_sim.field.recording import stamp
from voicelink.link_sim.field.writer import RecordingWriter
from voicelink.models.errors import ParameterError

_WAIT = 0.2

LISTEN_SECONDS = 5.0
"""So long what came before a stop is still listened to, where the listener was behind."""

Hear = Callable[[Frame], object]


@dataclass(frozen=True)
class _Segment:
    """Samples without a gap: the number of the first in the recording, and its time."""

    start: int
    time: datetime


@dataclass
class Recorder:
    """Takes the samples of a feed into a recording, a listener, a log and a loudspeaker.

    Attributes:
        writer: of the recording.
        listener: hears the same bytes as are written.
        log: of the frames.
        say: called with a line for people.
        hear: called with each frame, for its speech.
        quiet: say nothing of single frames.
    """

    writer: RecordingWriter
    listener: SignalListener
    log: FrameLog
    say: Callable[[str], object]
    hear: tuple[Hear, ...] = ()
    quiet: bool = False

    def run(
        self, feed: Feed, seconds: float | None = None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Until the source ends, ``seconds`` of samples have come, or ``stop`` says so.

        What was read until ``stop`` is recorded, and listened to for `LISTEN_SECONDS` at most; what
        was lost is said and logged in any case.
        """
        source = feed.source
        most = None if seconds is None else round(seconds * source.rate)
        self._written: _Segment | None = None
        self._heard: _Segment | None = None
        self._lost: datetime | None = None
        while most is None or self.writer.samples < most:
            if stop():
                self._take_waiting(feed.stop(), source.rate, most)
                break
            item = feed.get(_WAIT)
            if item is None and feed.ended:
                break
            if item is not None:
                self._listen(item, self._write(item, source.rate), source.rate)
        self._end_segment()

    def _take_waiting(self, items: list[Piece | Gap], rate: float, most: int | None) -> None:
        # Written before any of it is listened to: who ends a program may not wait.
        taken = []
        for item in items:
            if most is not None and self.writer.samples >= most:
                break
            taken.append((item, self._write(item, rate)))
        until = time.monotonic() + LISTEN_SECONDS
        for place, (item, segment) in enumerate(taken):
            if time.monotonic() > until:
                self._pass_over(taken[place:], rate)
                break
            self._listen(item, segment, rate)

    def _pass_over(self, rest: list[tuple[Piece | Gap, _Segment | None]], rate: float) -> None:
        """Say what was not listened to, and what is missing in it."""
        size = 0
        for item, segment in rest:
            if isinstance(item, Gap):
                self._listen(item, segment, rate)
            else:
                size += len(item.data)
                self._say_again(segment.time)
        last = f"the last {size / self.writer.format.bytes / rate:.1f} s"
        if size and self.writer.failed:
            self.say(f"{last} were not listened to")
        elif size:
            self.say(
                f"{last} are recorded, but were not listened to: `voicelink field replay` does"
            )

    def _write(self, item: Piece | Gap, rate: float) -> _Segment | None:
        """Samples to the recording; which of its segments they are in, None for a gap."""
        if isinstance(item, Gap):
            self._written = None
            return None
        if self._written is None:
            duration = timedelta(seconds=len(item.data) // self.writer.format.bytes / rate)
            self._written = _Segment(self.writer.samples, item.time - duration)
            self.writer.begin(self._written.time)
        self.writer.write(item.data)
        return self._written

    def _listen(self, item: Piece | Gap, segment: _Segment | None, rate: float) -> None:
        if isinstance(item, Gap):
            self._end_segment()
            self._say_gap(item)
            return
        if self._heard is None:
            self._heard = segment
            self._say_again(segment.time)
        for frame in self.listener.push(self.writer.format.decode(item.data)):
            behind = (self.listener.position - frame.start - frame.count) / rate
            self._frame(frame, time.monotonic() - item.clock + behind)

    def _end_segment(self) -> None:
        if self._heard is not None:
            for frame in self.listener.end():
                self._frame(frame, None)
        self._heard = None

    def _say_gap(self, gap: Gap) -> None:
        self.say(gap.reason)
        self.log.event("gap", time=stamp(gap.time), reason=gap.reason)
        self._lost = self._lost or gap.time

    def _say_again(self, time: datetime) -> None:
        if self._lost is None:
            return
        lasted = max(0.0, (time - self._lost).total_seconds())
        self.say(f"samples come again, {lasted:.1f} s later")
        self.log.event("again", time=stamp(time), seconds=round(lasted, 3))
        self._lost = None

    def _frame(self, frame: Frame, late: float | None) -> None:
        values = self.log.add(frame, self._heard.start, self._heard.time, late)
        self.writer.annotate(values)
        if not self.quiet:
            self.say(line_of(values))
        for hear in self.hear:
            hear(frame)


class LineFile:
    """Lines in a file, whole ones only, that go out at once; a full disk is said once.

    Args:
        path: the file; there must be none yet.
        say: called with one line where writing ends before its time.

    Raises:
        ParameterError: the file cannot be made.
    """

    def __init__(self, path: str | Path, say: Callable[[str], object]) -> None:
        self._path, self._say = path, say
        try:
            self._file = open(path, "xb", buffering=0)  # noqa: SIM115 (closed by `close`)
        except FileExistsError:
            raise ParameterError(f"{path} is there already, and is not written over") from None
        except OSError as error:
            raise ParameterError(f"cannot write {path}: {error.strerror}") from None
        self._failed = False

    def write(self, line: str) -> None:
        """A line without its end."""
        if self._failed:
            return
        size = self._file.tell()
        data = memoryview(line.encode() + b"\n")
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._failed = True
            with contextlib.suppress(OSError):
                self._file.truncate(size)
            self._say(f"the log {self._path} ends here: {error.strerror or error}")

    def close(self) -> None:
        """End the file."""
        self._file.close()


def as_long_as_it_goes(
    write: Callable[[np.ndarray], object], what: str, say: Callable[[str], object]
) -> Callable[[np.ndarray], None]:
    """``write``, until it fails: that is said once, and what comes further is dropped."""
    failed = False

    def carry(audio: np.ndarray) -> None:
        nonlocal failed
        if failed:
            return
        try:
            write(audio)
        # libsndfile's and PortAudio's errors are such.
        except (OSError, RuntimeError) as error:
            failed = True
            say(f"{what} ends here: {error}")

    return carry
