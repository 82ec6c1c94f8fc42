"""The interleaver: spreads a burst of bad bits over the whole frame."""

from __future__ import annotations

import numpy as np

from voicelink.models.errors import ParameterError


class Interleaver:
    """Quadratic permutation polynomial interleaver (Sun & Takeshita, IEEE Trans. Inf. Theory 2005).

    Bit i on the air is bit ``(linear * i + quadratic * i^2) mod n`` of the codeword.

    Args:
        n: bits in a frame.
        linear: factor of i; shares no divisor with n.
        quadratic: factor of i^2; where it is not 0, every prime that divides n divides it.

    Attributes:
        order: int array (n,), the index into the codeword of each bit on the air.
        inverse: int array (n,), the index on the air of each bit of the codeword.

    Raises:
        ParameterError: the factors give no permutation of n.
    """

    def __init__(self, n: int, linear: int, quadratic: int = 0):
        i = np.arange(n, dtype=np.int64)
        self.order = (linear * i + quadratic * i * i) % n
        if len(np.unique(self.order)) != n:
            raise ParameterError(
                f"linear, quadratic must permute {n} bits, which {linear}, {quadratic} do not"
            )
        self.inverse = np.argsort(self.order)

    def interleave(self, codeword: np.ndarray) -> np.ndarray:
        """(..., n) in the order of the codeword -> (..., n) in the order of the air."""
        return codeword[..., self.order]

    def deinterleave(self, received: np.ndarray) -> np.ndarray:
        """(..., n) in the order of the air -> (..., n) in the order of the codeword."""
        return received[..., self.inverse]
