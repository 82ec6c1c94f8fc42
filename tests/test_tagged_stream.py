"""Tagged streams as gr-zeromq has them: the header, and frames over any borders of messages."""

from __future__ import annotations

import re
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelink.blocks.packet import Packet
from voicelink.blocks.tag_header import Tag, read_tag_header, write_tag_header
from voicelink.blocks.tagged_stream import TaggedStreamReader, TaggedStreamWriter
from voicelink.models.errors import FormatError, ParameterError

FROM_GNURADIO = bytes.fromhex(
    "f05f01 0000000000000000 0200000000000000"
    "0200000000000000 02000a7061636b65745f6c656e 0300000003 01"
    "0200000000000000 0200066e756d626572 0300000003 0200026d65"
    "010203040506"
)
"""What a PUSH sink of GNU Radio 3.10.5 sends of six bytes with two tags at the third."""


def frames(count: int = 6) -> list[Packet]:
    """Frames of every profile, with numbers, and one that has none."""
    rng = np.random.default_rng(3)
    lengths = [32, 37, 74, 111, 37, 32]
    numbers = [0, 1, 2**40, None, 4, 5]
    return [
        Packet(rng.integers(0, 256, length, np.uint8), number)
        for length, number in zip(lengths[:count], numbers[:count], strict=True)
    ]


class Stream:
    """A stream of items with tags, which is cut into messages as its sender pleases."""

    def __init__(self, items: str = "bytes") -> None:
        self.data: list[np.ndarray] = []
        self.tags: list[Tag] = []
        self.length = 0
        self.items = items

    def add(self, data: np.ndarray, number: int | None = None, length: object = None) -> None:
        self.tags.append(Tag(self.length, "packet_len", len(data) if length is None else length))
        if number is not None:
            self.tags.append(Tag(self.length, "number", number))
        self.fill(data)

    def fill(self, data: np.ndarray) -> None:
        self.data.append(data)
        self.length += len(data)

    def message(self, begin: int, end: int) -> bytes:
        tags = [tag for tag in self.tags if begin <= tag.offset < end]
        return write_tag_header(begin, tags) + np.concatenate(self.data)[begin:end].tobytes()

    def messages(self, borders: list[int]) -> list[bytes]:
        places = [0, *sorted({b for b in borders if 0 < b < self.length}), self.length]
        return [self.message(a, b) for a, b in pairwise(places)]


def read(messages: list[bytes], items: str = "bytes") -> tuple[list[Packet], list[FormatError]]:
    refused: list[FormatError] = []
    reader = TaggedStreamReader(items, refused.append)
    return [packet for message in messages for packet in reader.read(message)], refused


def same(heard: list[Packet], sent: list[Packet]) -> bool:
    return [(p.number, p.data.dtype, p.data.tobytes()) for p in heard] == [
        (p.number, p.data.dtype, p.data.tobytes()) for p in sent
    ]


def test_header_from_gnuradio() -> None:
    offset, tags, start = read_tag_header(FROM_GNURADIO)
    assert (offset, start) == (0, len(FROM_GNURADIO) - 6)
    assert tags == [Tag(2, "packet_len", 3), Tag(2, "number", 3, "me")]
    assert write_tag_header(offset, tags) == FROM_GNURADIO[:start]


def test_the_example_in_the_format_description() -> None:
    text = (resources.files("voicelink.blocks") / "TRANSPORT.md").read_text(encoding="utf-8")
    lines = re.search(r"    f05f01(?:.*\n)+?\n", text).group(0).splitlines()
    data = np.arange(37, dtype=np.uint8)
    example = "".join(re.split(r"\s{2,}", line.strip())[0] for line in lines)
    writer = TaggedStreamWriter()
    writer.write(Packet(np.zeros(74, np.uint8)))
    written = writer.write(Packet(data, 7))
    assert written == bytes.fromhex(example.replace("xx xx ... xx", data.tobytes().hex()))


@given(st.integers(0, len(FROM_GNURADIO) - 7))
def test_a_cut_header_says_so(length: int) -> None:
    with pytest.raises(FormatError):
        read_tag_header(FROM_GNURADIO[:length])


@given(st.binary(max_size=120))
def test_any_header_is_read_or_refused(data: bytes) -> None:
    refused: list[FormatError] = []
    try:
        packets = TaggedStreamReader("bytes", refused.append).read(FROM_GNURADIO[:3] + data)
    except FormatError:
        return
    assert all(packet.bits in (256, 296, 592, 888) for packet in packets)


def test_written_and_read() -> None:
    writer = TaggedStreamWriter()
    heard, refused = read([writer.write(packet) for packet in frames()])
    assert same(heard, frames()) and not refused


@given(st.lists(st.integers(1, 322), max_size=20))
def test_messages_cut_anywhere(borders: list[int]) -> None:
    stream = Stream()
    for packet in frames():
        stream.add(packet.data, packet.number)
    heard, refused = read(stream.messages(borders))
    assert same(heard, frames()) and not refused


def test_bits_and_soft_bits() -> None:
    bits, soft = Stream("bits"), Stream("floats")
    llrs = []
    for packet in frames():
        bits.add(np.unpackbits(packet.data), packet.number)
        llr = np.random.default_rng(1).normal(0, 4, packet.bits).astype(np.float32)
        llrs.append(Packet(llr, packet.number))
        soft.add(llr, packet.number)
    borders = list(range(100, 3000, 100))
    heard, refused = read(bits.messages(borders), "bits")
    assert same(heard, frames()) and not refused
    heard, refused = read(soft.messages(borders), "floats")
    assert same(heard, llrs) and not refused


def test_a_missing_message_costs_the_frames_it_touched() -> None:
    stream = Stream()
    for packet in frames():
        stream.add(packet.data, packet.number)
    # 32, 37, 74: the message that is missing holds the end of the second and all of the third.
    messages = stream.messages([50, 143])
    heard, refused = read([messages[0], messages[2]])
    assert same(heard, [frames()[k] for k in (0, 3, 4, 5)])
    assert len(refused) == 1 and "goes on elsewhere" in str(refused[0])


def test_joining_in_the_middle() -> None:
    stream = Stream()
    for packet in frames():
        stream.add(packet.data, packet.number)
    heard, refused = read(stream.messages([50])[1:])
    assert same(heard, frames()[2:]) and not refused


def test_a_sender_that_starts_again() -> None:
    stream = Stream()
    for packet in frames():
        stream.add(packet.data, packet.number)
    first, _ = stream.messages([100])
    heard, refused = read([first, *stream.messages([])])
    assert same(heard, [*frames()[:2], *frames()])
    assert len(refused) == 1


def test_what_is_between_frames_is_passed_over() -> None:
    stream = Stream()
    stream.fill(np.zeros(100, np.uint8))
    for packet in frames():
        stream.add(packet.data, packet.number)
        stream.fill(np.zeros(9, np.uint8))
    heard, refused = read(stream.messages([105, 140]))
    assert same(heard, frames()) and not refused


@pytest.mark.parametrize("length", [0, -1, 33, 10**9, 2**40, 3.0, True, "x", None, [37]])
def test_lengths_of_no_frame(length: object) -> None:
    stream = Stream()
    stream.tags.append(Tag(0, "packet_len", length))
    stream.fill(np.ones(100, np.uint8))
    stream.add(frames()[0].data, 7)
    heard, refused = read(stream.messages([50]))
    assert same(heard, [Packet(frames()[0].data, 7)])
    assert len(refused) == 1


@pytest.mark.parametrize("number", [-1, 2**63, 1.5, "x", True])
def test_numbers_of_no_superframe_are_none(number: object) -> None:
    stream = Stream()
    stream.add(frames()[0].data)
    stream.tags.append(Tag(0, "number", number))
    heard, refused = read(stream.messages([]))
    assert same(heard, [Packet(frames()[0].data)]) and not refused


def test_items_that_no_frame_has() -> None:
    bits, soft = Stream(), Stream("floats")
    bits.add(np.full(256, 2, np.uint8))
    assert "0 or 1" in str(read(bits.messages([]))[1][0])
    soft.add(np.full(256, np.nan, np.float32))
    assert "finite" in str(read(soft.messages([]), "floats")[1][0])
    with pytest.raises(FormatError, match="whole items of 4 bytes"):
        read([soft.message(0, 256)[:-1]], "floats")
    with pytest.raises(ParameterError, match="items must be one of"):
        read([soft.message(0, 256)], "words")
