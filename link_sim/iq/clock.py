"""A receiver's sampling clock that is not the transmitter's."""

from __future__ import annotations

from dataclasses import dataclass

from voicelink.blocks.resampler import TAPS, Resampler
from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.iq.effect import Effect


@dataclass(kw_only=True, eq=False)
class Clock(Effect):
    """The receiver's clock is fast: of n samples it makes ``n (1 + ppm / 10^6)``."""

    name = "clock"
    help = "an error of the sampling clock"
    delay = TAPS // 2

    ppm: float = number("by how much the receiver's is fast", low=-1000, high=1000, unit="ppm")

    @property
    def ratio(self) -> float:
        return 1 + 1e-6 * self.ppm

    def _start(self):
        self._resampler = Resampler()

    def _apply(self, samples):
        return self._resampler.process(samples, self.ratio)
