"""Link frames as a bit stream: a sync word before each, a preamble and a tail around an over.

FORMAT.md ("Bit stream") describes the bits.
"""

from __future__ import annotations

import numpy as np

from voicelink.models.errors import require

SYNC_WORD = bytes.fromhex("1acffc1d")
"""The attached sync marker of CCSDS 131.0-B, which stands before every frame."""

SYNC_BITS = 8 * len(SYNC_WORD)

SYNC_SYMBOLS = 1.0 - 2.0 * np.unpackbits(np.frombuffer(SYNC_WORD, np.uint8))
"""Its symbols, float64 (32,): +1 for 0 and -1 for 1."""
SYNC_SYMBOLS.setflags(write=False)

PREAMBLE_BYTE = 0xAA
"""Preamble and tail are made of this: a change with every bit, for the receiver's clock."""

LONGEST = 4096
"""Bytes that a preamble or a tail may have."""


def stream_frame(
    frame: bytes, first: bool = False, last: bool = False, preamble: int = 0, tail: int = 0
) -> bytes:
    """A link frame as it goes into the bit stream.

    Args:
        frame: packed bytes of the link frame.
        first: whether it is the first of an over, so that the preamble goes before it.
        last: whether it is the last of an over, so that the tail follows it.
        preamble: length of the preamble in bytes, 0 to `LONGEST`.
        tail: length of the tail in bytes, 0 to `LONGEST`.

    Raises:
        ParameterError: preamble or tail out of range.

    >>> stream_frame(bytes(2), first=True, preamble=3).hex()
    'aaaaaa1acffc1d0000'
    """
    before = int(require("preamble", preamble, 0, LONGEST)) if first else 0
    after = int(require("tail", tail, 0, LONGEST)) if last else 0
    change = bytes([PREAMBLE_BYTE])
    return change * before + SYNC_WORD + bytes(frame) + change * after
