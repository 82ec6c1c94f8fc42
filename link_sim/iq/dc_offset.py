"""A carrier of the receiver's own in the middle of its band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import number
from voicelink.link_sim.iq.effect import Effect


@dataclass(kw_only=True, eq=False)
class DcOffset(Effect):
    """A constant beside the signal, as of mixers that hear their own oscillator."""

    name = "dc-offset"
    help = "a constant beside the signal"

    level_db: float = number("its power", low=-100, high=40, unit="dB")
    phase_deg: float = number("its phase", low=-360, high=360, unit="degrees", default=45.0)

    def _apply(self, samples):
        size = 10 ** (self.level_db / 20)
        return samples + np.complex64(size * np.exp(1j * np.radians(self.phase_deg)))
