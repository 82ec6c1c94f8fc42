"""How much of its bits a model uses: the entropies of payload bits and of latents' levels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from voicelink.models.errors import FormatError
from voicelink.models.sizes import FRAMES, LEVELS, PAYLOAD_BITS


@dataclass(frozen=True)
class Usage:
    """What a set of payloads uses.

    Attributes:
        superframes: how many there were.
        bits: entropy of each bit of a payload, (bits,), or of each of a block's payloads,
            (payloads x bits,), 0..1.
        levels: share of each level by latent index, (latents, 4); None where the payload is no
            latents of four levels.
        latents: entropy of the levels by latent index, (latents,), 0..2 bits, over all frames;
            None as well.
    """

    superframes: int
    bits: np.ndarray
    levels: np.ndarray | None = None
    latents: np.ndarray | None = None

    @property
    def idle(self) -> int:
        """Bits that were always the same."""
        return int((self.bits == 0).sum())


def entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy in bits of distributions along the last axis.

    >>> entropy(np.array([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]])).tolist()
    [1.0, 2.0]
    """
    shares = np.asarray(shares, np.float64)
    logarithms = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logarithms).sum(axis=-1) + 0.0


def usage(
    recordings: Iterable[bytes], bits: int = PAYLOAD_BITS, block: int = 1, levelled: bool = True
) -> Usage:
    """The usage of whole payloads, one after the other, of recordings.

    Args:
        recordings: the payloads of each, from its beginning.
        bits: of a payload.
        block: payloads that belong together; the bits of each have entropies of their own.
        levelled: whether a payload is latents of four levels (`voicelink.models.latents.pack`).

    Raises:
        FormatError: there is no whole block, or a part of a payload.
    """
    found = []
    for payload in recordings:
        if len(payload) % (bits // 8):
            raise FormatError(
                f"payload must be a multiple of {bits // 8} bytes, not {len(payload)}"
            )
        found.append(np.unpackbits(np.frombuffer(payload, np.uint8)).reshape(-1, bits))
    if not any(len(each) >= block for each in found):
        raise FormatError(
            f"payload must be a multiple of {bits // 8} bytes, with {block} payloads at least"
        )
    parts = [np.concatenate([each[part::block] for each in found]) for part in range(block)]
    ones = np.concatenate([part.mean(axis=0) for part in parts])
    use = Usage(sum(map(len, found)), entropy(np.stack([ones, 1 - ones], axis=-1)))
    if not levelled:
        return use
    pairs = np.concatenate(found).reshape(-1, FRAMES, bits // (2 * FRAMES), 2)
    levels = 2 * pairs[..., 0] + pairs[..., 1]
    shares = (levels[..., None] == np.arange(LEVELS)).mean(axis=(0, 1))
    return Usage(use.superframes, use.bits, shares, entropy(shares))
