"""Where nobody speaks: superframes whose place something else may take."""

from __future__ import annotations

from collections import deque

import numpy as np

from voicelink.models.sizes import SUPERFRAME_SAMPLES

QUIETEST = -55.0
"""dBFS below which nothing counts as speech."""

RANGE = 25.0
"""dB below the loudest 20 ms of the over from which nothing does."""

_BLOCK = 160  # samples that the level is taken over, 20 ms
_BEFORE = 2  # blocks before a superframe that must be silent too: what ends there is heard in it


class Pauses:
    """Tells of one superframe after the other whether somebody speaks.

    >>> pauses = Pauses()
    >>> pauses.push(np.concatenate([0.1 * np.sin(np.arange(2560)), np.zeros(5120)]))
    >>> pauses.next(), pauses.next(), pauses.next(), pauses.next()
    (False, False, True, False)
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin another over."""
        self._held = np.zeros(0, np.float32)
        self._before = np.zeros(_BEFORE)
        self._loudest = 0.0
        self._silent: deque[bool] = deque()

    def push(self, audio: np.ndarray) -> None:
        """Take in samples, float (n,), finite, any n."""
        data = np.concatenate([self._held, audio])
        whole = len(data) // SUPERFRAME_SAMPLES * SUPERFRAME_SAMPLES
        self._held = data[whole:]
        for superframe in data[:whole].reshape(-1, SUPERFRAME_SAMPLES):
            blocks = superframe.reshape(-1, _BLOCK).astype(np.float64)
            power = 2 * np.mean(blocks**2, axis=1)
            self._loudest = max(self._loudest, float(power.max()))
            least = max(10 ** (QUIETEST / 10), self._loudest / 10 ** (RANGE / 10))
            self._silent.append(max(power.max(), self._before.max()) < least)
            self._before = power[-_BEFORE:]

    def next(self) -> bool:
        """Whether nobody speaks in the next superframe; False where that is not known."""
        return bool(self._silent.popleft()) if self._silent else False
