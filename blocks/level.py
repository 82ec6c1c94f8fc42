"""How loud it is, and whether somebody speaks."""

from __future__ import annotations

import numpy as np

from voicelink.models.errors import require
from voicelink.models.sizes import SAMPLE_RATE

LOWEST = -100.0
"""dBFS that silence counts as."""

_BLOCK = 160  # samples that the level is taken over, 20 ms


def dbfs(audio: np.ndarray) -> float:
    """Level in dB below a sine at full scale: 10 log10(2 mean(x^2)); at least `LOWEST`.

    >>> round(dbfs(0.5 * np.sin(np.arange(8000))), 1)
    -6.0
    """
    power = 2 * float(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
    return max(LOWEST, 10 * float(np.log10(max(power, 1e-12))))


class Vox:
    """Speech switches on, and a pause switches off.

    Args:
        threshold: dBFS from which it is speech, -90 to 0.
        hang: seconds that it stays on after the last of it, 0.02 to 10.

    Attributes:
        on: whether it is on.

    >>> vox = Vox(-40, hang=0.5)
    >>> vox.push(np.full(800, 0.1)), vox.push(np.zeros(3200)), vox.push(np.zeros(1600))
    (True, True, False)
    """

    def __init__(self, threshold: float = -40.0, hang: float = 0.8) -> None:
        self._threshold = float(require("threshold", threshold, -90, 0))
        self._hang = round(float(require("hang", hang, 0.02, 10)) * SAMPLE_RATE)
        self.reset()

    def reset(self) -> None:
        """Off."""
        self._held = np.zeros(0, np.float32)
        self._left = 0
        self.on = False

    def push(self, audio: np.ndarray) -> bool:
        """Take in samples, float (n,); whether it is on."""
        data = np.concatenate([self._held, audio])
        whole = len(data) // _BLOCK * _BLOCK
        self._held = data[whole:]
        for block in data[:whole].reshape(-1, _BLOCK):
            loud = dbfs(block) >= self._threshold
            self._left = self._hang if loud else max(0, self._left - _BLOCK)
        self.on = self._left > 0
        return self.on
