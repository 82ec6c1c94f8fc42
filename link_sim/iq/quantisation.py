"""Converters of few bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import number, whole
from voicelink.link_sim.iq.effect import Effect


@dataclass(kw_only=True, eq=False)
class Quantisation(Effect):
    """I and Q rounded to n bits, and held to the converter's range.

    A sine that fills the range has a ratio to the rounding of ``6.02 n + 1.76 dB`` over the whole
    band (W. R. Bennett, Bell Syst. Tech. J. 27, 1948); one that fills less has as much less.
    """

    name = "quantisation"
    help = "I and Q rounded to a few bits"

    bits: int = whole("of each, with the sign", low=1, high=24, unit="bits")
    full_scale_db: float = number(
        "the end of the range over the amplitude of a signal of power 1",
        low=-40, high=120, unit="dB", default=12.0,
    )  # fmt: skip

    def _apply(self, samples):
        step = np.float32(10 ** (self.full_scale_db / 20) * 2.0 ** (1 - self.bits))
        most = 2 ** (self.bits - 1)
        parts = np.ascontiguousarray(samples).view(np.float32)
        # Steps to both sides of 0, so that one bit is a sign.
        return (step * (np.floor(parts / step).clip(-most, most - 1) + np.float32(0.5))).view(
            np.complex64
        )
