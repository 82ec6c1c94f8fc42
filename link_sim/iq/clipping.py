"""Amplifiers that are driven too far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import choice, number
from voicelink.link_sim.iq.effect import Effect


@dataclass(kw_only=True, eq=False)
class Clipping(Effect):
    """A limit: of the envelope, as in a transmitter's last stage, or of I and Q each."""

    name = "clipping"
    help = "a limit of the envelope, or of I and Q"

    level_db: float = number("the limit over the amplitude of a signal of power 1", low=-40,
                             high=60, unit="dB")  # fmt: skip
    of: str = choice("what is limited", ("envelope", "rails"), default="envelope")

    def _apply(self, samples):
        limit = np.float32(10 ** (self.level_db / 20))
        if self.of == "rails":
            return samples.real.clip(-limit, limit) + 1j * samples.imag.clip(-limit, limit)
        size = np.abs(samples)
        return samples * (limit / np.maximum(size, limit))
