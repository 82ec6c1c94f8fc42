"""Test frames: payloads that both ends know, to tell the radio link's errors from the codec's.

Test frame k has the payload SHA-256("voicelink test frame k"), k in decimal and counted modulo 256
as the header's sequence is; shorter payloads are the first bytes of that. Everything else about it
is an ordinary link frame.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from voicelink.blocks.callsign import CallsignCollector
from voicelink.blocks.link import LinkEncoder, LinkFrame
from voicelink.blocks.modem import Mode
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Spreader
from voicelink.models.card import card
from voicelink.models.sizes import PAYLOAD_BITS, PAYLOAD_BYTES

KINDS = 256
"""Different test frames."""

RECOGNISED = 0.22
"""A payload of 256 bits is a test frame's if so many more than half of its bits are. Half are by
chance: of 256 frames none reaches 0.72 by it once in 10^10 times; of a frame that came at all, most
bits are right. Where there are fewer bits it must be more, as the root of their number."""


def recognised(payload_bits: int) -> float:
    """The share of right bits from which a payload is a test frame's.

    >>> recognised(256), round(recognised(128), 2)
    (0.72, 0.81)
    """
    return 0.5 + RECOGNISED * (256 / payload_bits) ** 0.5


def payload(number: int, size: int = PAYLOAD_BYTES) -> bytes:
    """The bytes of a test frame, 32 at most.

    >>> payload(0).hex()[:16], payload(256) == payload(0)
    ('5cb74c63e5fc6590', True)
    """
    return hashlib.sha256(b"voicelink test frame %d" % (number % KINDS)).digest()[:size]


@functools.cache
def _signs(bits: int) -> np.ndarray:
    """The payloads of all test frames as signs, float32 (256, bits): +1 for a bit 0."""
    data = np.frombuffer(b"".join(payload(k, bits // 8) for k in range(KINDS)), np.uint8)
    return 1 - 2 * np.unpackbits(data.reshape(KINDS, -1), axis=1).astype(np.float32)


def packets(
    profile: str, model: str, callsign: str, spread: int, frames: int
) -> Iterator[list[Packet]]:
    """An over of so many test frames, as packets that become due one after the other."""
    found = card(model)
    link = LinkEncoder(profile, found.number, callsign, found.payload_bits)
    spreader = Spreader(link.bits, spread)
    for number in range(frames):
        last = number == frames - 1
        content = payload(number, found.payload_bytes)
        yield [spreader.push(link.encode(content, end=last))]
    yield spreader.flush()


@dataclass(frozen=True)
class Errors:
    """Bit errors of one test frame.

    Attributes:
        number: which test frame it is; None where what came is none.
        before, coded: coded bits that the modem gave wrongly, and how many were compared; None
            where the frame as it was sent is not known in full: it failed, and before the callsign
            was known.
        after: of the payload's bits after error correction, those that are wrong; None where
            it is no test frame.
        payload: how many bits the payload has.
    """

    number: int | None
    before: int | None
    coded: int | None
    after: int | None
    payload: int = PAYLOAD_BITS


class ErrorCounter:
    """Compares what comes with the test frames.

    Args:
        mode: of the modem: its profile is what the frames are encoded with.
        payload_bits: of the model's payloads.
    """

    def __init__(self, mode: Mode, payload_bits: int = PAYLOAD_BITS) -> None:
        self._profile = mode.profile
        self._bits = payload_bits
        self._callsign = CallsignCollector()
        self._model = 1
        self._seen = False

    def count(self, packet: Packet, frame: LinkFrame, sequence: int | None = None) -> Errors:
        """The errors of a frame that was received.

        Args:
            packet: as the modem gave it, soft.
            frame: what the link decoder made of it.
            sequence: modulo 256, by its place among the others: what it must be where it failed
                and is like none of them. None where that is not known.
        """
        signs = np.where(frame.payload_llr < 0, -1, 1).astype(np.float32)
        agree = _signs(self._bits) @ signs
        number = int(agree.argmax())
        if agree[number] < (2 * recognised(self._bits) - 1) * self._bits:
            if frame.header is not None or sequence is None or not self._seen:
                return Errors(None, None, None, None, self._bits)
            number = sequence
        self._seen |= frame.header is not None
        wrong = round((self._bits - float(agree[number])) / 2)
        header = frame.header
        if header is not None:
            self._callsign.add(header.sequence, header.callsign_slice)
            self._model = header.model
        # Bits of which nothing came, as of lost packets, are no errors of the modem's.
        known = packet.data != 0
        if frame.corrected is not None:
            return Errors(number, frame.corrected, int(known.sum()), wrong, self._bits)
        if self._callsign.callsign is None:
            return Errors(number, None, None, wrong, self._bits)
        link = LinkEncoder(self._profile, self._model, self._callsign.callsign, self._bits)
        # Whether it is the last of its over is not known: it is where that fits better.
        content = payload(number, self._bits // 8)
        ends = [link.encode(content, end, number).data for end in (False, True)]
        hard = (packet.data < 0)[known]
        before = min(np.count_nonzero(hard != np.unpackbits(sent)[known]) for sent in ends)
        return Errors(number, int(before), int(known.sum()), wrong, self._bits)
