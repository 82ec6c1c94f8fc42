"""Test frames: payloads that both ends know, to tell the radio link's errors from the codec's.

Test frame k has the payload SHA-256("voicelink test frame k"), k in decimal and counted modulo 256
as the header's sequence is. Everything else about it is an ordinary link frame.
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
from voicelink.models.sizes import PAYLOAD_BITS

KINDS = 256
"""Different test frames."""

RECOGNISED = 0.72
"""A payload is a test frame's if so many of its bits are. Half are by chance: of 256 frames none
reaches 0.72 by it once in 10^10 times; of a frame that came at all, most bits are right."""


def payload(number: int) -> bytes:
    """The 32 bytes of a test frame.

    >>> payload(0).hex()[:16], payload(256) == payload(0)
    ('5cb74c63e5fc6590', True)
    """
    return hashlib.sha256(b"voicelink test frame %d" % (number % KINDS)).digest()


@functools.cache
def _signs() -> np.ndarray:
    """The payloads of all test frames as signs, float32 (256, 256): +1 for a bit 0."""
    data = np.frombuffer(b"".join(payload(k) for k in range(KINDS)), np.uint8)
    return 1 - 2 * np.unpackbits(data.reshape(KINDS, -1), axis=1).astype(np.float32)


def packets(
    profile: str, model: str, callsign: str, spread: int, frames: int
) -> Iterator[list[Packet]]:
    """An over of so many test frames, as packets that become due one after the other."""
    link = LinkEncoder(profile, card(model).number, callsign)
    spreader = Spreader(link.bits, spread)
    for number in range(frames):
        last = number == frames - 1
        yield [spreader.push(link.encode(payload(number), end=last))]
    yield spreader.flush()


@dataclass(frozen=True)
class Errors:
    """Bit errors of one test frame.

    Attributes:
        number: which test frame it is; None where what came is none.
        before, coded: coded bits that the modem gave wrongly, and how many were compared; None
            where the frame as it was sent is not known in full: it failed, and before the callsign
            was known.
        after: of the 256 bits of payload after error correction, those that are wrong; None where
            it is no test frame.
    """

    number: int | None
    before: int | None
    coded: int | None
    after: int | None


class ErrorCounter:
    """Compares what comes with the test frames.

    Args:
        mode: of the modem: its profile is what the frames are encoded with.
    """

    def __init__(self, mode: Mode) -> None:
        self._profile = mode.profile
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
        agree = _signs() @ signs
        number = int(agree.argmax())
        if agree[number] < (2 * RECOGNISED - 1) * PAYLOAD_BITS:
            if frame.header is not None or sequence is None or not self._seen:
                return Errors(None, None, None, None)
            number = sequence
        self._seen |= frame.header is not None
        wrong = round((PAYLOAD_BITS - float(agree[number])) / 2)
        header = frame.header
        if header is not None:
            self._callsign.add(header.sequence, header.callsign_slice)
            self._model = header.model
        # Bits of which nothing came, as of lost packets, are no errors of the modem's.
        known = packet.data != 0
        if frame.corrected is not None:
            return Errors(number, frame.corrected, int(known.sum()), wrong)
        if self._callsign.callsign is None:
            return Errors(number, None, None, wrong)
        link = LinkEncoder(self._profile, self._model, self._callsign.callsign)
        # Whether it is the last of its over is not known: it is where that fits better.
        ends = [link.encode(payload(number), end, number).data for end in (False, True)]
        hard = (packet.data < 0)[known]
        before = min(np.count_nonzero(hard != np.unpackbits(sent)[known]) for sent in ends)
        return Errors(number, int(before), int(known.sum()), wrong)
