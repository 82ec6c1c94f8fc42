"""The normalised correlation of a stream with the sync word, and how high noise makes it.

At each position of the stream the n = 32 symbols y from there on are compared with the sync word x:

    rho = sum(x' y') / sqrt(sum(x'^2) sum(y'^2)),   x' = x - mean(x),  y' = y - mean(y)

-1 to 1, whatever the level and the offset of the symbols; the sign tells their polarity. For white
Gaussian noise of any power, rho is one coordinate of a point that is uniform on the unit sphere of
n - 1 dimensions (one is lost to the mean), hence

    rho^2 ~ Beta(1/2, (n - 2) / 2),   density of rho proportional to (1 - rho^2)^((n - 4) / 2)

(T. W. Anderson, An Introduction to Multivariate Statistical Analysis, 3rd ed., section 4.2). For
symbols of amplitude A in noise of variance s^2, rho is near A / sqrt(A^2 + s^2).
"""

from __future__ import annotations

import functools

import numpy as np

from voicelink.blocks.sync_word import SYNC_BITS, SYNC_SYMBOLS

_CENTRED = SYNC_SYMBOLS - SYNC_SYMBOLS.mean()
_ENERGY = float(_CENTRED @ _CENTRED)
_STEPS = 2000  # of the density's grid over -1..1


def sync_correlation(symbols: np.ndarray) -> np.ndarray:
    """rho at every position of a stream.

    Args:
        symbols: float64 (n,), finite, of a size whose squares are finite.

    Returns:
        float64 (n - 31,), empty for a shorter stream; 0 where the symbols do not change. A value
        depends on its 32 symbols alone, to the last bit, however the stream was cut.
    """
    count = len(symbols) - SYNC_BITS + 1
    if count <= 0:
        return np.zeros(0)
    product = np.zeros(count)
    term = np.empty(count)
    for i, weight in enumerate(_CENTRED):
        np.multiply(symbols[i : i + count], weight, out=term)
        product += term
    power = _window_sums(symbols * symbols)
    energy = power - _window_sums(symbols) ** 2 / SYNC_BITS
    # What is left of rounding is no signal.
    still = energy <= 1e-12 * power
    energy[still] = 1.0
    product[still] = 0.0
    product /= np.sqrt(energy * _ENERGY)
    return product


def _window_sums(values: np.ndarray) -> np.ndarray:
    """Sums of 32 values from each on, by doubling; a running sum would keep its rounding errors."""
    width = 1
    while width < SYNC_BITS:
        values = values[:-width] + values[width:]
        width *= 2
    return values


@functools.cache
def correlation_threshold(probability: float, words: int = 1) -> float:
    """What the mean of rho over so many separate words exceeds in noise, up or down, so rarely.

    The density of the sum is that of rho folded with itself; white Gaussian noise may have another
    power in each word. It is 1 where nothing less is rare enough.

    Args:
        probability: that the mean's absolute value is at least the threshold.
        words: how many words, at least 1.

    >>> round(correlation_threshold(1e-11), 2), round(correlation_threshold(1e-11, words=3), 2)
    (0.89, 0.63)
    """
    grid = np.linspace(-1, 1, _STEPS + 1)
    density = (1 - grid**2) ** ((SYNC_BITS - 4) / 2)
    density /= density.sum()
    total = density
    for _ in range(words - 1):
        total = np.convolve(total, density)
    means = np.linspace(-1, 1, len(total))
    tail = np.cumsum(total[::-1])[::-1]  # P(mean >= each)
    rare = 2 * tail <= probability
    return float(means[rare.argmax()]) if rare.any() else 1.0
