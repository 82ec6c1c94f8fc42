"""Fading of those who move, on VHF and UHF."""

from __future__ import annotations

import math
from dataclasses import dataclass

from voicelink.link_sim.channels import scatter
from voicelink.link_sim.channels.fading import FASTEST_HZ, Scattered
from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.channels.scatter import Scatter
from voicelink.models.errors import ParameterError

_LIGHT = 299_792_458.0
"""Speed of light, m/s."""


@dataclass(kw_only=True, eq=False)
class Mobile(Scattered):
    """A vehicle or a walker on VHF or UHF: Rayleigh or Rician fading, and shadows.

    The highest Doppler shift is ``speed * carrier / c`` with Jakes' spectrum. Shadows multiply the
    power with a log-normal process of so many dB standard deviation and median 1, with the
    autocorrelation ``exp(-distance / correlation)`` over the way driven.

    Source: M. Gudmundson, Correlation model for shadow fading in mobile radio systems, Electronics
    Letters 27(23), 1991; else as `Rayleigh` and `Rician`.
    """

    name = "mobile"
    help = "fading by speed and carrier frequency, with shadows; before awgn"

    speed_kmh: float = number("speed over ground", low=0, high=1000, unit="km/h")
    carrier_mhz: float = number("carrier frequency", low=1, high=6000, unit="MHz")
    k_db: float | None = number(
        "steady power over scattered power; without it no line of sight",
        low=-20, high=40, unit="dB", default=None,
    )  # fmt: skip
    shadow_db: float = number("standard deviation of the shadows", low=0, high=20, unit="dB",
                              default=0.0)  # fmt: skip
    shadow_m: float = number("way over which shadows lose 63 % of their correlation",
                             low=0.1, high=1e5, unit="m", default=50.0)  # fmt: skip

    def _check(self):
        if self.doppler_hz > FASTEST_HZ:
            raise ParameterError(
                f"mobile: speed_kmh {self.speed_kmh:g} and carrier_mhz {self.carrier_mhz:g} must "
                f"make a Doppler shift of at most {FASTEST_HZ:g} Hz, not {self.doppler_hz:.0f} Hz"
            )

    @property
    def doppler_hz(self) -> float:
        """The highest Doppler shift."""
        return self._speed * self.carrier_mhz * 1e6 / _LIGHT

    @property
    def _speed(self) -> float:
        return self.speed_kmh / 3.6

    def _begin(self):
        super()._begin()
        self._shadow = Scatter(self._random, scatter.cauchy(self._random, self.shadow_m))

    def _gain(self, time, signal):
        gain = super()._gain(time, signal)
        if not self.shadow_db:
            return gain
        start = (time + signal.row_seconds / 2) * self._speed
        way = self._shadow.at(start, signal.row_seconds * self._speed, signal.rows)
        # The real part of a process of power 1 has the variance 1/2.
        return gain * 10 ** (self.shadow_db * math.sqrt(2) * way.real / 20)[:, None]
