"""What two waves by way of the ionosphere are like: one's delay, and the fading of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels import scatter
from voicelink.link_sim.channels.parameters import Configured, choice, number
from voicelink.link_sim.channels.radio import GUARD_MS, STEADY_HZ
from voicelink.link_sim.channels.scatter import Scatter
from voicelink.models.errors import ParameterError

PRESETS = {"good": (0.5, 0.1), "moderate": (1.0, 0.5), "poor": (2.0, 1.0)}
"""Delay in ms and frequency spread in Hz: mid latitudes, quiet, moderate and disturbed."""


@dataclass(kw_only=True, eq=False)
class TwoWaves(Configured):
    """Parameters of Watterson's model (Recommendation ITU-R F.1487)."""

    preset: str | None = choice("ready-made values", tuple(PRESETS), default=None)
    delay_ms: float | None = number(
        "how much later the second wave comes; without preset",
        low=0, high=GUARD_MS, unit="ms", default=None,
    )  # fmt: skip
    spread_hz: float | None = number(
        "Doppler spread of each, twice its deviation; without preset",
        low=0, high=2 * STEADY_HZ, unit="Hz", default=None,
    )  # fmt: skip

    def _check(self):
        own = (self.delay_ms, self.spread_hz)
        if (self.preset is None) != (None not in own) or (self.preset and own != (None, None)):
            raise ParameterError("watterson needs either preset, or both delay_ms and spread_hz")
        self._delay_ms, self._spread_hz = PRESETS[self.preset] if self.preset else own

    def _draw(self, random: np.random.Generator) -> list[Scatter]:
        """The fading of the two, each of mean power 1, with a Gaussian Doppler spectrum."""
        return [Scatter(random, scatter.gaussian(random, self._spread_hz)) for _ in range(2)]
