"""Audio made longer or shorter by a little: a sampling rate that follows another clock."""

from __future__ import annotations

import numpy as np

TAPS = 24
"""Samples of the input that make one of the output; half of them is the delay."""

_PHASES = 1024


def _table() -> np.ndarray:
    """Interpolation filters, float32 (phases, taps): a sinc under a Hann window."""
    at = np.arange(TAPS) - (TAPS // 2 - 1) - np.arange(_PHASES)[:, None] / _PHASES
    filters = np.sinc(at) * np.cos(np.pi * at / TAPS) ** 2
    filters /= filters.sum(axis=1, keepdims=True)
    filters[0] = np.arange(TAPS) == TAPS // 2 - 1  # whole samples pass unchanged
    return filters.astype(np.float32)


_FILTERS = _table()


class Resampler:
    """Band-limited interpolation of a stream at any ratio near 1, which may change at any time.

    The output is continuous over the changes. While the ratio is 1 from the start on, it is the
    input, `TAPS` / 2 samples later.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin another stream, with silence before it."""
        self._held = np.zeros(TAPS - 1, np.float32)
        self._at = 0.0

    def process(self, audio: np.ndarray, ratio: float = 1.0) -> np.ndarray:
        """The output that became complete with the input.

        Args:
            audio: float32 (n,), any n.
            ratio: samples of output per sample of input.

        Returns:
            float32 (m,), m being ``ratio`` times n on average.
        """
        data = np.concatenate([self._held, audio])
        starts = len(data) - TAPS + 1
        # The position at which a window begins, in steps of the table's phases.
        count = max(0, int(np.ceil((starts - self._at) * ratio)) + 1)
        steps = np.round((self._at + np.arange(count) / ratio) * _PHASES).astype(np.int64)
        steps = steps[steps < starts * _PHASES]
        index, phase = np.divmod(steps, _PHASES)
        self._at += len(steps) / ratio - starts
        self._held = data[starts:]
        if not phase.any():
            return data[index + TAPS // 2 - 1]
        windows = data[index[:, None] + np.arange(TAPS)]
        return np.einsum("ij,ij->i", windows, _FILTERS[phase])
