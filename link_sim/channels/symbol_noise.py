"""White noise on symbols, before anything has been decided about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.awgn import Awgn


@dataclass(kw_only=True, eq=False)
class SymbolNoise(Awgn):
    """`Awgn` with BPSK, where the packets are soft symbols of a stream in place of LLRs.

    The symbols are +-1, positive for 0, and come out as ``y = |g| cos(phi) x + w``, coherent as
    there; with ``decisions: hard`` as the sign of it, +-1.
    """

    takes_soft = True

    def gives_soft(self, soft: bool) -> bool:
        return True

    def _carry(self, time, packet):
        received, _, _ = self._heard(packet.data, packet)
        self._count((received < 0) != (packet.data < 0))
        if self.decisions == "hard":
            received = np.where(received < 0, -1, 1)
        return [(time, Packet(received.astype(np.float32), packet.number, packet.metadata))]
