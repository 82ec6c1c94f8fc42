"""Packets as PDUs: what GNU Radio's message blocks pass around, as bytes for a transport.

A PDU is a PMT pair ``(metadata . vector)``: the vector is the packet's packed bytes (u8) or its
LLRs (f32, positive means 0), the metadata a dict or nil. The key ``number`` carries
`Packet.number`; other keys are free for those who want them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.pmt import Pair, deserialize, serialize
from voicelink.models.errors import FormatError, ParameterError

NUMBER = "number"
"""The metadata key of the superframe's number."""


def packet_to_pdu(packet: Packet, metadata: dict | None = None) -> bytes:
    """The packet as a serialised PDU.

    Args:
        packet: uint8 bytes or float32 LLRs; a number that is not None goes into the metadata.
        metadata: further entries, of types that `voicelink.blocks.pmt.serialize` takes.

    Raises:
        ParameterError: where the packet's data or the metadata cannot be written.

    >>> packet_to_pdu(Packet(np.array([1, 2], np.uint8))).hex(" ")
    '07 06 0a 00 00 00 00 02 01 00 01 02'
    """
    data = np.asarray(packet.data)
    if data.dtype not in (np.uint8, np.float32):
        raise ParameterError(f"a packet's data must be uint8 or float32, not {data.dtype}")
    entries = dict(metadata or {})
    if packet.number is not None:
        entries[NUMBER] = packet.number
    return serialize(Pair(entries, data))


def pdu_to_packet(data: bytes) -> Packet:
    """The packet in a serialised PDU; metadata other than ``number`` is not looked at.

    Raises:
        FormatError: where ``data`` is not a PMT, not a PDU, its vector is empty or neither u8 nor
            finite f32, or its number is not an integer from 0 to 2^63 - 1. Nothing else is raised.
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
    number = _metadata(pdu.car).get(NUMBER)
    if number is not None and (type(number) is not int or not 0 <= number < 1 << 63):
        raise FormatError(f"a PDU's number must be an integer from 0 to 2^63 - 1, not {number!r}")
    return Packet(vector, number)


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
