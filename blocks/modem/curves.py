"""Smooth curves over a burst, and the tops of curves known at three places."""

from __future__ import annotations

import numpy as np


def legendre(count: int, symbols: int) -> np.ndarray:
    """Legendre polynomials over a burst.

    Args:
        count: how many, from the constant on.
        symbols: places that they are taken at.

    Returns:
        float64 (count, symbols), orthogonal on these places, each of mean square 1, so that a
        projection is a least-squares fit.
    """
    shapes = np.polynomial.legendre.legvander(np.linspace(-1, 1, symbols), count - 1)
    return np.linalg.qr(shapes)[0].T * np.sqrt(symbols)


def vertex(left: float, middle: float, right: float) -> float:
    """Where the parabola through three values a step apart has its top: steps from the middle one,
    within -1 to 1; 0 where it has none."""
    curve = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / curve, -1, 1)) if curve < 0 else 0.0


def overlap(lag: int, n: int) -> tuple[slice, slice]:
    """Parts k and k + lag of two rows of n."""
    return slice(max(0, -lag), n - max(0, lag)), slice(max(0, lag), n + min(0, lag))
