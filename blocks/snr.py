"""Amplitude and noise of BPSK symbols by maximum likelihood: what makes LLRs of soft symbols.

A symbol is y = b + A x + w, with x = +1 for a 0 and -1 for a 1, w ~ N(0, s^2) and a constant b,
which a frequency offset leaves behind a discriminator. The likelihood of A, b and s^2 over one
frame, most of whose x are not known, is climbed by expectation and maximisation (Dempster, Laird
& Rubin, J. R. Stat. Soc. B 39, 1977): with m = E[x | y] = tanh(A (y - b) / s^2), or x where it is
known, A and b are the regression of y on x,

    b n + A sum(m) = sum(y),   b sum(m) + A n = sum(m y),
    s^2 = mean(y^2) - b mean(y) - A mean(m y)

and so on until they stay. Then LLR = 2 A (y - b) / s^2 and Es/N0 = A^2 / (2 s^2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from voicelink.models.errors import ParameterError
from voicelink.models.sizes import PAYLOAD_BITS

HIGHEST_DB = 40.0
"""Es/N0 and Eb/N0 are never said to be higher than this, nor lower than `LOWEST_DB`."""

LOWEST_DB = -20.0

_ITERATIONS = 60
_LEAST = 0.6  # amplitude to start from, where the root of the mean square is 1
_STILL = 3e-4  # relative change of A and s^2 together that counts as settled


@dataclass(frozen=True)
class SymbolStatistics:
    """What the symbols of one frame are made of.

    Attributes:
        amplitude: A, at least 0.
        offset: b.
        variance: s^2 of the noise.
    """

    amplitude: float
    offset: float
    variance: float

    @property
    def esn0(self) -> float:
        """Es/N0, not in dB."""
        return self.amplitude**2 / (2 * self.variance) if self.variance > 0 else 0.0

    def llr(self, symbols: np.ndarray) -> np.ndarray:
        """The symbols as LLRs, float32, log(P(0) / P(1)); all 0 where there is no signal."""
        if self.variance <= 0:
            return np.zeros(np.shape(symbols), np.float32)
        return (2 * self.amplitude / self.variance * (symbols - self.offset)).astype(np.float32)


def symbol_statistics(
    symbols: np.ndarray, known: np.ndarray | None = None, offset: bool = True
) -> SymbolStatistics:
    """Amplitude, offset and noise of BPSK symbols.

    Args:
        symbols: finite numbers (n,), n at least 1.
        known: +-1 (k,), k at most n: what the first k symbols were sent as, in the polarity of the
            symbols.
        offset: False where b is known to be 0.

    Raises:
        ParameterError: ``symbols`` is empty or has more than one axis, or ``known`` is longer.
    """
    y = np.asarray(symbols, np.float64)
    x = np.zeros(0) if known is None else np.asarray(known, np.float64)
    if y.ndim != 1 or not 0 < len(y) >= len(x):
        raise ParameterError(
            f"symbols must have shape (n,), n at least 1 and the number of those known "
            f"({len(x)}), not {y.shape}"
        )
    mean = float(y.mean()) if offset else 0.0
    y = y - mean  # keeps the sums below from cancelling
    power = float(y @ y) / len(y)
    scale = math.sqrt(power)
    if not scale > 1e-9 * abs(mean):
        return SymbolStatistics(0.0, mean, 0.0)
    y = y / scale
    amplitude, bias = _start(y, x, offset)
    variance = 0.5
    m = np.empty_like(y)
    m[: len(x)] = x
    for _ in range(_ITERATIONS):
        np.tanh(amplitude / variance * (y[len(x) :] - bias), out=m[len(x) :])
        before = amplitude, variance
        product, m_mean, y_mean = float(m @ y) / len(y), float(m.mean()), float(y.mean())
        spread = 1 - m_mean**2
        if not offset or spread < 1e-6:
            amplitude, bias = product, 0.0
        else:
            amplitude = (product - m_mean * y_mean) / spread
            bias = y_mean - amplitude * m_mean
        amplitude = max(amplitude, 1e-6)
        variance = max(1 - bias * y_mean - amplitude * product, _floor(amplitude))
        change = abs(amplitude - before[0]) / amplitude + abs(variance - before[1]) / variance
        if change < _STILL:
            break
    return SymbolStatistics(amplitude * scale, mean + bias * scale, variance * power)


def ebn0_db(llrs: np.ndarray, payload_bits: int = PAYLOAD_BITS) -> float:
    """Estimated Eb/N0 in dB, for each payload bit, of the LLRs (bits,) of one link frame.

    Their scale does not matter, their signs need not be known. Within `LOWEST_DB` to `HIGHEST_DB`;
    hard bits, and anything that has no noise in it, get the highest.

    Raises:
        ParameterError: not one axis, or empty.
    """
    llrs = np.nan_to_num(np.asarray(llrs, np.float64), nan=0.0, posinf=1e3, neginf=-1e3)
    esn0 = symbol_statistics(llrs, offset=False).esn0
    return decibels(esn0 * len(llrs) / payload_bits)


def decibels(ratio: float) -> float:
    """10 log10 of a ratio of powers, within `LOWEST_DB` to `HIGHEST_DB`."""
    lowest = 10 ** (LOWEST_DB / 10)
    return min(10 * math.log10(max(ratio, lowest)), HIGHEST_DB)


def _floor(amplitude: float) -> float:
    return amplitude**2 / (2 * 10 ** (HIGHEST_DB / 10))


def _start(y: np.ndarray, x: np.ndarray, offset: bool) -> tuple[float, float]:
    """Where to begin, from the symbols that are known; they may be lost in a burst of noise, and
    from an amplitude near 0 the way up is long."""
    if len(x) < 2:
        return _LEAST, 0.0
    head = y[: len(x)]
    centred = x - x.mean() if offset else x
    amplitude = float(centred @ head) / max(float(centred @ x), 1e-9)
    bias = float(head.mean() - amplitude * x.mean()) if offset else 0.0
    return max(amplitude, _LEAST), bias
