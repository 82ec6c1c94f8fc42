"""CRC-16/IBM-3740, the checksum of the link frame and of the callsign."""

from __future__ import annotations

import binascii

CRC_BITS = 16


def crc16(data: bytes) -> int:
    """CRC of whole bytes, most significant bit first.

    Polynomial x^16 + x^12 + x^5 + 1 (0x1021), register preset to 0xFFFF, neither reflected nor
    inverted; ``crc16(b"123456789") == 0x29B1``. The standard library computes it: `crc_hqx` is
    this polynomial with a preset of one's choice.
    """
    return binascii.crc_hqx(data, 0xFFFF)
