"""Packets and payloads as PDUs: what GNU Radio's message blocks pass around, as bytes.

A PDU is a PMT pair ``(metadata . vector)``, the metadata a dict or nil. The vector of a packet is
the link frame's packed bytes (u8) or its LLRs (f32, positive means 0); that of a payload is its
bytes, 32 with the default model, or the LLRs of its bits. Metadata, all of which may be missing;
further keys are passed over:

==============  =============================================================================
number          int, `Packet.number`: which superframe of the over it is
end             bool, whether it is the last of the over
sequence        int, the superframe's number modulo 256 by the frame's header
callsign        symbol, the sender's, once it is known
status          symbol, a `Status`: what link decoding made of the frame
corrected       int, coded bits that error correction changed
iterations      int, of the error correction
ebn0_db         double, estimated Eb/N0 for a payload bit
profile         symbol, the link profile
inverted        bool, whether the symbols came in with the polarity inverted
frequency       double, Hz by which a burst was off
snr_db          double, its signal-to-noise ratio in 3 kHz
esn0_db         double, its Es/N0
position        double, sample of its first symbol, since the demodulator's start
confirmed       bool, whether it was beyond doubt a burst
speaker         bool, whether the payload is a voice frame's (voice.py) and no speech
voice           u8 vector, the speaker's voice, as far as the encoder knows it
silent          bool, whether nobody speaks in the superframe
==============  =============================================================================
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from voicelink.blocks.link import LinkFrame, saturated, unchecked_frame
from voicelink.blocks.packet import Packet
from voicelink.blocks.pmt import Pair, deserialize, serialize
from voicelink.blocks.status import Status
from voicelink.blocks.voice import VoicePiece
from voicelink.models.card import RELIABLE_FROM
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.sizes import PAYLOAD_BITS

NUMBER = "number"
END = "end"
SEQUENCE = "sequence"
CALLSIGN = "callsign"
STATUS = "status"
CORRECTED = "corrected"
ITERATIONS = "iterations"
EBN0_DB = "ebn0_db"
PROFILE = "profile"
INVERTED = "inverted"
FREQUENCY = "frequency"
SNR_DB = "snr_db"
ESN0_DB = "esn0_db"
POSITION = "position"
CONFIRMED = "confirmed"
SPEAKER = "speaker"
VOICE = "voice"
SILENT = "silent"

_LARGEST = (1 << 63) - 1


def packet_to_pdu(packet: Packet, metadata: dict | None = None) -> bytes:
    """The packet as a serialised PDU.

    Args:
        packet: uint8 bytes or float32 LLRs; a number that is not None goes into the metadata.
        metadata: entries beside the packet's own, of types that `voicelink.blocks.pmt.serialize`
            takes.

    Raises:
        ParameterError: where the packet's data or the metadata cannot be written.

    >>> packet_to_pdu(Packet(np.array([1, 2], np.uint8))).hex(" ")
    '07 06 0a 00 00 00 00 02 01 00 01 02'
    """
    data = np.asarray(packet.data)
    if data.dtype not in (np.uint8, np.float32):
        raise ParameterError(f"a packet's data must be uint8 or float32, not {data.dtype}")
    entries = {**(packet.metadata or {}), **(metadata or {})}
    if packet.number is not None:
        entries[NUMBER] = packet.number
    return serialize(Pair(entries, data))


def payload_to_pdu(
    payload: bytes,
    number: int | None = None,
    end: bool = False,
    metadata: dict | None = None,
    payload_bits: int = PAYLOAD_BITS,
) -> bytes:
    """A payload as a serialised PDU.

    Args:
        payload: one superframe of speech.
        number: which superframe of the over it is.
        end: whether it is the last of the over.
        metadata: further entries.
        payload_bits: of the model's payloads, as its `Card` says.

    Raises:
        ParameterError: the payload has another length, or the metadata cannot be written.
    """
    if 8 * len(payload) != payload_bits:
        raise ParameterError(f"payload must be {payload_bits // 8} bytes, not {len(payload)}")
    data = np.frombuffer(payload, np.uint8)
    return packet_to_pdu(Packet(data, number), {**(metadata or {}), END: bool(end)})


def frame_to_pdu(
    frame: LinkFrame, number: int | None = None, metadata: dict | None = None
) -> bytes:
    """A link frame that was decoded, as a serialised payload PDU.

    The vector is the payload's bytes where the status is clean or corrected, else the LLRs of its
    bits. The metadata says what the frame and its header say.

    Args:
        frame: from a `LinkDecoder`.
        number: the superframe's number where the transport carries one.
        metadata: further entries.

    Raises:
        ParameterError: where the metadata cannot be written.
    """
    entries = dict(metadata or {})
    entries |= {STATUS: frame.status.value, ITERATIONS: frame.iterations, END: frame.end}
    for key in (SEQUENCE, CORRECTED, CALLSIGN):
        value = getattr(frame, key)
        if value is not None:
            entries[key] = value
    if frame.voice is not None:
        entries[SPEAKER] = True
    if frame.status in (Status.CLEAN, Status.CORRECTED):
        data = np.packbits(frame.payload_llr < 0)
    else:
        data = frame.payload_llr.astype(np.float32)
    return packet_to_pdu(Packet(data, number), entries)


def pdu_to_packet(data: bytes) -> Packet:
    """The packet in a serialised PDU; metadata other than ``number`` is kept as it is.

    Raises:
        FormatError: where ``data`` is not a PMT, not a PDU, its vector is empty or neither u8 nor
            finite f32, or its number is not an integer from 0 to 2^63 - 1. Nothing else is raised.
    """
    metadata, vector = read_pdu(data)
    number = _integer(metadata, NUMBER)
    metadata.pop(NUMBER, None)
    return Packet(vector, number, metadata or None)


def pdu_to_frame(
    data: bytes, payload_bits: int = PAYLOAD_BITS, reliable_from: float = RELIABLE_FROM
) -> tuple[LinkFrame, int | None]:
    """The frame in a serialised payload PDU, and its superframe's number.

    Without a status in the metadata the payload is judged as one of the profile ``plain``: bytes
    are clean, LLRs are so where they are sure of all bits, and concealed where their mean
    reliability is under ``reliable_from``, as the model's `Card` says.

    Raises:
        FormatError: as `pdu_to_packet`, or the vector is neither a payload's bytes nor the LLRs of
            its bits, or a metadata key of those that a `LinkFrame` has is of another type or range.
            Nothing else is raised.
    """
    metadata, vector = read_pdu(data)
    if len(vector) != (payload_bits // 8 if vector.dtype == np.uint8 else payload_bits):
        raise FormatError(
            f"a payload must be {payload_bits // 8} u8 or {payload_bits} f32, "
            f"not {len(vector)} of {vector.dtype}"
        )
    llr = saturated(np.unpackbits(vector)) if vector.dtype == np.uint8 else vector
    frame = unchecked_frame(llr, reliable_from)
    frame = replace(
        frame,
        status=_status(metadata) or frame.status,
        corrected=_integer(metadata, CORRECTED),
        iterations=_integer(metadata, ITERATIONS) or 0,
        sequence=_integer(metadata, SEQUENCE, 255),
        end=_of_type(metadata, END, bool) or False,
        callsign=_of_type(metadata, CALLSIGN, str),
        voice=_voice_piece(metadata, llr),
    )
    return frame, _integer(metadata, NUMBER)


def pdu_to_payload(data: bytes, payload_bits: int = PAYLOAD_BITS) -> tuple[bytes, int | None, bool]:
    """Payload, number and end of over of a serialised payload PDU; LLRs are decided.

    Raises:
        FormatError: as `pdu_to_frame`.
    """
    frame, number = pdu_to_frame(data, payload_bits)
    return np.packbits(frame.payload_llr < 0).tobytes(), number, frame.end


def pdu_to_voice(data: bytes) -> tuple[bytes | None, bool]:
    """What an encoder's PDU says beside the payload: the speaker's voice, as far as it is known,
    and whether nobody speaks.

    Raises:
        FormatError: as `read_pdu`, or one of the two is of another type.
    """
    metadata, _ = read_pdu(data)
    voice = _of_type(metadata, VOICE, np.ndarray)
    if voice is not None and voice.dtype != np.uint8:
        raise FormatError(f"a PDU's {VOICE} must be a u8 vector, not of {voice.dtype}")
    silent = _of_type(metadata, SILENT, bool) or False
    return None if voice is None else voice.tobytes(), silent


def read_pdu(data: bytes) -> tuple[dict, np.ndarray]:
    """Metadata and vector of a serialised PDU.

    Returns:
        (metadata, vector): the vector is uint8 or float32, 1-D and not empty.

    Raises:
        FormatError: where ``data`` is not a PMT, not a PDU, or its vector is empty or neither u8
            nor finite f32. Nothing else is raised.
    """
    pdu = deserialize(data)
    if not isinstance(pdu, Pair):
        raise FormatError(f"a PDU must be a pair, not {type(pdu).__name__}")
    vector = pdu.cdr
    if not isinstance(vector, np.ndarray) or vector.dtype not in (np.uint8, np.float32):
        kind = vector.dtype if isinstance(vector, np.ndarray) else type(vector).__name__
        raise FormatError(f"a PDU's data must be a u8 or f32 vector, not {kind}")
    if not len(vector):
        raise FormatError("a PDU's vector must hold a link frame, not nothing")
    if vector.dtype == np.float32 and not np.isfinite(vector).all():
        raise FormatError("the LLRs of a PDU must be finite numbers")
    return _metadata(pdu.car), vector


def _integer(metadata: dict, key: str, largest: int = _LARGEST) -> int | None:
    value = _of_type(metadata, key, int)
    if value is not None and not 0 <= value <= largest:
        limit = "2^63 - 1" if largest == _LARGEST else largest
        raise FormatError(f"a PDU's {key} must be an integer from 0 to {limit}, not {value}")
    return value


def _of_type(metadata: dict, key: str, kind: type) -> Any:
    value = metadata.get(key)
    if value is not None and type(value) is not kind:
        raise FormatError(f"a PDU's {key} must be of type {kind.__name__}, not {value!r:.60}")
    return value


def _voice_piece(metadata: dict, llr: np.ndarray) -> VoicePiece | None:
    if not _of_type(metadata, SPEAKER, bool):
        return None
    return VoicePiece.unpack(np.packbits(llr < 0).tobytes())


def _status(metadata: dict) -> Status | None:
    value = _of_type(metadata, STATUS, str)
    try:
        return None if value is None else Status(value)
    except ValueError:
        names = ", ".join(status.value for status in Status)
        raise FormatError(f"a PDU's status must be one of {names}, not {value!r:.60}") from None


def _metadata(obj: Any) -> dict:
    """The metadata as a dict, from nil, a dict, or the list of pairs that GNU Radio 3.8 writes."""
    if isinstance(obj, dict):
        return obj
    entries = []
    while isinstance(obj, Pair) and isinstance(obj.car, Pair) and isinstance(obj.car.car, str):
        entries.append((obj.car.car, obj.car.cdr))
        obj = obj.cdr
    if obj is not None:
        raise FormatError(f"a PDU's metadata must be a dict or nil, not {type(obj).__name__}")
    return dict(reversed(entries))
