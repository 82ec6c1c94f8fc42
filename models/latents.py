"""Bits, levels and latents of the payload: the one place that knows how they map.

A latent has four levels, 0..3, at the values -1, -1/3, 1/3, 1, and travels as two bits in natural
binary, the high one first. Natural binary, not Gray: with the value of a level being linear in its
bits, a wrong bit moves the latent by exactly two levels or one (Gray: three or one), which has the
least squared error of all two-bit labellings of a uniform quantiser (McLaughlin, Neuhoff & Ashley,
IEEE Trans. Inf. Theory 41(2), 1995), and the expectation under independent bit probabilities is
the same linear form in the probabilities.
"""

from __future__ import annotations

import numpy as np

from voicelink.models.errors import FormatError
from voicelink.models.sizes import FRAMES, PAYLOAD_BITS

CERTAIN = 20.0
"""The magnitude of the LLR of a bit that is taken for sure (wrong once in 5e8)."""

_UNIFORM_VARIANCE = 5 / 9


def moments(p_high, p_low):
    """Mean and reliability of latents whose bits are 1 with the given probabilities.

    Works on numpy arrays and torch tensors of any shape. With ``v = (4 b1 + 2 b0 - 3) / 3`` for
    independent bits, ``E v = (4 p1 + 2 p0 - 3) / 3`` and
    ``Var v = (16 p1 (1 - p1) + 4 p0 (1 - p0)) / 9``.

    Returns:
        (mean, reliability): the mean within +-1, and ``1 - Var v / (5/9)`` within 0..1: 1 where
        both bits are known, 0 where nothing is.
    """
    mean = (4 * p_high + 2 * p_low - 3) / 3
    variance = (16 * p_high * (1 - p_high) + 4 * p_low * (1 - p_low)) / 9
    return mean, 1 - variance / _UNIFORM_VARIANCE


def pack(levels: np.ndarray) -> bytes:
    """The payload of levels 0..3, shape (..., 8, latents): 32 bytes each with 16 latents."""
    levels = np.asarray(levels, dtype=np.uint8).reshape(-1)
    return np.packbits(np.stack([levels >> 1, levels & 1], axis=1)).tobytes()


def llrs_of(payload: bytes, bits: int = PAYLOAD_BITS) -> np.ndarray:
    """LLRs (n, bits) float32, all certain, of n whole payloads of so many bits.

    Raises:
        FormatError: the length is not a multiple of a payload's.
    """
    if len(payload) % (bits // 8):
        raise FormatError(
            f"a payload must be a multiple of {bits // 8} bytes long, not {len(payload)}"
        )
    values = np.unpackbits(np.frombuffer(payload, dtype=np.uint8)).reshape(-1, bits)
    return np.where(values, -CERTAIN, CERTAIN).astype(np.float32)


def ones(llrs: np.ndarray) -> np.ndarray:
    """The probability that each bit is 1, of LLRs of any shape; what is no number counts as 0.

    Certain bits are exact, so that a clean payload decodes as it was trained.
    """
    llrs = np.nan_to_num(np.asarray(llrs, dtype=np.float32), posinf=CERTAIN, neginf=-CERTAIN)
    one = 1 / (1 + np.exp(np.clip(llrs, -CERTAIN, CERTAIN)))
    return np.where(llrs >= CERTAIN, 0, np.where(llrs <= -CERTAIN, 1, one))


def from_llrs(llrs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and reliabilities of the latents, each float32 (n, 8, latents), of LLRs (n, bits).

    LLRs are log(P(0) / P(1)); anything that is no number counts as 0, nothing known. A frame has
    bits / 16 latents: 16 of the 256 bits of `neural-800`.
    """
    one = ones(np.atleast_2d(llrs))
    one = one.reshape(len(one), FRAMES, -1, 2)
    mean, reliability = moments(one[..., 0], one[..., 1])
    return mean.astype(np.float32), reliability.astype(np.float32)
