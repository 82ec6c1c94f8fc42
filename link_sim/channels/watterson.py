"""The ionosphere as a radio path."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.fading import Fading
from voicelink.link_sim.channels.two_waves import TwoWaves


@dataclass(kw_only=True, eq=False)
class Watterson(TwoWaves, Fading):
    """Two waves by way of the ionosphere, one later than the other, each fading by itself.

    Two taps of equal mean power, together 1, each a complex normal process with a Gaussian Doppler
    spectrum, of which the spread is twice the standard deviation (F.1487)::

        H(f, t) = (a(t) + b(t) exp(-2 pi j f delay)) / sqrt(2)

    Needs the multicarrier waveform, whose guard interval takes up the echo; each carrier then sees
    H at its own frequency. At frequencies df apart and times dt apart, H has the correlation
    ``cos(pi df delay) exp(-j pi df delay) exp(-(pi spread dt)^2 / 2)``.

    Presets: ``good`` 0.5 ms, 0.1 Hz; ``moderate`` 1 ms, 0.5 Hz; ``poor`` 2 ms, 1 Hz: the quiet,
    moderate and disturbed channels of mid latitudes.

    Source: Recommendation ITU-R F.1487 (2000); C. C. Watterson et al., Experimental
    confirmation of an HF channel model, IEEE Trans. Commun. Technol. 18, 1970; CCIR Report 549.
    """

    name = "watterson"
    help = "HF by way of the ionosphere (ITU-R F.1487); before awgn with many carriers"

    @property
    def echoes_ms(self) -> float:
        return self._delay_ms

    @property
    def doppler_deviation_hz(self) -> float:
        return self._spread_hz / 2

    def _begin(self):
        self._taps = self._draw(self._random)

    def _gain(self, time, signal):
        first, second = (
            tap.at(time + signal.row_seconds / 2, signal.row_seconds, signal.rows)[:, None]
            for tap in self._taps
        )
        later = np.exp(-2e-3j * np.pi * self._delay_ms * signal.frequencies)
        return (first + second * later) / math.sqrt(2)
