"""From what a demodulator heard to decisions and log-likelihood ratios."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from voicelink.link_sim.channels.radio import Signal

_RARE = 1e-12
"""Probability below which a state of the noise is left out."""


def log_i0(x: np.ndarray) -> np.ndarray:
    """``log I0(x)`` for x >= 0, without overflow, to 5e-7.

    Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 9.8.1 and 9.8.2.
    """
    small = np.minimum(x, 3.75) / 3.75
    near = np.log(np.polynomial.polynomial.polyval(small**2, _NEAR))
    large = np.maximum(x, 3.75)
    far = large - 0.5 * np.log(large) + np.log(np.polynomial.polynomial.polyval(3.75 / large, _FAR))
    return np.where(x < 3.75, near, far)


_NEAR = (1, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813)
_FAR = (
    0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537,
    -0.01647633, 0.00392377,
)  # fmt: skip


def noise_levels(signal: Signal) -> np.ndarray | float:
    """Power of the noise on each row, (rows, 1), over that of the background."""
    level = 1.0
    for _, ratio, counts in signal.impulses:
        level = level + ratio * counts / signal.columns
    return level


def noise_states(signal: Signal) -> Iterator[tuple[float, float]]:
    """What a receiver knows of the noise: (log probability, power over the background's)."""
    kinds = []
    for probability, ratio, _ in signal.impulses:
        n = signal.columns
        shares = [
            math.comb(n, j) * probability**j * (1 - probability) ** (n - j) for j in range(n + 1)
        ]
        kinds.append([(p, ratio * j / n) for j, p in enumerate(shares) if p > _RARE])
    for state in itertools.product(*kinds):
        yield sum(math.log(p) for p, _ in state), 1 + sum(extra for _, extra in state)


def bit_llrs(logs: np.ndarray) -> np.ndarray:
    """Log-likelihood ratios of the bits.

    Args:
        logs: (2, n) or (4, n) log-likelihoods of the symbols, whose numbers are their bits.

    Returns:
        (n,) or (2 n,) log(P(0) / P(1)), the first bit of a symbol first.
    """
    if len(logs) == 2:
        return logs[0] - logs[1]
    both = np.logaddexp
    first = both(logs[0], logs[1]) - both(logs[2], logs[3])
    second = both(logs[0], logs[2]) - both(logs[1], logs[3])
    return np.stack([first, second], axis=1).reshape(-1)


def likeliest(logs: np.ndarray) -> np.ndarray:
    """The bits of the likeliest symbols, uint8; ``logs`` and order as in `bit_llrs`."""
    if len(logs) == 2:
        return (logs[1] > logs[0]).view(np.uint8)
    symbols = logs.argmax(axis=0).astype(np.uint8)
    return np.stack([symbols >> 1, symbols & 1], axis=1).reshape(-1)
