"""The header that gr-zeromq's stream blocks put before the items of a message, with `pass_tags` on.

=========  =============================================================
bytes      content
=========  =============================================================
2          5FF0 (hexadecimal)
1          version, 1
8          number of the message's first item in the stream
8          number of tags
each tag   number of its item (8 bytes), then key, value and source: PMTs
=========  =============================================================

The numbers are in the machine's own byte order, the PMTs big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voicelink.blocks.pmt import deserialize_some, serialize
from voicelink.models.errors import FormatError

_FIXED = struct.Struct("=HBQQ")
_OFFSET = struct.Struct("=Q")
_MAGIC, _VERSION = 0x5FF0, 1

START = struct.pack("=HB", _MAGIC, _VERSION)
"""What every header begins with."""

_SHORTEST_TAG = _OFFSET.size + 3


@dataclass(frozen=True, slots=True)
class Tag:
    """A stream tag.

    Attributes:
        offset: number of the item that it belongs to, counted from the start of the stream.
        key: its name.
        value: any PMT, as `voicelink.blocks.pmt` has them.
        source: the block that set it; False, as in GNU Radio, where that is not said.
    """

    offset: int
    key: Any
    value: Any
    source: Any = False


def write_tag_header(offset: int, tags: Sequence[Tag]) -> bytes:
    """The header of a message whose first item has the number ``offset``.

    >>> write_tag_header(0, [Tag(0, "packet_len", 37)])[19:].hex(" ")
    '00 00 00 00 00 00 00 00 02 00 0a 70 61 63 6b 65 74 5f 6c 65 6e 03 00 00 00 25 01'
    """
    parts = [_FIXED.pack(_MAGIC, _VERSION, offset, len(tags))]
    for tag in tags:
        parts.append(_OFFSET.pack(tag.offset))
        parts += [serialize(part) for part in (tag.key, tag.value, tag.source)]
    return b"".join(parts)


def read_tag_header(message: bytes) -> tuple[int, list[Tag], int]:
    """The number of the first item, the tags, and where in the message the items begin.

    Raises:
        FormatError: where the message does not begin with a whole header. Nothing else is raised.
    """
    if not message.startswith(START):
        raise FormatError(f"a tag header must begin with {START.hex()}, not {message[:3].hex()}")
    if len(message) < _FIXED.size:
        raise FormatError(f"a tag header must have {_FIXED.size} bytes, not {len(message)}")
    _, _, offset, count = _FIXED.unpack_from(message)
    at = _FIXED.size
    if count * _SHORTEST_TAG > len(message) - at:
        raise FormatError(f"{count} tags cannot be in {len(message) - at} bytes")
    tags = []
    for _ in range(count):
        if len(message) - at < _OFFSET.size:
            raise FormatError("a tag header is cut")
        (where,) = _OFFSET.unpack_from(message, at)
        parts, at = deserialize_some(message, 3, at + _OFFSET.size)
        tags.append(Tag(where, *parts))
    return offset, tags, at
