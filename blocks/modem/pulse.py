"""The root-raised-cosine pulse, at any moment: burst timing needs no sampling grid."""

from __future__ import annotations

import numpy as np


def root_raised_cosine(t: np.ndarray, rolloff: float) -> np.ndarray:
    """The pulse of energy 1 in a time unit of one symbol (Proakis & Salehi, Digital
    Communications, 5th ed., section 9.2).

    Args:
        t: in symbols, any shape.
        rolloff: above 0, at most 1.

    Returns:
        float64, of the shape of ``t``.
    """
    t = np.asarray(t, np.float64)
    a = 4 * rolloff * t
    # Where numerator and denominator vanish the neighbourhood is smooth: step aside.
    near = np.abs(1 - a * a) < 1e-6
    t = np.where(near, t * (1 + 1e-5), t)
    t = np.where(np.abs(t) < 1e-7, 1e-7, t)
    a = 4 * rolloff * t
    top = np.sin(np.pi * t * (1 - rolloff)) + a * np.cos(np.pi * t * (1 + rolloff))
    return top / (np.pi * t * (1 - a * a))


def raised_cosine(t: np.ndarray, rolloff: float) -> np.ndarray:
    """The autocorrelation of `root_raised_cosine`: 1 at 0, and 0 at every other whole symbol."""
    t = np.asarray(t, np.float64)
    a = 2 * rolloff * t
    near = np.abs(1 - a * a) < 1e-6
    t = np.where(near, t * (1 + 1e-5), t)
    a = 2 * rolloff * t
    return np.sinc(t) * np.cos(np.pi * rolloff * t) / (1 - a * a)
