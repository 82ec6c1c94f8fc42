"""How many samples a source gives at a time so that little waits and the sink never does."""

from __future__ import annotations

from voicelink.models.sizes import SAMPLE_RATE

AHEAD = 160
"""Samples that wait for the sink at most, as long as it takes what it wants from that (20 ms)."""

CHUNK = 40
"""Samples that are worth a call (5 ms)."""

FAST = 500e-6
"""A sink that keeps running out may have a clock that is faster than ours by so much."""

_PATIENCE = 0.03
_SECOND = 1.0


class Pace:
    """Room for samples, by the wall clock and by what the sink leaves waiting.

    The wall clock limits what goes into sinks that take all at once, such as files, or into blocks
    with large buffers of their own; what waits shows the sound card's clock, which is another. A
    sink that takes nothing although `AHEAD` samples wait wants more at a time, and gets it.
    """

    def __init__(self) -> None:
        self._before: float | None = None
        self._credit = 0.0
        self._ahead = AHEAD
        self._waiting = self._lowest = 0
        self._moved = self._looked = 0.0

    def room(self, waiting: int, now: float) -> int:
        """Samples to give now; 0 where it is not worth it yet.

        Args:
            waiting: samples that the sink has not taken.
            now: seconds of a monotonic clock.
        """
        if self._before is None:
            self._before = self._moved = self._looked = now
            self._credit = float(AHEAD)
        speed = 1 + (FAST if waiting < AHEAD // 4 else 0)
        self._credit += (now - self._before) * SAMPLE_RATE * speed
        # What was not given in time, because the machine was busy, is not made up for.
        self._credit = min(self._credit, max(self._ahead, AHEAD))
        self._before = now
        self._watch(waiting, now)
        room = int(min(self._credit, self._ahead - waiting))
        return room if room >= CHUNK else 0

    def gave(self, samples: int) -> None:
        """Say how many were given."""
        self._credit -= samples
        self._waiting += samples

    def _watch(self, waiting: int, now: float) -> None:
        if waiting < self._waiting or waiting + CHUNK <= self._ahead:
            self._moved = now
        elif now - self._moved > _PATIENCE:
            self._ahead += AHEAD // 2
            self._moved = now
        self._waiting = waiting
        self._lowest = min(self._lowest, waiting)
        if now - self._looked > _SECOND:
            if self._lowest > AHEAD // 2:
                self._ahead = max(AHEAD, self._ahead - AHEAD // 2)
            self._lowest, self._looked = waiting, now
