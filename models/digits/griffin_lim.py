"""Speech from magnitudes alone, block by block: the phase is found by iteration.

D. Griffin & J. Lim, "Signal Estimation from Modified Short-Time Fourier Transform", IEEE Trans.
ASSP 32(2), 1984; with the momentum of Perraudin, Balazs & Sondergaard, WASPAA 2013.
"""

from __future__ import annotations

import numpy as np

from voicelink.models.digits.sizes import BINS, BLOCK, COLUMNS, HOP, OVERLAP, WINDOW
from voicelink.models.digits.spectrogram import HANN, analyse, synthesise

ITERATIONS = 50
MOMENTUM = 0.99


class GriffinLim:
    """Magnitudes of blocks to sound that lags by 360 samples; each block goes on from the last.

    Args:
        iterations: for each block, at least 1.
    """

    def __init__(self, iterations: int = ITERATIONS) -> None:
        self.iterations = iterations
        turns = np.random.default_rng(0).uniform(0, 2 * np.pi, (BINS, COLUMNS))
        self._begin = np.exp(1j * turns)
        norm = np.full(BLOCK + OVERLAP, 1.5)
        squares = np.zeros(BLOCK + OVERLAP)
        for at in range(0, BLOCK, HOP):
            squares[at : at + WINDOW] += HANN.astype(np.float64) ** 2
        # Behind the block, its own windows only; at its beginning the last block's are there too.
        norm[BLOCK:] = np.maximum(squares[BLOCK:], 0.1)
        self._norm = norm
        self.reset()

    def reset(self) -> None:
        self._tail = np.zeros(BLOCK + OVERLAP)

    def step(self, magnitudes: np.ndarray) -> np.ndarray:
        """The next 7680 samples, float32, of magnitudes (256, 64)."""
        frames, last = magnitudes * self._begin, 0
        for _ in range(self.iterations):
            found = analyse((self._tail + synthesise(frames)) / self._norm)
            ahead = found + MOMENTUM * (found - last)
            frames = magnitudes * ahead / np.maximum(np.abs(ahead), 1e-9)
            last = found
        sound = synthesise(frames)
        audio = (self._tail + sound)[:BLOCK] / 1.5
        self._tail = np.zeros(BLOCK + OVERLAP)
        self._tail[:OVERLAP] = sound[BLOCK:]
        return audio.astype(np.float32)
