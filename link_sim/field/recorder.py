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

Hear = Callable[[Frame], object]


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
        """Until the source ends, ``seconds`` of samples have come, or ``stop`` says so."""
        source = feed.source
        most = None if seconds is None else round(seconds * source.rate)
        self._base, self._time = 0, None
        self._lost: datetime | None = None
        broken = True
        while not stop() and (most is None or self.writer.samples < most):
            item = feed.get(_WAIT)
            if item is None and feed.ended:
                break
            if isinstance(item, Gap):
                if not broken:
                    self._end_segment()
                broken = True
                self._say_gap(item)
            elif item is not None:
                if broken:
                    self._begin_segment(item, source.rate, source.format.bytes)
                    broken = False
                self._take(item, source.rate)
        if not broken:
            self._end_segment()

    def _begin_segment(self, piece: Piece, rate: float, size: int) -> None:
        self._base = self.writer.samples
        self._time = piece.time - timedelta(seconds=len(piece.data) // size / rate)
        self.writer.begin(self._time)
        if self._lost is not None:
            lasted = max(0.0, (self._time - self._lost).total_seconds())
            self.say(f"samples come again, {lasted:.1f} s later")
            self.log.event("again", time=stamp(self._time), seconds=round(lasted, 3))
            self._lost = None

    def _say_gap(self, gap: Gap) -> None:
        self.say(gap.reason)
        self.log.event("gap", time=stamp(gap.time), reason=gap.reason)
        self._lost = self._lost or gap.time

    def _take(self, piece: Piece, rate: float) -> None:
        self.writer.write(piece.data)
        for frame in self.listener.push(self.writer.format.decode(piece.data)):
            behind = (self.listener.position - frame.start - frame.count) / rate
            self._frame(frame, time.monotonic() - piece.clock + behind)

    def _end_segment(self) -> None:
        for frame in self.listener.end():
            self._frame(frame, None)

    def _frame(self, frame: Frame, late: float | None) -> None:
        values = self.log.add(frame, self._base, self._time, late)
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
