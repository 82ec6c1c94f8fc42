"""An echo that stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.iq.effect import Effect
from voicelink.link_sim.iq.filters import LATENCY, Filter, delay_taps


@dataclass(kw_only=True, eq=False)
class Multipath(Effect):
    """A second path beside the direct one: a reflection, or a cable with bad ends.

    With the echo's amplitude a, delay d and phase p the path has, at the frequency f, the gain
    ``(1 + a exp(j p - 2 pi j f d)) / sqrt(1 + a^2)``. Several in a row make more echoes.
    """

    name = "multipath"
    help = "a fixed echo"
    delay = LATENCY

    delay_ms: float = number("how much later it comes", low=0, high=20, unit="ms")
    level_db: float = number("its power over that of the direct path", low=-60, high=20, unit="dB")
    phase_deg: float = number("its phase at the centre of the band", low=-360, high=360,
                              unit="degrees", default=0.0)  # fmt: skip

    def _start(self):
        late = delay_taps(self.delay_ms * self.rate / 1000)
        echo = 10 ** (self.level_db / 20) * np.exp(1j * np.radians(self.phase_deg))
        taps = echo * late
        taps[LATENCY] += 1
        self._path = Filter(taps / np.sqrt(1 + abs(echo) ** 2))

    def _apply(self, samples):
        return self._path.process(samples)
