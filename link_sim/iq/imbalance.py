"""I and Q that are not quite alike, nor quite at right angles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.iq.effect import Effect


@dataclass(kw_only=True, eq=False)
class Imbalance(Effect):
    """Q is g times as strong as I and p off its right angle: ``y = u x + v conj(x)``.

    ``u = (1 + g exp(-j p)) / 2`` and ``v = (1 - g exp(j p)) / 2``: an image at the negative
    frequency, weaker than the signal by
    ``|u|^2 / |v|^2 = (1 + 2 g cos p + g^2) / (1 - 2 g cos p + g^2)``.

    Source: B. Razavi, RF Microelectronics, 2nd ed., section 4.2.
    """

    name = "imbalance"
    help = "I and Q of unequal gain, and not at right angles"

    gain_db: float = number("Q over I", low=-20, high=20, unit="dB", default=0.0)
    phase_deg: float = number("of Q from its right angle", low=-90, high=90, unit="degrees",
                              default=0.0)  # fmt: skip

    def _apply(self, samples):
        gain, phase = 10 ** (self.gain_db / 20), np.radians(self.phase_deg)
        u = np.complex64((1 + gain * np.exp(-1j * phase)) / 2)
        v = np.complex64((1 - gain * np.exp(1j * phase)) / 2)
        return u * samples + v * samples.conj()
