"""White noise on symbols, before anything has been decided about them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from voicelink.link_sim.channels.bits import Awgn


@dataclass(kw_only=True, eq=False)
class SymbolNoise(Awgn):
    """`Awgn` where the packets are soft symbols of a stream in place of LLRs.

    The symbols are +-1, positive for 0, and come out as ``y = x + w``; with ``decisions: hard`` as
    the sign of it, +-1.
    """

    takes_soft = True

    def gives_soft(self, soft: bool) -> bool:
        return True

    def _carry(self, time, packet):
        received = self._receive(packet.data, self._variance(packet.bits))
        if self.decisions == "hard":
            received = np.where(received < 0, -1, 1)
        return [(time, replace(packet, data=received.astype(np.float32)))]
