"""Bits of a packet that are inverted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import number


@dataclass(kw_only=True, eq=False)
class BitErrors(Channel):
    """Binary symmetric channel: each bit is wrong with the same probability.

    A hard bit is inverted; of a soft one the sign of its LLR. Capacity ``1 - H(rate)`` bits a bit,
    with the binary entropy H (Cover & Thomas, Elements of Information Theory, section 7.1.4).
    """

    name = "bit-errors"
    help = "inverts each bit independently (binary symmetric channel)"

    rate: float = number("share of the bits that is inverted", low=0, high=1)

    def _start(self):
        self._bits = self._flipped = 0

    def _carry(self, time, packet):
        wrong = self._random.random(packet.bits) < self.rate
        self._bits += packet.bits
        self._flipped += int(wrong.sum())
        if packet.soft:
            data = np.where(wrong, -packet.data, packet.data)
        else:
            data = packet.data ^ np.packbits(wrong)
        return [(time, replace(packet, data=data))]

    def _figures(self) -> dict[str, Any]:
        return {"bits": self._bits, "flipped": self._flipped}
