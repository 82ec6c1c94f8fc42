"""ZeroMQ messages to link frames and back: the forms that `blocks/TRANSPORT.md` describes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import packet_to_pdu, pdu_to_packet
from voicelink.blocks.profile import payload_sizes
from voicelink.blocks.spread import packet_lengths
from voicelink.blocks.stream_items import ITEMS, as_frame, items_in
from voicelink.blocks.sync import FrameSync
from voicelink.blocks.sync_word import stream_frame
from voicelink.blocks.tag_header import START
from voicelink.blocks.tagged_stream import TaggedStreamReader, TaggedStreamWriter
from voicelink.models.errors import FormatError, ParameterError, one_of
from voicelink.models.sizes import PAYLOAD_BITS

SENT_FORMS = ("raw", "pdu", "stream", "tagged")
"""Forms of the messages that are sent, one link frame each."""

RECEIVED_FORMS = ("auto", "raw", "pdu", "stream")
"""Forms of the messages that are received; "auto" is raw frames, PDUs and tagged streams."""


class MessageWriter:
    """Makes one message of each link frame.

    Args:
        form: one of `SENT_FORMS`.
        payload_bits: of the model's payloads.

    Raises:
        ParameterError: for a form that is none of them.
    """

    def __init__(self, form: str, payload_bits: int = PAYLOAD_BITS) -> None:
        self._form = one_of("form", form, SENT_FORMS)
        self._lengths = packet_lengths(payload_bits)
        self._tagged = TaggedStreamWriter()

    def write(self, packet: Packet, metadata: dict | None = None) -> bytes:
        """The message.

        Args:
            packet: bytes of a profile's length; for a PDU, LLRs as well.
            metadata: further entries for a PDU, see `voicelink.blocks.pdu.packet_to_pdu`.

        Raises:
            ParameterError: for a packet that this form of message cannot carry.
        """
        if self._form == "pdu":
            return packet_to_pdu(packet, metadata)
        if packet.soft:
            raise ParameterError(
                f"a frame in the form {self._form} carries hard bits; LLRs need the form pdu"
            )
        if packet.bits not in self._lengths:
            choices = ", ".join(map(str, self._lengths))
            raise ParameterError(f"a link frame must have {choices} bits, not {packet.bits}")
        if self._form == "tagged":
            return self._tagged.write(packet)
        content = packet.data.tobytes()
        return stream_frame(content) if self._form == "stream" else content


class MessageReader:
    """Finds the link frames in messages.

    Args:
        form: one of `RECEIVED_FORMS`. A "stream" has frames by its tags, where its messages begin
            with a tag header, and by the sync words before them where they do not.
        items: what the items of a stream are, see `voicelink.blocks.stream_items`.
        profile: the profile of the frames in a stream.
        refuse: called with the reason for what is left out of a stream.
        spread: packets that each frame in a stream is spread over, 1, 2, 4, 8 or 16.
        payload_bits: of the model's payloads.
        others: give out frames of payloads of other lengths too, but for those that only sync words
            tell.

    Raises:
        ParameterError: for a form, items or a profile that there are not, and for a stream
            without a profile.
    """

    def __init__(
        self,
        form: str,
        items: str,
        profile: str | None,
        refuse: Callable[[FormatError], None],
        spread: int = 1,
        payload_bits: int = PAYLOAD_BITS,
        others: bool = False,
    ) -> None:
        self._form = one_of("form", form, RECEIVED_FORMS)
        self._items = one_of("items", items, ITEMS)
        sizes = payload_sizes() if others else [payload_bits]
        self._lengths = [bits for size in sizes for bits in packet_lengths(size)]
        self._tagged = TaggedStreamReader(items, refuse, self._lengths)
        self._sync = None
        if form == "stream":
            if profile is None:
                raise ParameterError("profile must be named for a stream: its frames' length")
            # Bits do not slip between programs, and a frame need not wait for what follows it.
            slip = 2 if items == "floats" else 0
            self._sync = FrameSync(profile, slip=slip, spread=spread, payload_bits=payload_bits)
        elif items != "bytes":
            raise ParameterError(f"items must be bytes where the form is not stream, not {items}")

    def read(self, message: bytes) -> list[Packet]:
        """The frames that are complete with this message.

        Raises:
            FormatError: where it is malformed. Nothing else is raised.
        """
        if self._form in ("auto", "stream") and message.startswith(START):
            try:
                return self._tagged.read(message)
            except FormatError:
                # Of raw frames, one in 2^24 begins like this.
                if self._form == "stream" or not self._frame_long(message):
                    raise
        if self._sync is not None:
            return self._synchronise(message)
        # A PDU that holds a link frame can have a frame's length: 74 bytes are 42 of one of 32
        # with nil metadata and 32 more of metadata. So a message is a PDU if it parses as one
        # and what it holds is a frame; of frames with random bits, fewer than one in 2^50 do.
        if self._form == "pdu" or (self._form == "auto" and message.startswith(b"\x07")):
            try:
                return [as_frame(pdu_to_packet(message), self._lengths)]
            except FormatError:
                if self._form == "pdu" or not self._frame_long(message):
                    raise
        if not self._frame_long(message):
            raise FormatError(f"a raw link frame cannot have {len(message)} bytes")
        return [Packet(np.frombuffer(message, np.uint8).copy())]

    def _synchronise(self, message: bytes) -> list[Packet]:
        data = items_in(message, self._items)
        if self._items == "floats":
            return [found.packet for found in self._sync.push(data)]
        bits = np.unpackbits(data) if self._items == "bytes" else data & 1
        frames = [found.packet for found in self._sync.push(1 - 2 * bits.astype(np.float32))]
        # How sure hard bits are cannot be told from them: hard again.
        return [Packet(np.packbits(frame.data < 0), frame.number) for frame in frames]

    def _frame_long(self, message: bytes) -> bool:
        return 8 * len(message) in self._lengths
