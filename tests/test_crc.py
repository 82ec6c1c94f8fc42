"""CRC-16, header and callsign: the small fields of the frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelink.blocks.callsign import (
    ALPHABET,
    SLICES,
    CallsignCollector,
    callsign_slices,
    pack_callsign,
    unpack_callsign,
)
from voicelink.blocks.crc import crc16
from voicelink.blocks.header import FrameType, Header
from voicelink.models.errors import FormatError, ParameterError

callsigns = st.text(alphabet=ALPHABET, max_size=9).map(str.strip)


def crc_by_division(data: bytes) -> int:
    """The remainder of polynomial division, bit by bit, from the definition."""
    register = 0xFFFF
    for bit in np.unpackbits(np.frombuffer(data, np.uint8)):
        feedback = (register >> 15) ^ int(bit)
        register = (register << 1 & 0xFFFF) ^ (0x1021 if feedback else 0)
    return register


def test_crc_has_the_published_check_value():
    assert crc16(b"123456789") == 0x29B1


@given(st.binary(max_size=64))
def test_crc_is_the_division_by_its_polynomial(data):
    assert crc16(data) == crc_by_division(data)


@given(st.binary(min_size=1, max_size=40))
def test_crc_over_a_message_with_its_crc_is_zero(data):
    assert crc16(data + crc16(data).to_bytes(2, "big")) == 0


@given(st.binary(min_size=3, max_size=3))
def test_header_survives_the_air(data):
    assert Header.unpack(data).pack() == data


def test_header_fields_stand_where_the_format_says():
    header = Header(sequence=0x5A, model=9, frame_type=FrameType.END, callsign_slice=0xC3)
    assert header.pack() == bytes([0b00_01_1001, 0x5A, 0xC3])
    assert header.end and not Header(sequence=0).end


@pytest.mark.parametrize(
    "field", [{"sequence": 256}, {"model": 16}, {"frame_type": 4}, {"version": -1}]
)
def test_header_refuses_what_does_not_fit(field):
    with pytest.raises(ParameterError, match=next(iter(field))):
        Header(**{"sequence": 0, **field}).pack()


def test_header_cut_short():
    with pytest.raises(FormatError, match="3 bytes"):
        Header.unpack(b"\x00\x00")


def test_callsign_has_the_value_of_the_m17_specification():
    assert pack_callsign("AB1CD").hex() == "0000009fdd51"


@given(callsigns)
def test_callsign_round_trip(callsign):
    assert unpack_callsign(pack_callsign(callsign)) == callsign
    assert pack_callsign(f" {callsign.lower()} ") == pack_callsign(callsign)


@pytest.mark.parametrize("callsign", ["ABCDEFGHIJ", "DL1_ABC", "Ä1BC"])
def test_callsign_refuses_what_cannot_be_sent(callsign):
    with pytest.raises(ParameterError, match="callsign"):
        pack_callsign(callsign)


@pytest.mark.parametrize("data", [b"\xff" * 6, b"\x00" * 5])
def test_callsign_refuses_what_nobody_can_have_sent(data):
    with pytest.raises(FormatError, match="callsign"):
        unpack_callsign(data)


@given(callsigns, st.integers(0, 255), st.lists(st.booleans(), min_size=200, max_size=200))
def test_collector_learns_the_callsign_whatever_is_lost(callsign, first, arrives):
    slices, collector = callsign_slices(callsign), CallsignCollector()
    seen = set()
    for number, here in enumerate(arrives, first):
        if here:
            seen.add(number % SLICES)
            learnt = collector.add(number % 256, slices[number % SLICES])
            assert learnt == (callsign if len(seen) == SLICES else None)


def test_collector_follows_another_talker_and_forgets_on_reset():
    collector = CallsignCollector()
    for talker in ("DL1ABC", "M0XYZ/P"):
        slices = callsign_slices(talker)
        for i in range(SLICES):
            collector.add(i, slices[i])
        assert collector.callsign == talker
    collector.reset()
    assert collector.callsign is None


@given(st.binary(min_size=60, max_size=60))
def test_collector_takes_any_slices(data):
    collector = CallsignCollector()
    for i, value in enumerate(data):
        collector.add(i, value)


def test_collector_keeps_what_it_knew_when_a_number_names_nobody():
    collector = CallsignCollector()
    for i, value in enumerate(callsign_slices("DL1ABC")):
        collector.add(i, value)
    impossible = b"\xff" * 6
    for i, value in enumerate(impossible + crc16(impossible).to_bytes(2, "big")):
        collector.add(i, value)
    assert collector.callsign == "DL1ABC"
