"""Channels that damage the bits of a packet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import choice, number
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import PAYLOAD_BITS


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


@dataclass(kw_only=True, eq=False)
class Awgn(Channel):
    """BPSK over additive white Gaussian noise, with Eb/N0 counted for each bit of the payload.

    A packet of n bits carries one superframe, 256 bits of payload, so its header, CRC and error
    correction are all paid from the same energy::

        Es/N0 = Eb/N0 * 256 / n
        y = x + w,  x = +1 for 0 and -1 for 1,  w ~ N(0, s^2),  s^2 = N0 / 2 = 1 / (2 Es/N0)
        LLR = log(P(0 | y) / P(1 | y)) = 2 y / s^2

    so that the LLRs of a 0 have the mean ``4 Es/N0`` and twice that as variance, and the sign of y
    is wrong with probability ``Q(sqrt(2 Es/N0))`` (Proakis & Salehi, Digital Communications,
    5th ed., section 4.3). Hard packets come out soft (float32 LLRs), or hard again with
    ``decisions: hard``; soft packets cannot be sent.
    """

    name = "awgn"
    help = "BPSK over white Gaussian noise, demodulated softly"
    takes_soft = False

    ebn0_db: float = number("Eb/N0 for each bit of the payload", low=-50, high=50, unit="dB")
    decisions: str = choice("what the demodulator hands on", ("soft", "hard"), default="soft")

    def gives_soft(self, soft: bool) -> bool:
        return self.decisions == "soft"

    def _start(self):
        self._bits = self._wrong = 0

    def _carry(self, time, packet):
        if packet.soft:
            raise ParameterError("awgn sends hard bits, and got a soft packet")
        bits = np.unpackbits(packet.data)
        if not len(bits):
            data = np.zeros(0, np.uint8 if self.decisions == "hard" else np.float32)
            return [(time, replace(packet, data=data))]
        variance = self._variance(len(bits))
        received = self._receive(1.0 - 2.0 * bits, variance)
        if self.decisions == "hard":
            data = np.packbits(received < 0)
        else:
            data = (2 / variance * received).astype(np.float32)
        return [(time, replace(packet, data=data))]

    def _variance(self, bits: int) -> float:
        esn0 = 10 ** (self.ebn0_db / 10) * PAYLOAD_BITS / bits
        return 1 / (2 * esn0)

    def _receive(self, symbols: np.ndarray, variance: float) -> np.ndarray:
        received = symbols + self._random.normal(0, np.sqrt(variance), len(symbols))
        self._bits += len(symbols)
        self._wrong += int(((received < 0) != (symbols < 0)).sum())
        return received

    def _figures(self) -> dict[str, Any]:
        return {"bits": self._bits, "wrong": self._wrong}
