"""Random processes of time that need no memory: sums of many sinusoids."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

SINUSOIDS = 64
"""How many make up a process."""


def _even_shares(random: np.random.Generator) -> np.ndarray:
    """Uniform numbers within 0 and 1, one in each of `SINUSOIDS` equal parts of it.

    Each is uniform in its part, so that all together have exactly the uniform distribution, and
    the spectrum of a single process comes nearer to the wanted one than with independent draws.
    """
    return (np.arange(SINUSOIDS) + random.random(SINUSOIDS)).clip(1e-9) / SINUSOIDS


def jakes(random: np.random.Generator, doppler_hz: float) -> np.ndarray:
    """Frequencies of waves from all directions in a plane: ``f = -f_D cos(pi u)``.

    Their autocorrelation is ``J0(2 pi f_D t)`` (R. H. Clarke, Bell Syst. Tech. J. 47, 1968;
    W. C. Jakes, Microwave Mobile Communications, 1974).
    """
    return -doppler_hz * np.cos(np.pi * _even_shares(random))


def gaussian(random: np.random.Generator, spread_hz: float) -> np.ndarray:
    """Normally distributed frequencies, of which ``spread_hz`` is twice the standard deviation.

    Their autocorrelation is ``exp(-(pi spread t)^2 / 2)``. This is the definition of the
    frequency spread in Recommendation ITU-R F.1487.
    """
    quantile = NormalDist().inv_cdf
    return spread_hz / 2 * np.array([quantile(share) for share in _even_shares(random)])


def cauchy(random: np.random.Generator, length: float) -> np.ndarray:
    """Frequencies of a process with the autocorrelation ``exp(-|d| / length)``."""
    return np.tan(np.pi * (_even_shares(random) - 0.5)) / (2 * np.pi * length)


class Scatter:
    """``g(t) = sum of exp(j (2 pi f_i t + p_i)) / sqrt(n)``, with random phases p_i.

    For many sinusoids a complex normal process of mean 0 and power 1, whose spectrum is the
    distribution of the frequencies. It is known at any time, in any order, and goes on for ever.

    Args:
        random: draws the phases.
        frequencies: (n,) per unit of time.

    Source: M. Paetzold, Mobile Radio Channels, 2nd ed., 2011 (sums of sinusoids).
    """

    def __init__(self, random: np.random.Generator, frequencies: np.ndarray) -> None:
        self._turns = 2 * np.pi * frequencies
        self._phases = 2 * np.pi * random.random(len(frequencies))
        self._steps: tuple[float, int] | None = None

    def at(self, start: float, step: float, count: int) -> np.ndarray:
        """Its values, complex128 (count,), at ``start``, ``start + step`` and so on."""
        if self._steps != (step, count):
            # Time k = a * fine + b: so many turns by a, then by b, as a product of two matrices.
            self._steps = step, count
            fine = math.ceil(math.sqrt(count))
            coarse = math.ceil(count / fine)
            turns = 1j * self._turns * step
            self._coarse = np.exp(turns * fine * np.arange(coarse)[:, None])
            self._coarse /= math.sqrt(len(self._turns))
            self._fine = np.exp(turns[:, None] * np.arange(fine))
        first = np.exp(1j * (self._turns * start + self._phases))
        return ((self._coarse * first) @ self._fine).reshape(-1)[:count]
