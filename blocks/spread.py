"""Spreading of frames over several packets, so that error correction mends lost packets too.

A code within one frame cannot help where the whole packet is gone. Spread over D packets, each
frame loses one part of D with it, as with the convolutional interleaver of G. D. Forney (IEEE
Trans. Commun. Technol. 19(5), 1971). It costs (D - 1) x 320 ms of delay, and 24 bits that number
each packet. FORMAT.md describes the bits.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from voicelink.blocks import golay
from voicelink.blocks.link import MOST_SURE, hard_llrs
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import profile_of_length, profiles
from voicelink.blocks.whitener import whitening
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.sizes import PAYLOAD_BITS

DEPTHS = (2, 4, 8, 16)
"""Packets that a frame may be spread over; 1, beside these, is no spreading."""

LABEL_BITS = golay.BITS
"""Bits in front of each packet that say which it is."""

OVERS = 4
"""Overs are counted modulo this, so that the packets of two are not mixed."""

BEHIND = 8
"""A packet may be so many behind the newest one."""

AHEAD = 64
"""A packet further ahead than this begins another count (20 s)."""


@functools.cache
def _steps() -> np.ndarray:
    """Chances that packet n follows packet m, [n, m] modulo 256: the next mostly, or one near."""
    chance = np.zeros(256)
    lost = np.arange(AHEAD - 1)
    chance[1] = 0.9
    chance[2 : AHEAD + 1] = 0.06 * 0.3 * 0.7**lost + 0.01 / len(lost)
    chance[np.arange(-BEHIND + 1, 1)] = 0.02 / BEHIND
    numbers = np.arange(256)
    return chance[(numbers[:, None] - numbers) % 256]


FILLED = 0.5
"""How far what is known of a frame agrees with the filler, 1 being in all bits and 0
in half of them, from which it is no frame but what fills packets up. That agrees to 0.7 or more
where frames can be mended; of frames of which 64 bits are known, one in 3000 does by chance."""

_ELSEWHERE = 1e-3
"""The chance that a packet is any other, as of another over."""


def check_depth(depth: int) -> int:
    """``depth`` if frames can be spread over so many packets; else `ParameterError`."""
    if isinstance(depth, bool) or depth not in (1, *DEPTHS):
        known = ", ".join(map(str, DEPTHS))
        raise ParameterError(f"spread must be 1, or one of {known} packets, not {depth!r}")
    return int(depth)


def label(number: int, depth: int, over: int) -> np.ndarray:
    """The 24 bits in front of packet ``number`` of an over, uint8."""
    return golay.encode(number % 256 << 4 | DEPTHS.index(depth) << 2 | over % OVERS)


@functools.cache
def packet_lengths(payload_bits: int = PAYLOAD_BITS) -> tuple[int, ...]:
    """The bits that a packet may have: a frame of each profile, and then spread ones."""
    frames = tuple(profile.bits for profile in profiles(payload_bits).values())
    return frames + tuple(bits + LABEL_BITS for bits in frames)


def frame_bits(bits: int, payload_bits: int = PAYLOAD_BITS) -> int:
    """Bits of the frames in spread packets of so many bits; 0 where no spread packet is so long."""
    frame = bits - LABEL_BITS
    return frame if any(p.bits == frame for p in profiles(payload_bits).values()) else 0


class Spreader:
    """Takes the bits of frames one by one and gives as many packets, each with parts of D frames.

    Packet n holds, of each frame n - j with j = 0 .. D - 1, the bits i with i mod D = j, at their
    own places i. Where there is no such frame, at the ends of an over, its bits are filled.

    Args:
        bits: bits of a frame.
        depth: D, one of `DEPTHS`, or 1: packets are the frames.

    Raises:
        ParameterError: there is no such depth.

    >>> Spreader(592, 4).push(Packet(np.zeros(74, np.uint8), 0)).bits
    616
    """

    def __init__(self, bits: int, depth: int) -> None:
        self.depth = check_depth(depth)
        self._filler = _filler(bits)
        self._part = np.arange(bits) % self.depth
        self._over, self._number = -1, -1
        self.reset()

    @property
    def packet_bits(self) -> int:
        """Bits of a packet."""
        return len(self._part) + (LABEL_BITS if self.depth > 1 else 0)

    def reset(self) -> None:
        """Begin another over."""
        self._over += self._number != 0
        self._number = 0
        self._frames = [self._filler] * self.depth

    def push(self, packet: Packet) -> Packet:
        """The packet that goes out when a frame, hard, comes in; it keeps the frame's number."""
        if self.depth == 1:
            return packet
        return self._next(np.unpackbits(packet.data), packet.number)

    def flush(self) -> list[Packet]:
        """The D - 1 packets after the last frame, and another over begins."""
        last = [self._next(self._filler, self._number) for _ in range(self.depth - 1)]
        self.reset()
        return last

    def _next(self, bits: np.ndarray, number: int | None) -> Packet:
        if number is not None:
            # Of frames that are left out there is nothing to send.
            missing = number - self._number if number >= self._number else self.depth
            self._frames = [self._filler] * min(missing, self.depth) + self._frames
            self._number = number
        self._frames = [bits, *self._frames[: self.depth - 1]]
        mixed = np.choose(self._part, self._frames)
        data = np.concatenate([label(self._number, self.depth, self._over), mixed])
        packet = Packet(np.packbits(data), self._number)
        self._number += 1
        return packet


class Gatherer:
    """Puts the frames of spread packets together again, and lets all other packets pass.

    Whatever is lost of a frame has the LLR 0. A frame is given out when the packet with its last
    part has come, or one after that; or earlier by `take`, where it is needed now. What fills the
    packets at the ends of an over is told by its bits (`FILLED`), and never given out.

    Args:
        payload_bits: of the model's payloads, by which spread packets have their length.
    """

    def __init__(self, payload_bits: int = PAYLOAD_BITS) -> None:
        self._payload_bits = payload_bits
        self.reset()

    def reset(self) -> None:
        """Forget what has come: the next packet begins another count."""
        self._over: tuple[int, int, int] | None = None  # depth, over, bits
        self._belief = np.full((256, 16), 1 / 4096)
        self._frames: dict[int, np.ndarray] = {}
        self._newest = self._given = self._first = 0

    def push(self, packet: Packet) -> list[Packet]:
        """The frames that are complete, in order: soft, numbered from the start of the over.

        A packet that is not as long as a spread one comes back as it is.
        """
        bits = frame_bits(packet.bits, self._payload_bits)
        if not bits:
            return [packet]
        llr = self._llrs(packet, bits)
        number, depth, over = self._read(llr[:LABEL_BITS], bits)
        part = np.arange(bits) % depth
        other = self._over != (depth, over, bits) or not self._near(number)
        if not other and number - self._first >= 256:
            # Near by its label, and perhaps a sender that was started anew.
            other = _begins(llr[LABEL_BITS:], part, number % 256)
            number -= other * (number // 256 * 256)
        if other:
            self._over, self._frames = (depth, over, bits), {}
            self._newest, self._first = number, number // 256 * 256
            # Of a frame that begins before the first packet heard, half at least may yet come.
            self._given = max(0, number - depth // 2)
        self._newest = max(self._newest, number)
        for j in range(min(depth, number + 1)):
            if number - j >= self._given:
                frame = self._frames.setdefault(number - j, np.zeros(bits, np.float32))
                here = part == j
                frame[here] = llr[LABEL_BITS:][here]
        due = [self._give(n) for n in range(self._given, self._newest - depth + 2)]
        return [frame for frame in due if frame is not None]

    def take(self, number: int) -> Packet | None:
        """A frame as far as it has come, if the next to be given out is ``number`` (modulo 256)."""
        given = self._given
        if self._over is None or (given - number) % 256 or given not in self._frames:
            return None
        return self._give(given)

    def _give(self, number: int) -> Packet | None:
        self._given = number + 1
        llr = self._frames.pop(number, None)
        return None if llr is None or _filled(llr) else Packet(llr, number)

    def _near(self, number: int) -> bool:
        return -BEHIND <= number - self._newest <= AHEAD

    def _read(self, llr: np.ndarray, bits: int) -> tuple[int, int, int]:
        """Number, depth and over of a packet.

        By its label and all before it: labels are read at signals at which 24 bits alone could not
        be, and a wrong one is corrected by those that follow (a forward filter; L. R. Rabiner,
        Proc. IEEE 77(2), 1989).
        """
        if self._over is None or self._over[2] != bits:
            self._belief[:] = 1 / 4096
        fit = golay.likelihoods(np.clip(llr, -MOST_SURE, MOST_SURE)).reshape(256, 16)
        expected = (1 - _ELSEWHERE) * _steps() @ self._belief + _ELSEWHERE / 4096
        belief = expected * np.exp(fit - fit.max())
        self._belief = belief / belief.sum()
        best = int(self._belief.argmax())
        sequence, depth, over = best >> 4, DEPTHS[best >> 2 & 3], best % OVERS
        if self._over == (depth, over, bits):
            sequence = self._newest + (sequence - self._newest + BEHIND) % 256 - BEHIND
        return sequence, depth, over

    def _llrs(self, packet: Packet, bits: int) -> np.ndarray:
        if packet.data.ndim != 1 or packet.data.dtype.kind not in "buif":
            raise FormatError("a packet must hold a one-dimensional array of real numbers")
        if packet.soft:
            return np.nan_to_num(packet.data.astype(np.float32))
        return hard_llrs(
            np.unpackbits(packet.data), profile_of_length(bits // 8, self._payload_bits)
        )


def _filler(bits: int) -> np.ndarray:
    """What stands in packets where there is no frame, uint8: the whitener's sequence backwards,
    which is near no frame; forwards, frames of nearly all zeros would be."""
    return whitening(bits)[::-1]


def _begins(llr: np.ndarray, part: np.ndarray, number: int) -> bool:
    """Whether the packet that is labelled ``number`` is one of an over's first.

    Before the first frame there is only filler, of which half the packet has to be for enough bits;
    at the end of an over filler is in the other parts.
    """
    early = 2 * (number + 1) <= part.max() + 1
    return bool(early and _filled(llr, part > number) and not _filled(llr, part <= number))


def _filled(llr: np.ndarray, here: Any = slice(None)) -> bool:
    """Whether what is ``here`` of a frame is what fills packets up, and no frame."""
    known = np.clip(llr[here], -MOST_SURE, MOST_SURE)
    signs = 1 - 2.0 * _filler(len(llr))[here]
    return known @ signs > FILLED * np.abs(known).sum()
