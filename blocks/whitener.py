"""The whitener: breaks up long runs of equal bits, so that a receiver keeps its timing."""

from __future__ import annotations

import numpy as np


def whitening(bits: int) -> np.ndarray:
    """The first ``bits`` bits (uint8, 0 or 1) of the pseudo-random sequence of CCSDS 131.0-B.

    Generator h(x) = x^8 + x^7 + x^5 + x^3 + 1 with all ones at the start, period 255, restarted
    with every frame: FF 48 0E C0 9A 0D 70 BC ... It is added modulo 2; in a receiver that has
    LLRs, a 1 turns the sign of its LLR.
    """
    sequence = [1] * 8
    for i in range(max(0, min(bits, 255) - 8)):
        sequence.append(sequence[i] ^ sequence[i + 3] ^ sequence[i + 5] ^ sequence[i + 7])
    return np.resize(np.array(sequence[: min(bits, 255)], np.uint8), bits)
