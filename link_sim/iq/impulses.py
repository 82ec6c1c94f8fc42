"""Clicks: ignition, switches, power lines, lightning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.iq.effect import Effect
from voicelink.link_sim.iq.noise import complex_normal


@dataclass(kw_only=True, eq=False)
class Impulses(Effect):
    """Some samples, each with the same probability, meet a complex normal number of much power.

    Source: the Bernoulli-Gaussian model; M. Ghosh, IEEE Trans. Commun. 44(2), 1996.
    """

    name = "impulses"
    help = "clicks of a sample's length"

    per_second: float = number("how many", low=0, high=1e6, unit="1/s")
    level_db: float = number("mean power of each", low=-20, high=80, unit="dB", default=20.0)

    def _start(self):
        # Two streams, so that pieces of any size draw the same.
        self._when, self._what = map(np.random.default_rng, self._random.integers(2**63, size=2))

    def _apply(self, samples):
        hit = self._when.random(len(samples)) < self.per_second / self.rate
        out = samples.copy()
        size = np.float32(10 ** (self.level_db / 20))
        out[hit] += size * complex_normal(self._what, int(hit.sum()))
        return out
