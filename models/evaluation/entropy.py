"""How much of its bits a model uses: the entropies of payload bits and of latents' levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.models.errors import FormatError
from voicelink.models.sizes import FRAMES, LATENTS, LEVELS, PAYLOAD_BITS, PAYLOAD_BYTES


@dataclass(frozen=True)
class Usage:
    """What a set of payloads uses.

    Attributes:
        superframes: how many there were.
        bits: entropy of each payload bit, (256,), 0..1.
        levels: share of each level by latent index, (16, 4).
        latents: entropy of the levels by latent index, (16,), 0..2 bits, over all frames.
    """

    superframes: int
    bits: np.ndarray
    levels: np.ndarray
    latents: np.ndarray


def entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy in bits of distributions along the last axis.

    >>> entropy(np.array([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]])).tolist()
    [1.0, 2.0]
    """
    shares = np.asarray(shares, np.float64)
    logarithms = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logarithms).sum(axis=-1) + 0.0


def usage(payload: bytes) -> Usage:
    """The usage of whole payloads of 32 bytes, one after the other.

    Raises:
        FormatError: there is none, or a part of one.
    """
    if not payload or len(payload) % PAYLOAD_BYTES:
        raise FormatError(
            f"payload must be a multiple of {PAYLOAD_BYTES} bytes, at least one, not {len(payload)}"
        )
    bits = np.unpackbits(np.frombuffer(payload, np.uint8)).reshape(-1, PAYLOAD_BITS)
    ones = bits.mean(axis=0)
    pairs = bits.reshape(-1, FRAMES, LATENTS, 2)
    levels = 2 * pairs[..., 0] + pairs[..., 1]
    shares = (levels[..., None] == np.arange(LEVELS)).mean(axis=(0, 1))
    return Usage(len(bits), entropy(np.stack([ones, 1 - ones], axis=-1)), shares, entropy(shares))
