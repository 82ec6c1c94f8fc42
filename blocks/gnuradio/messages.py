"""GNU Radio's message objects to bytes and back.

Messages cross as serialised bytes, so that one parser, `voicelink.blocks.pdu`, reads those of
flowgraphs and those of ZeroMQ.
"""

from __future__ import annotations

import pmt

from voicelink.models.errors import FormatError

IN = pmt.intern("in")
OUT = pmt.intern("out")
PTT = pmt.intern("ptt")


def to_bytes(message: pmt.pmt_base) -> bytes:
    """The serialised message.

    Raises:
        FormatError: it holds what cannot be serialised, such as a C++ object.
    """
    try:
        return pmt.serialize_str(message)
    except Exception as error:  # PMT's exceptions are plain ones in Python
        raise FormatError(f"a message cannot be read: {error}") from None


def from_bytes(data: bytes) -> pmt.pmt_base:
    """The message that ``data`` holds; it must be one that `voicelink.blocks.pmt` has written."""
    return pmt.deserialize_str(data)


def switch(message: pmt.pmt_base) -> bool:
    """The bool that a message is, or that is the second half of a pair, as widgets send it.

    Raises:
        FormatError: it is neither.
    """
    value = pmt.cdr(message) if pmt.is_pair(message) else message
    if not pmt.is_bool(value):
        raise FormatError(f"a switch must be #t or #f, not {value!s:.60}")
    return pmt.to_bool(value)
