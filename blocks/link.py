"""The link frame: from payload to packet, and from a received packet to payload and status.

FORMAT.md describes the bits; this file is its implementation.
"""

from __future__ import annotations

import contextlib
import functools
import math
from dataclasses import dataclass

import numpy as np

from voicelink.blocks.callsign import SLICES, callsign_slices
from voicelink.blocks.crc import crc16
from voicelink.blocks.header import (
    FORMAT_VERSION,
    HEADER_BITS,
    HEADER_BYTES,
    SPEECH,
    FrameType,
    Header,
)
from voicelink.blocks.interleaver import Interleaver
from voicelink.blocks.ldpc import Ldpc, sanitised
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import Profile, profile
from voicelink.blocks.station import Station, like_station
from voicelink.blocks.status import Status
from voicelink.blocks.voice import VoicePiece, like_voice
from voicelink.blocks.whitener import whitening
from voicelink.models.card import RELIABLE_FROM
from voicelink.models.errors import FormatError, ParameterError, require
from voicelink.models.latents import CERTAIN, from_llrs
from voicelink.models.sizes import PAYLOAD_BITS

TRUSTED = 0.999
"""Mean reliability from which a soft frame without CRC counts as clean."""

MOST_SURE = 8.0
"""Largest LLR that a received bit counts with, an error rate of 3e-4. Symbols decided before they
got here, or clicks, look far surer than they are, and would outvote the code; what white noise at
any level in use loses by the limit is not measurable."""

HARD_BIT_ERROR_RATE = 0.02
"""The error rate that is assumed of hard bits, unless another is known."""


class _Frame:
    """What both ends do to a frame of a profile with a header."""

    def __init__(self, chosen: Profile):
        self.payload = slice(HEADER_BITS, HEADER_BITS + chosen.payload_bits)
        self.code = Ldpc(chosen.information_bits, chosen.bits) if chosen.fec == "ldpc" else None
        self.interleaver = (
            Interleaver(chosen.bits, *chosen.interleaver) if chosen.interleaver else None
        )
        self.whitening = whitening(chosen.bits)
        self.signs = 1 - 2 * self.whitening.astype(np.float32)

    def to_air(self, information: np.ndarray) -> np.ndarray:
        """Information bits (..., k) -> bits on the air (..., n)."""
        bits = self.code.encode(information) if self.code else information
        if self.interleaver:
            bits = self.interleaver.interleave(bits)
        return bits ^ self.whitening

    def from_air(self, llr: np.ndarray) -> np.ndarray:
        """LLRs on the air (..., n) -> LLRs of the coded bits (..., n)."""
        llr = llr * self.signs
        return self.interleaver.deinterleave(llr) if self.interleaver else llr


@functools.lru_cache(maxsize=16)
def _frame(chosen: Profile) -> _Frame:
    return _Frame(chosen)


class LinkEncoder:
    """Makes link frames of payloads, counting the superframes from 0.

    Args:
        profile: name of the link profile.
        model: number of the speech codec's model, 0..15; it travels in the header.
        callsign: up to nine characters, or nothing; it travels in slices.
        payload_bits: of the model's payloads, as its `Card` says.

    Attributes:
        profile: the `Profile`.
        bits: bits of a frame.

    Raises:
        ParameterError: no such profile or payload, model out of range, not a callsign, or a
            callsign with a profile that has no header to carry it.

    >>> packet = LinkEncoder("half").encode(bytes(32))
    >>> packet.bits, packet.number
    (592, 0)
    """

    def __init__(
        self,
        profile: str | Profile = "checked",
        model: int = 1,
        callsign: str = "",
        payload_bits: int = PAYLOAD_BITS,
    ):
        self.profile = _profile(profile, payload_bits)
        self.bits = self.profile.bits
        self._model = int(require("model", model, 0, 15))
        self._slices = callsign_slices(callsign)
        if any(self._slices) and not self.profile.header:
            raise ParameterError(
                f"callsign must be empty with the profile {self.profile.name}, which has no header "
                f"to carry it, not {callsign!r}"
            )
        self.reset()

    def reset(self) -> None:
        """Count from 0 again, as at the start of an over."""
        self._number = 0

    def encode(self, payload: bytes, end: bool = False, number: int | None = None) -> Packet:
        """The frame of one superframe.

        Args:
            payload: of the model, 32 bytes with the default one.
            end: whether it is the last of the over; the plain profile cannot say it.
            number: of the superframe, if it is not the next; counting goes on from there.

        Returns:
            The packet, hard, packed to bytes, with the superframe's number.

        Raises:
            ParameterError: the payload has another length, or the number is negative.
        """
        return self._packet(payload, FrameType.END if end else FrameType.VOICE, number)

    def encode_station(self, station: Station, number: int | None = None) -> Packet:
        """A station frame, in a superframe's place and with its number; see `encode`.

        Raises:
            ParameterError: the profile has no header to tell it by, or what it is to say is none
                that it can.
        """
        if not self.profile.header:
            raise ParameterError(
                "station frames need a profile with a header, not "
                f"{self.profile.name}, where they would be played"
            )
        payload = station.pack(self.profile.payload_bytes)
        return self._packet(payload, FrameType.STATION, number)

    def encode_voice(self, piece: VoicePiece, number: int | None = None) -> Packet:
        """A voice frame, in a superframe's place and with its number; see `encode`.

        Raises:
            ParameterError: the profile has no header to tell it by, or the piece is of another
                length than a payload has room for.
        """
        if not self.profile.header:
            raise ParameterError(
                f"voice frames need a profile with a header, not {self.profile.name}, where they"
                " would be played"
            )
        return self._packet(piece.pack(), FrameType.SPEAKER, number)

    def encode_many(self, payloads: np.ndarray) -> np.ndarray:
        """The frames of many superframes at once, as if one after the other.

        Args:
            payloads: uint8 (frames, bytes of a payload).

        Returns:
            uint8 (frames, `bits`), the bits on the air, one in each element.

        Raises:
            ParameterError: the shape or type is another.
        """
        payloads = np.asarray(payloads)
        size = self.profile.payload_bytes
        if payloads.ndim != 2 or payloads.shape[1] != size or payloads.dtype != np.uint8:
            raise ParameterError(
                f"payloads must be uint8 of shape (frames, {size}), "
                f"not {payloads.dtype} of shape {payloads.shape}"
            )
        return self._encode(payloads, FrameType.VOICE)

    def _packet(self, payload: bytes, frame_type: FrameType, number: int | None) -> Packet:
        payload = np.frombuffer(_payload_bytes(payload, self.profile.payload_bytes), np.uint8)
        if number is not None:
            self._number = int(require("number", number, 0))
        number = self._number
        bits = self._encode(payload[None], frame_type)[0]
        return Packet(np.packbits(bits), number)

    def _encode(self, payloads: np.ndarray, frame_type: FrameType) -> np.ndarray:
        first = self._number
        self._number += len(payloads)
        if not self.profile.header:
            return np.unpackbits(payloads, axis=1)
        frames = []
        for number, payload in enumerate(payloads, first):
            header = Header(
                sequence=number % 256,
                model=self._model,
                frame_type=frame_type,
                callsign_slice=self._slices[number % SLICES],
            )
            data = header.pack() + payload.tobytes()
            frames.append(data + crc16(data).to_bytes(2, "big"))
        information = np.frombuffer(b"".join(frames), np.uint8).reshape(len(payloads), -1)
        return _frame(self.profile).to_air(np.unpackbits(information, axis=1))


@dataclass(frozen=True)
class LinkFrame:
    """One frame as the receiver understands it.

    Attributes:
        status: clean, corrected, soft or concealed.
        payload_llr: float32 (bits,), log(P(0) / P(1)) of the payload's bits: +-`CERTAIN` when the
            CRC confirms them, else what is known about them, also when the status is concealed.
        header: the header when the CRC confirms it, else None.
        corrected: coded bits received wrong, by the difference from the frame as it must have
            been sent; 0 where there is no CRC, None when the CRC fails.
        iterations: iterations of the LDPC decoder, 0 where there is none.
        understood: False when the CRC is right but the header names another format version,
            another model or a frame type of no use here: the bits are as sent, and the receiver
            must judge whether to play them. Also when it fails in what seems to be no speech.
        sequence: number of the superframe modulo 256, where the header or who read it tells it.
        end: whether it is known to be the last of its over.
        callsign: the sender's, where whoever decoded the frame has learnt it.
        station: what it says, if it is a station frame: then its payload is no speech.
        voice: what it says, if it is a voice frame: the same.
    """

    status: Status
    payload_llr: np.ndarray
    header: Header | None = None
    corrected: int | None = 0
    iterations: int = 0
    understood: bool = True
    sequence: int | None = None
    end: bool = False
    callsign: str | None = None
    station: Station | None = None
    voice: VoicePiece | None = None

    @property
    def over_ended(self) -> bool:
        """Whether it is the last frame of speech in its over, or one behind it."""
        return self.end or bool(self.station and self.station.after)


class LinkDecoder:
    """Turns received packets into payload LLRs and a status; raises only `FormatError`.

    Args:
        profile: name of the link profile.
        model: number of the speech codec's model; frames of another are marked as not understood.
        hard_bit_error_rate: the error rate p assumed of the bits in hard packets; a hard bit
            counts as an LLR of +-log((1 - p) / p).
        payload_bits: of the model's payloads, as its `Card` says.
        voices: whether the model sends the speaker's voice apart.
        reliable_from: mean reliability under which a failed frame is concealed, as its `Card` says.

    Attributes:
        profile: the `Profile`.

    Raises:
        ParameterError: no such profile or payload, or a number out of range.
    """

    def __init__(
        self,
        profile: str | Profile = "checked",
        model: int = 1,
        hard_bit_error_rate: float = HARD_BIT_ERROR_RATE,
        payload_bits: int = PAYLOAD_BITS,
        voices: bool = False,
        reliable_from: float = RELIABLE_FROM,
    ):
        self.profile = _profile(profile, payload_bits)
        self._voices = voices
        self._reliable_from = float(require("reliable_from", reliable_from, 0, 1))
        self._model = int(require("model", model, 0, 15))
        rate = float(require("hard_bit_error_rate", hard_bit_error_rate, 1e-9, 0.5))
        self._rate = rate

    def decode(self, packet: Packet) -> LinkFrame:
        """The frame in one packet.

        Raises:
            FormatError: the packet has another length than the profile's, or is no packet.
        """
        data = packet.data
        if not isinstance(data, np.ndarray) or data.ndim != 1 or data.dtype.kind not in "buif":
            raise FormatError("a packet must hold a one-dimensional array of real numbers")
        if packet.bits != self.profile.bits:
            raise FormatError(
                f"a frame of the profile {self.profile.name} must have {self.profile.bits} bits, "
                f"not {packet.bits}"
            )
        if packet.soft:
            return self.decode_many(data[None])[0]
        llr = hard_llrs(np.unpackbits(data), self.profile, self._rate)
        return self.decode_many(llr[None])[0]

    def decode_many(self, llrs: np.ndarray) -> list[LinkFrame]:
        """The frames in many soft packets.

        Args:
            llrs: (frames, bits of the profile), log(P(0) / P(1)); NaN counts as 0.

        Raises:
            FormatError: the array has another shape or no real numbers.
        """
        llrs = np.asarray(llrs)
        if llrs.dtype.kind not in "buif" or llrs.ndim != 2 or llrs.shape[1] != self.profile.bits:
            raise FormatError(
                f"llrs must be real numbers of shape (frames, {self.profile.bits}), "
                f"not {llrs.dtype} of shape {llrs.shape}"
            )
        llrs = sanitised(llrs)
        if not self.profile.header:
            return [unchecked_frame(llr, self._reliable_from) for llr in llrs]
        frame = _frame(self.profile)
        channel = frame.from_air(np.clip(llrs, -MOST_SURE, MOST_SURE))
        if frame.code is None:
            posterior = channel
            bits = coded = (channel < 0).astype(np.uint8)
            converged = np.ones(len(llrs), bool)
            iterations = np.zeros(len(llrs), int)
        else:
            result = frame.code.decode(channel)
            posterior, bits = result.llr, result.bits
            coded = frame.code.encode(result.bits)
            converged, iterations = result.converged, result.iterations
        corrected = ((channel < 0) != coded).sum(axis=1)
        information = np.packbits(bits, axis=1)
        return [
            self._confirmed(data, bits[i], int(corrected[i]), int(iterations[i]))
            # A CRC over a message that ends with its own CRC leaves 0. Parity checks count too:
            # that refuses one right frame in 20000, and noise, which passes a CRC once in 65536
            # times, all but never meets them.
            if converged[i] and crc16(data) == 0
            else self._failed(posterior[i], int(iterations[i]))
            for i, data in enumerate(map(bytes, information))
        ]

    def reread(self, llrs: np.ndarray, iterations: int = 30) -> tuple[bool, np.ndarray]:
        """Whether a frame's CRC is right, and what its code says of each bit on the air.

        For a demodulator that estimates its channel anew with the bits that the code has found.

        Args:
            llrs: (bits of the profile,), log(P(0) / P(1)).
            iterations: of the decoder, at most. Few leave room for another round of estimation.

        Returns:
            The CRC's answer, and float32 (bits,), posterior LLRs; the given ones where the profile
            has no code.
        """
        frame = _frame(self.profile)
        if frame.code is None:
            return self.decode_many(llrs[None])[0].header is not None, np.asarray(llrs, np.float32)
        channel = frame.from_air(np.clip(sanitised(llrs), -MOST_SURE, MOST_SURE))
        result = frame.code.decode(channel, iterations, coded=True)
        right = bool(result.converged) and crc16(np.packbits(result.bits).tobytes()) == 0
        return right, frame.interleaver.interleave(result.coded) * frame.signs

    def _confirmed(self, data: bytes, bits, corrected: int, iterations: int) -> LinkFrame:
        header = Header.unpack(data)
        payload = data[HEADER_BYTES : HEADER_BYTES + self.profile.payload_bytes]
        ours = header.model == self._model
        speech = ours and header.frame_type in SPEECH
        station = voice = None
        if header.version == FORMAT_VERSION:
            with contextlib.suppress(FormatError):
                if header.frame_type == FrameType.STATION:
                    station = Station.unpack(payload)
                if header.frame_type == FrameType.SPEAKER and ours and self._voices:
                    voice = VoicePiece.unpack(payload)
        known = speech or station is not None or voice is not None
        return LinkFrame(
            status=Status.CORRECTED if corrected else Status.CLEAN,
            payload_llr=saturated(bits[_frame(self.profile).payload]),
            header=header,
            corrected=corrected,
            iterations=iterations,
            understood=header.version == FORMAT_VERSION and known,
            sequence=header.sequence,
            end=header.end,
            station=station,
            voice=voice,
        )

    def _failed(self, information: np.ndarray, iterations: int) -> LinkFrame:
        llr = information[_frame(self.profile).payload].copy()
        hopeless = mean_reliability(llr) < self._reliable_from
        status = Status.CONCEALED if hopeless else Status.SOFT
        other = not hopeless and (
            like_station(llr)
            or (self._voices and like_voice(information[: HEADER_BITS + len(llr)]))
        )
        return LinkFrame(status, llr, corrected=None, iterations=iterations, understood=not other)


def mean_reliability(payload_llr: np.ndarray) -> float:
    """Mean over the latents of how reliable they are, 0..1, given their bits' LLRs (bits,)."""
    _, reliability = from_llrs(payload_llr[None])
    return float(reliability.mean())


def unchecked_frame(payload_llr: np.ndarray, reliable_from: float = RELIABLE_FROM) -> LinkFrame:
    """The frame of a payload that no CRC covers: its LLRs (bits,) alone tell the status."""
    reliability = mean_reliability(payload_llr)
    if reliability >= TRUSTED:
        status = Status.CLEAN
    else:
        status = Status.CONCEALED if reliability < reliable_from else Status.SOFT
    return LinkFrame(status, payload_llr)


def saturated(bits: np.ndarray) -> np.ndarray:
    """LLRs, float32 and all certain, of bits 0 and 1 of any shape."""
    return np.float32(CERTAIN) * (1 - 2 * bits.astype(np.float32))


def hard_llrs(
    bits: np.ndarray, profile: Profile, error_rate: float = HARD_BIT_ERROR_RATE
) -> np.ndarray:
    """LLRs, float32, of received bits 0 and 1 of any shape, so many of which are taken for wrong.

    In a frame without header nothing but the decisions protects them: there they are all certain.
    """
    if not profile.header:
        return saturated(bits)
    sure = math.log((1 - error_rate) / error_rate)
    return np.float32(sure) * (1 - 2 * bits.astype(np.float32))


def _payload_bytes(payload: bytes, size: int) -> bytes:
    try:
        data = payload if isinstance(payload, bytes) else bytes(memoryview(payload))
    except TypeError:
        raise ParameterError(
            f"payload must be {size} bytes, not {type(payload).__name__}"
        ) from None
    if len(data) != size:
        raise ParameterError(f"payload must be {size} bytes, not {len(data)}")
    return data


# The classes' argument `profile` hides the function of that name.
_profile = profile
