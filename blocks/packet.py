"""What moves between transmitter, channel, transport and receiver: one link frame at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Packet:
    """One link frame, as hard bits or as soft ones.

    Attributes:
        data: uint8 array of packed bytes (most significant bit first), or float32 array of LLRs,
            one for each bit: log(P(0) / P(1)), so positive means 0.
        number: the superframe's number where the transport carries one, counted from 0; None where
            it does not.
        metadata: what else a PDU said of it (`voicelink.blocks.pdu`); channels hand it on, and raw
            messages have no room for it.
    """

    data: np.ndarray
    number: int | None = None
    metadata: dict | None = None

    @property
    def soft(self) -> bool:
        return self.data.dtype != np.uint8

    @property
    def bits(self) -> int:
        """How many bits of the link it takes."""
        return len(self.data) if self.soft else 8 * len(self.data)
