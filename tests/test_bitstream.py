"""The bitstream file: eight bytes of header, then payloads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelink.blocks.bitstream import HEADER_BYTES, BitstreamHeader
from voicelink.models.errors import FormatError


def test_the_header_is_as_the_format_says() -> None:
    header = BitstreamHeader(model=1).to_bytes()
    assert header == bytes.fromhex("564c4e4b 01 01 0000")
    assert len(header) == HEADER_BYTES
    assert BitstreamHeader.from_bytes(header + b"payload") == BitstreamHeader(1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"VLNK", "no voicelink bitstream"),
        (b"VL", "must begin with the letters VLNK, not with VL$"),
        (b"VLNK", "header must have 8 bytes, and has 4"),
        (b"RIFF....WAVE", "must begin with the letters VLNK, not with RIFF$"),
        (b"\xff\xfb\x90\x44, an MP3", "not with the bytes ff fb 90 44$"),
        (bytes.fromhex("564c4e4b 02 01 0000"), "version 2; this software reads version 1"),
    ],
)
def test_other_files_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        BitstreamHeader.from_bytes(content)


@given(st.binary(max_size=40))
def test_anything_is_a_header_or_refused(content: bytes) -> None:
    try:
        assert BitstreamHeader.from_bytes(content).to_bytes()[:7] == content[:7]
    except FormatError as error:
        assert "\n" not in str(error)
