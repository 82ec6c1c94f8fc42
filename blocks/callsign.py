"""The callsign: packed to 48 bits, cut into slices that ride in the headers, put together again."""

from __future__ import annotations

import contextlib

from voicelink.blocks.crc import crc16
from voicelink.models.errors import FormatError, ParameterError

ALPHABET = " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/."
"""The 40 characters by value, as in the M17 protocol specification."""

MAX_LENGTH = 9
SLICES = 8
"""Slices of a callsign, a byte each: six of the callsign and two of their CRC."""

_PACKED_BYTES = 6


def pack_callsign(callsign: str) -> bytes:
    """A callsign of up to nine characters as six bytes, big-endian; small letters count as large.

    The number is sum(value(c_i) 40^i), the first character being i = 0. Spaces around are
    dropped, and no callsign at all is 0.

    >>> pack_callsign("AB1CD").hex()
    '0000009fdd51'

    Raises:
        ParameterError: it is too long or has other characters.
    """
    text = str(callsign).strip().upper()
    if len(text) > MAX_LENGTH or any(character not in ALPHABET for character in text):
        raise ParameterError(
            f"callsign must be at most {MAX_LENGTH} characters of A-Z, 0-9, -, /, . and space, "
            f"not {callsign!r}"
        )
    number = 0
    for character in reversed(text):
        number = number * len(ALPHABET) + ALPHABET.index(character)
    return number.to_bytes(_PACKED_BYTES, "big")


def unpack_callsign(data: bytes) -> str:
    """The callsign in six bytes.

    Raises:
        FormatError: these are not six bytes, or a number that no callsign has.
    """
    number = int.from_bytes(data, "big")
    if len(data) != _PACKED_BYTES or number >= len(ALPHABET) ** MAX_LENGTH:
        raise FormatError(
            f"a callsign must be {_PACKED_BYTES} bytes below 40^{MAX_LENGTH}, not 0x{data.hex()}"
        )
    text = ""
    while number:
        number, value = divmod(number, len(ALPHABET))
        text += ALPHABET[value]
    return text


def callsign_slices(callsign: str) -> bytes:
    """The eight slices in the order of sequence mod 8; all zero for no callsign.

    Raises:
        ParameterError: as `pack_callsign`.
    """
    packed = pack_callsign(callsign)
    if not any(packed):
        return bytes(SLICES)
    return packed + crc16(packed).to_bytes(2, "big")


class CallsignCollector:
    """Learns the callsign from the headers that arrive, whatever is lost between them.

    Attributes:
        callsign: None until all eight slices have been received and agree with their CRC; then
            the callsign, ``""`` when none is sent; from then on the last one that was confirmed.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forget everything, as for another over."""
        self.callsign: str | None = None
        self._slices: list[int | None] = [None] * SLICES

    def learn(self, callsign: str) -> None:
        """Take a callsign that came whole, as in a station frame."""
        self.callsign = callsign

    def add(self, sequence: int, callsign_slice: int) -> str | None:
        """Take the slice of a header whose CRC was right; returns `callsign`."""
        self._slices[sequence % SLICES] = callsign_slice & 0xFF
        if None in self._slices:
            return self.callsign
        slices = bytes(self._slices)
        packed, crc = slices[:_PACKED_BYTES], int.from_bytes(slices[_PACKED_BYTES:], "big")
        if not any(slices):
            self.callsign = ""
        elif crc == crc16(packed):
            # Slices that agree but name nobody change nothing.
            with contextlib.suppress(FormatError):
                self.callsign = unpack_callsign(packed)
        return self.callsign
