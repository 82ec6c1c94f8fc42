"""Link frames in a tagged stream, as gr-zeromq's stream blocks send it with `pass_tags` on.

A frame is so many items as the tag `packet_len` at its first item says; a tag `number` there is the
superframe's number. GNU Radio's `PDU to Tagged Stream` and `Tagged Stream to PDU` make and read
such streams. A message holds any part of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import pairwise

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import NUMBER
from voicelink.blocks.spread import packet_lengths
from voicelink.blocks.stream_items import as_frame, items_in
from voicelink.blocks.tag_header import Tag, read_tag_header, write_tag_header
from voicelink.models.errors import FormatError

PACKET_LENGTH = "packet_len"
"""The tag's key, as GNU Radio's blocks have it by default."""


class TaggedStreamWriter:
    """Makes the messages of a stream of bytes, one for each link frame."""

    def __init__(self) -> None:
        self._offset = 0

    def write(self, packet: Packet) -> bytes:
        """The message of one hard frame; it follows the frames before it in the stream."""
        tags = [Tag(self._offset, PACKET_LENGTH, len(packet.data))]
        if packet.number is not None:
            tags.append(Tag(self._offset, NUMBER, packet.number))
        header = write_tag_header(self._offset, tags)
        self._offset += len(packet.data)
        return header + packet.data.tobytes()


class TaggedStreamReader:
    """Finds the link frames in the messages of a stream, whichever of them arrive.

    A frame of which a part is missing is left out; the next tag begins another.

    Args:
        items: what the stream's items are, see `voicelink.blocks.stream_items`.
        refuse: called with the reason for each frame that is left out.
        lengths: bits that a packet may have; None: those of `packet_lengths`.
    """

    def __init__(
        self,
        items: str,
        refuse: Callable[[FormatError], None],
        lengths: Collection[int] | None = None,
    ) -> None:
        self._items = items
        self._lengths = lengths or packet_lengths()
        self._refuse = refuse
        self._next = 0
        self._drop()

    def read(self, message: bytes) -> list[Packet]:
        """The frames that became complete with this message.

        Raises:
            FormatError: where its header is malformed, or it has a part of an item.
        """
        offset, tags, start = read_tag_header(message)
        data = items_in(message, self._items, start)
        if offset != self._next:
            self._break("the stream goes on elsewhere")
        self._next = offset + len(data)
        lengths = _at(tags, PACKET_LENGTH, offset, len(data))
        numbers = _at(tags, NUMBER, offset, len(data))
        borders = [*sorted(lengths), len(data)]
        found = self._take(data[: borders[0]])
        for begin, end in pairwise(borders):
            self._begin(lengths[begin], numbers.get(begin))
            found += self._take(data[begin:end])
        return found

    def _begin(self, length: object, number: object) -> None:
        self._break("another frame begins")
        if type(length) is not int or not 0 < length <= max(self._lengths):
            self._refuse(FormatError(f"{PACKET_LENGTH} must be a link frame's, not {length!r:.40}"))
            return
        self._wanted = length
        self._number = number if type(number) is int and 0 <= number < 1 << 63 else None

    def _take(self, data: np.ndarray) -> list[Packet]:
        if not self._wanted:  # between frames
            return []
        part = data[: self._wanted]
        self._parts.append(part)
        self._wanted -= len(part)
        if self._wanted:
            return []
        items, number = np.concatenate(self._parts), self._number
        self._drop()
        try:
            return [as_frame(Packet(items, number), self._lengths)]
        except FormatError as error:
            self._refuse(error)
            return []

    def _break(self, reason: str) -> None:
        if self._wanted:
            self._refuse(FormatError(f"a frame in a tagged stream is cut: {reason}"))
        self._drop()

    def _drop(self) -> None:
        self._wanted = 0
        self._number: int | None = None
        self._parts: list[np.ndarray] = []


def _at(tags: list[Tag], key: str, offset: int, count: int) -> dict[int, object]:
    """The values of the tags of that key, by their place in the message."""
    return {
        tag.offset - offset: tag.value
        for tag in tags
        if tag.key == key and offset <= tag.offset < offset + count
    }
