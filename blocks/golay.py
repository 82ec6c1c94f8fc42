"""The extended Golay code (24, 12), decoded from soft bits: for a few bits that must arrive."""

from __future__ import annotations

import functools

import numpy as np

BITS = 24
INFORMATION_BITS = 12

_GENERATOR = 0xC75
"""x^11 + x^10 + x^6 + x^5 + x^4 + x^2 + 1, of the cyclic code (23, 12)."""


def encode(information: int) -> np.ndarray:
    """The codeword of 0..4095: uint8 (24,), the information first, most significant bit first.

    Then the remainder of the cyclic code (M. J. E. Golay, Proc. IRE 37, 1949), and a bit that makes
    the number of ones even: any two codewords differ in 8 bits at least.

    >>> "".join(map(str, encode(1)))
    '000000000001100011101011'
    """
    return _codewords()[information]


def likelihoods(llr: np.ndarray) -> np.ndarray:
    """How well each codeword fits: float (4096,), log-likelihoods up to a constant.

    Args:
        llr: (24,), log(P(0) / P(1)) of each bit; of two codewords, the difference of their values
            is the logarithm of their likelihoods' ratio.
    """
    return -_codewords().astype(np.float32) @ np.asarray(llr, np.float32)


@functools.cache
def _codewords() -> np.ndarray:
    information = np.arange(1 << INFORMATION_BITS)
    remainder = information << 11
    for bit in range(22, 10, -1):
        remainder ^= np.where(remainder >> bit & 1, _GENERATOR << (bit - 11), 0)
    word = (information << 11 | remainder) << 1
    bits = (word[:, None] >> np.arange(BITS - 1, -1, -1) & 1).astype(np.uint8)
    bits[:, -1] = bits.sum(1) & 1
    bits.setflags(write=False)
    return bits
