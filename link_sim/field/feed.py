"""A source read in a thread of its own, so that nothing is lost while others are slow."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from voicelink.link_sim.field.sources import SamplesLost, Source, SourceLost
from voicelink.models.errors import VoiceLinkError

HELD_SECONDS = 20.0
"""So much of a live source waits for the receiver at most; what comes beyond is lost, and said."""

HELD_BYTES = 1 << 26
"""And no more than this, at high rates."""

AGAIN_SECONDS = 1.0
"""How long after it was lost, and each time after that, a source is opened again."""


@dataclass(frozen=True)
class Piece:
    """Samples that came.

    Attributes:
        data: whole samples.
        time: UTC, of the moment after the last of them.
        clock: the same, of ``time.monotonic()``.
    """

    data: bytes
    time: datetime
    clock: float


@dataclass(frozen=True)
class Gap:
    """Between the pieces before and after it samples are missing.

    Attributes:
        reason: why, a line.
        time: UTC, when that was found.
    """

    reason: str
    time: datetime


class Feed:
    """Pieces and gaps of a source, in order; a context manager.

    A source that is lost is opened again until it is there.

    Args:
        source: to be read.
        again: seconds between attempts to open it; None: `AGAIN_SECONDS`.

    Attributes:
        source: as given.

    Raises:
        VoiceLinkError: the source cannot be opened at the start.
    """

    def __init__(self, source: Source, again: float | None = None) -> None:
        self.source = source
        self._again = AGAIN_SECONDS if again is None else again
        try:
            source.open()
        except SourceLost as error:
            raise VoiceLinkError(str(error)) from None
        self._kind = source.format, source.rate
        self._limit = min(int(source.rate * source.format.bytes * HELD_SECONDS), HELD_BYTES)
        self._waiting = self._dropped = 0
        self._room = threading.Condition()
        self._queue: queue.SimpleQueue[Piece | Gap | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> list[Piece | Gap]:
        """Read no further: what has come and was not given yet.

        Waits two seconds at most for a read that hangs, and only the first time.
        """
        if not self._closed.is_set():
            self._closed.set()
            with self._room:
                self._room.notify_all()
            self._thread.join(2.0)
        found = []
        while not self._ended and not self._queue.empty():
            if (item := self._queue.get()) is None:
                self._ended = True
            else:
                found.append(item)
        return found

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        return self._ended

    def get(self, timeout: float) -> Piece | Gap | None:
        """What is next; None where nothing came in time, or nothing will."""
        if self._ended:
            return None
        try:
            found = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if found is None:
            self._ended = True
        elif isinstance(found, Piece):
            with self._room:
                self._waiting -= len(found.data)
                self._room.notify_all()
        return found

    def _run(self) -> None:
        try:
            self._read_all()
            self._say_dropped()
        finally:
            self.source.close()
            self._queue.put(None)

    def _read_all(self) -> None:
        while not self._closed.is_set():
            try:
                data = self.source.read()
            except SamplesLost as error:
                self._gap(str(error))
                continue
            # Gone, or whatever else a driver may come up with.
            except Exception as error:
                self._gap(str(error) or type(error).__name__)
                if not self.source.live:
                    return
                self._reopen()
                continue
            if data is None:
                return
            if not data:
                continue
            piece = Piece(data, _now(), time.monotonic())
            if not self.source.live:
                self._wait_for_room()
            elif self._waiting > self._limit:
                self._dropped += len(data) // self.source.format.bytes
                continue
            self._say_dropped()
            with self._room:
                self._waiting += len(data)
            self._queue.put(piece)

    def _say_dropped(self) -> None:
        if self._dropped:
            self._gap(f"{self._dropped} samples were lost: this computer is too slow")
            self._dropped = 0

    def _gap(self, reason: str) -> None:
        self._queue.put(Gap(reason, _now()))

    def _wait_for_room(self) -> None:
        with self._room:
            self._room.wait_for(lambda: self._waiting <= self._limit or self._closed.is_set())

    def _reopen(self) -> None:
        self.source.close()
        while not self._closed.wait(self._again):
            with contextlib.suppress(Exception):
                self.source.open()
                # Another device at the same name, whose samples mean something else, is not it.
                form, rate = self._kind
                if self.source.format == form and math.isclose(
                    self.source.rate, rate, rel_tol=1e-6
                ):
                    return
                self.source.close()


def _now() -> datetime:
    return datetime.now(timezone.utc)
