"""A modulator, a path and a demodulator in a row, and which burst is which packet."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from voicelink.blocks.modem import BURST_SAMPLES, MODEM_RATE, Burst, Demodulator, Modulator
from voicelink.blocks.packet import Packet
from voicelink.link_sim.iq.chain import IqChain
from voicelink.link_sim.iq.effect import Effect
from voicelink.models.sizes import PAYLOAD_BITS

NEAR = BURST_SAMPLES / 2
"""Samples within which a burst is that of a packet."""

_KEPT = 32  # bursts after which a packet is no longer waited for


class Heard(NamedTuple):
    """A burst, and which packet it is by its place: None for one where none was sent."""

    number: int | None
    burst: Burst


class Air:
    """Packets in, bursts out, over a path of samples.

    Args:
        mode: a mode's name.
        spread: packets that each frame is spread over, 1, 2, 4, 8 or 16.
        effects: the path.
        seed: of all that is random in it.
        payload_bits: of the payloads.

    Attributes:
        modulator, demodulator: the two ends.
        sent: packets sent; they are numbered from 0.
        samples: that the demodulator has had.
        energy: of all that was sent, a sample of power 1 counting as 1.
        receiving: CPU seconds that it took for them.
    """

    def __init__(
        self,
        mode: str,
        spread: int = 1,
        effects: Iterable[Effect] = (),
        seed: int | np.random.SeedSequence = 0,
        payload_bits: int = PAYLOAD_BITS,
    ) -> None:
        self.modulator = Modulator(mode, spread, payload_bits)
        self.demodulator = Demodulator(mode, spread, payload_bits=payload_bits)
        self.receiving = 0.0
        self.samples = 0
        self.energy = 0.0
        self.begin(effects, seed)

    def begin(self, effects: Iterable[Effect], seed: int | np.random.SeedSequence) -> None:
        """Another path, and the modem as new; what the attributes count goes on, but ``sent``."""
        self._chain = IqChain(effects, seed, MODEM_RATE)
        self.modulator.reset()
        self.demodulator.reset()
        self.sent = 0
        self._on_air = False
        self._at = 0  # samples put on the air
        self._expected: deque[tuple[int, float]] = deque()

    def send(self, packet: Packet) -> list[Heard]:
        """One packet right after the one before, or after a pause; what was heard by its end."""
        where = self._chain.arrives_at(self._at + self.modulator.delay)
        self._expected.append((self.sent, where))
        if len(self._expected) > _KEPT:
            self._expected.popleft()
        self.sent += 1
        self._on_air = True
        return self._hear(self.modulator.modulate(packet))

    def pause(self, seconds: float) -> list[Heard]:
        """The end of an over, if there is one, and silence: so long from the last packet's end."""
        end = self.modulator.finish() if self._on_air else np.zeros(0, np.complex64)
        self._on_air = False
        silence = max(0, round(seconds * MODEM_RATE) - len(end))
        heard = self._hear(end)
        while silence:
            piece = min(silence, MODEM_RATE)
            heard += self._hear(np.zeros(piece, np.complex64))
            silence -= piece
        return heard

    def _hear(self, samples: np.ndarray) -> list[Heard]:
        self._at += len(samples)
        self.energy += float(np.vdot(samples, samples).real)
        samples = self._chain.process(samples)
        self.samples += len(samples)
        start = time.process_time()
        bursts = self.demodulator.push(samples)
        self.receiving += time.process_time() - start
        return [Heard(self._number(burst.position), burst) for burst in bursts]

    def _number(self, position: float) -> int | None:
        while self._expected and self._expected[0][1] < position - NEAR:
            self._expected.popleft()
        if self._expected and self._expected[0][1] < position + NEAR:
            return self._expected.popleft()[0]
        return None
