"""What the items of a stream that carries link frames can be, and the frame that so many are.

==========  ================================================================
``bytes``   eight bits an item, the most significant one first
``bits``    one bit an item, in a byte of value 0 or 1
``floats``  one soft bit an item, 32-bit float in native order, positive for 0
==========  ================================================================
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import packet_lengths
from voicelink.models.errors import FormatError, one_of

_TYPES = {"bytes": np.dtype(np.uint8), "bits": np.dtype(np.uint8), "floats": np.dtype(np.float32)}

ITEMS = tuple(_TYPES)
"""The names."""


def items_in(message: bytes, items: str, start: int = 0) -> np.ndarray:
    """The items in a message from byte ``start`` on, uint8 or float32; not to be written to.

    Raises:
        ParameterError: for ``items`` that is none of `ITEMS`.
        FormatError: where the last of them is cut.
    """
    dtype = _TYPES[one_of("items", items, _TYPES)]
    if (len(message) - start) % dtype.itemsize:
        raise FormatError(
            f"a message of {items} must have whole items of {dtype.itemsize} bytes, "
            f"not {len(message) - start} bytes"
        )
    return np.frombuffer(message, dtype, offset=start)


def as_frame(packet: Packet, lengths: Collection[int] | None = None) -> Packet:
    """The packet as a link frame, its hard bits packed: its items tell by their number what it is.

    Args:
        packet: uint8 packed bytes (32, 37, 74 or 111; spread 3 more), uint8 bits (256, 296, 592 or
            888; spread 24 more), or that many float32 LLRs, log(P(0) / P(1)); or what a model with
            shorter payloads has.
        lengths: bits that a packet may have; None: those of `packet_lengths`.

    Raises:
        FormatError: where no profile has so many, a bit is neither 0 nor 1, or an LLR is not
            finite. Nothing else is raised.
    """
    lengths = lengths or packet_lengths()
    data = packet.data
    if packet.soft:
        if not np.isfinite(data).all():
            raise FormatError("the LLRs of a link frame must be finite numbers")
    elif len(data) in lengths:
        if data.max() > 1:
            raise FormatError(f"a bit of a link frame must be 0 or 1, not {data.max()}")
        packet = replace(packet, data=np.packbits(data))
    if packet.bits not in lengths:
        choices = ", ".join(map(str, lengths))
        raise FormatError(f"a link frame must have {choices} bits, not {packet.bits}")
    return packet
