"""Paths of fixed delays as a filter, and a stream through a filter."""

from __future__ import annotations

import math

import numpy as np

LATENCY = 12
"""Samples by which all paths are later, so that a delay may be any fraction of a sample."""


def delay_taps(samples: float) -> np.ndarray:
    """A filter that delays by ``samples`` + `LATENCY`: a sinc under a Hann window.

    A whole number of samples is exact; else the band is flat up to some 0.8 of its half.

    >>> np.flatnonzero(delay_taps(3.0)) - LATENCY
    array([3])
    """
    at = np.arange(math.ceil(samples) + 2 * LATENCY) - LATENCY - samples
    taps = np.sinc(at) * np.cos(np.pi * at / (2 * LATENCY)) ** 2
    taps[(np.abs(at) >= LATENCY) | (np.abs(taps) < 1e-12)] = 0
    return taps / taps.sum()


class Filter:
    """A stream through a filter with finite impulse response.

    Args:
        taps: (k,) real or complex.
    """

    def __init__(self, taps: np.ndarray) -> None:
        real = taps if np.iscomplexobj(taps) else taps.astype(np.float32)
        self._taps = real.astype(np.complex64) if np.iscomplexobj(taps) else real
        self._held = np.zeros(len(taps) - 1, np.complex64)

    def process(self, samples: np.ndarray) -> np.ndarray:
        """As many samples as come, complex64 (n,)."""
        data = np.concatenate([self._held, samples])
        self._held = data[len(data) - len(self._held) :]
        if len(samples) == 0:
            return np.zeros(0, np.complex64)
        return np.convolve(data, self._taps, "valid")
