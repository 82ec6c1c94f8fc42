"""The ionosphere as a path of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.two_waves import TwoWaves
from voicelink.link_sim.iq.effect import Effect
from voicelink.link_sim.iq.filters import LATENCY, Filter, delay_taps

_BLOCK = 4096
_STEP = 16
"""A gain is worked out every so many samples of a block, and is a straight line in between: within
2 ms a gain with a spread of 10 Hz bends by less than 0.2 % of its size."""


@dataclass(kw_only=True, eq=False)
class Watterson(TwoWaves, Effect):
    """Two waves by way of the ionosphere, the processes of the channel of packets of this name.

    ``y(t) = (a(t) x(t) + b(t) x(t - delay)) / sqrt(2)``, with a and b independent complex normal
    processes of power 1 whose autocorrelation is ``exp(-(pi spread t)^2 / 2)``.

    Source: Recommendation ITU-R F.1487 (2000); C. C. Watterson et al., IEEE Trans. Commun. Technol.
    18, 1970.
    """

    name = "watterson"
    help = "HF by way of the ionosphere (ITU-R F.1487)"
    delay = LATENCY

    def _start(self):
        self._waves = self._draw(self._random)
        self._paths = [
            Filter(delay_taps(samples)) for samples in (0, self._delay_ms * self.rate / 1000)
        ]
        self._block, self._gains = -1, np.zeros((2, _BLOCK), np.complex64)

    def _apply(self, samples):
        waves = [path.process(samples) for path in self._paths]
        out = np.empty(len(samples), np.complex64)
        done = 0
        while done < len(samples):
            block, first = divmod(self._at + done, _BLOCK)
            count = min(_BLOCK - first, len(samples) - done)
            a, b = self._gains_of(block)[:, first : first + count]
            part = slice(done, done + count)
            out[part] = a * waves[0][part] + b * waves[1][part]
            done += count
        return out

    def _gains_of(self, block: int) -> np.ndarray:
        """Both gains over the square root of 2, complex64 (2, _BLOCK)."""
        if block != self._block:
            self._block = block
            places = np.arange(0, _BLOCK + 1, _STEP)
            for row, wave in zip(self._gains, self._waves, strict=True):
                known = wave.at(block * _BLOCK / self.rate, _STEP / self.rate, len(places))
                row[:] = np.interp(np.arange(_BLOCK), places, known / math.sqrt(2))
        return self._gains
