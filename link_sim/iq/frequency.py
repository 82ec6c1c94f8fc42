"""A carrier that is not where it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.iq.effect import Effect


@dataclass(kw_only=True, eq=False)
class Frequency(Effect):
    """A frequency error, which may drift: the phase is ``2 pi (hz t + drift t^2 / 2)``."""

    name = "frequency"
    help = "a frequency error and its drift"

    hz: float = number("the error at the start", low=-4000, high=4000, unit="Hz")
    drift_hz_per_s: float = number("by how much it grows", low=-100, high=100, unit="Hz/s",
                                   default=0.0)  # fmt: skip

    def _apply(self, samples):
        t = self._times(len(samples))
        turns = (self.hz + self.drift_hz_per_s / 2 * t) * t
        return samples * np.exp(2j * np.pi * (turns % 1)).astype(np.complex64)
