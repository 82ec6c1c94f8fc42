"""Packets to a signal for a file or a pipe: modulator, rate, level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from voicelink.blocks.modem import Modulator
from voicelink.blocks.packet import Packet
from voicelink.link_sim.field.baseband import FromBaseband
from voicelink.models.errors import require
from voicelink.models.sizes import PAYLOAD_BITS

LEVEL = -12.0
"""dB of full scale, r.m.s., while sending: the peaks of every mode stay below full scale."""


class SignalMaker:
    """Makes an over of packets: samples of full scale +-1.

    Args:
        rate: samples/s, 8000 at least.
        real: a passband signal around 1500 Hz; else I/Q.
        mode, spread: of the modem.
        offset: Hz by which the signal lies above the middle.
        level: dB of full scale, r.m.s.
        payload_bits: of the model's payloads.

    Attributes:
        mode: the modem's `Mode`.
        clipped: samples that were beyond full scale.

    Raises:
        ParameterError: an argument is none of these.
    """

    def __init__(
        self,
        rate: float,
        real: bool = False,
        mode: str = "bpsk",
        spread: int = 1,
        offset: float = 0.0,
        level: float = LEVEL,
        payload_bits: int = PAYLOAD_BITS,
    ) -> None:
        self._modulator = Modulator(mode, spread, payload_bits)
        self._passage = FromBaseband(rate, real, offset)
        self._scale = np.float32(10 ** (require("level", level, -100, 20) / 20))
        self.mode = self._modulator.mode
        self.clipped = 0

    def over(self, packets: Iterable[list[Packet]]) -> Iterator[np.ndarray]:
        """The signal of an over, float32 or complex64 pieces, as its packets become due."""
        for due in packets:
            for packet in due:
                yield self._levelled(self._passage.push(self._modulator.modulate(packet)))
        yield self._levelled(self._passage.push(self._modulator.finish()))
        yield self._levelled(self._passage.finish())

    def _levelled(self, samples: np.ndarray) -> np.ndarray:
        samples = samples * self._scale
        parts = samples.view(np.float32)
        self.clipped += int(np.count_nonzero(np.abs(parts) > 1))
        np.clip(parts, -1, 1, out=parts)
        return samples
