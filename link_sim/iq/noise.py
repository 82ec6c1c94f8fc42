"""White Gaussian noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.iq.effect import Effect

REFERENCE_HZ = 3000
"""The bandwidth in which HF radio counts noise."""


def complex_normal(random: np.random.Generator, count: int) -> np.ndarray:
    """Complex normal numbers of mean power 1, complex64 (count,)."""
    pairs = random.standard_normal((count, 2), np.float32)
    return pairs.view(np.complex64)[:, 0] * np.float32(math.sqrt(0.5))


@dataclass(kw_only=True, eq=False)
class Noise(Effect):
    """White noise over the whole band, its level counted in 3 kHz.

    At the ratio S in 3 kHz and a rate of R samples per second each sample gets complex normal noise
    of power ``R / (3000 S)``. Per bit of a payload of 800 bit/s ``Eb/N0 = S * 3000 / 800``.
    """

    name = "noise"
    help = "white Gaussian noise, counted in 3 kHz"

    snr_db: float = number("a signal of power 1 over the noise in 3 kHz", low=-60, high=100,
                           unit="dB")  # fmt: skip

    def _apply(self, samples):
        power = self.rate / REFERENCE_HZ / 10 ** (self.snr_db / 10)
        return samples + np.float32(math.sqrt(power)) * complex_normal(self._random, len(samples))
