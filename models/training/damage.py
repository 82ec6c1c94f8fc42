"""What a radio link does to bits, in training: the decoder learns to hear through it.

Each item of a batch gets one kind of damage, drawn at random: none; hard bits with a known error
rate; hard bits that are trusted wrongly; soft bits of an AWGN channel; whole superframes erased.
"""

from __future__ import annotations

import torch
from torch import Tensor

from voicelink.models.latents import CERTAIN, moments
from voicelink.models.sizes import FRAMES


def received(bits: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """LLRs of bits after the channel.

    Args:
        bits: (batch, superframes, bits), 0 or 1.
        share: the share of items that are damaged at all, 0..1.

    Returns:
        log(P(0) / P(1)) of the shape of ``bits``; `CERTAIN` in undamaged items.
    """
    batch, superframes, _ = bits.shape
    device = bits.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        u = torch.rand(shape or (batch, 1, 1), generator=generator).to(device)
        return low + (high - low) * u

    sign = 1 - 2 * bits
    kind = torch.rand((batch, 1, 1), generator=generator).to(device) / max(share, 1e-9)
    flat = torch.rand(bits.shape, generator=generator).to(device)
    normal = torch.randn(bits.shape, generator=generator).to(device)

    llr = sign * CERTAIN
    # Hard bits of a binary symmetric channel, the receiver knowing the error rate.
    rate = 10 ** uniform(-3, -0.7)
    known = torch.where(flat < rate, -sign, sign) * torch.log((1 - rate) / rate)
    llr = torch.where(kind < 0.15, known, llr)
    # Hard bits that are taken at their word, as a plain transport's are.
    rate = 10 ** uniform(-2.5, -0.9)
    trusted = torch.where(flat < rate, -sign, sign) * CERTAIN
    llr = torch.where((kind >= 0.15) & (kind < 0.45), trusted, llr)
    # Soft bits: a consistent Gaussian LLR has the variance of twice its mean.
    strength = 10 ** (uniform(-0.7, 1.2) + uniform(-0.3, 0.3, batch, superframes, 1))
    soft = sign * strength + torch.sqrt(2 * strength) * normal
    llr = torch.where((kind >= 0.45) & (kind < 0.7), soft, llr)
    # Lost superframes: one is often followed by the next.
    lost = torch.rand((batch, superframes, 1), generator=generator).to(device)
    lost = lost < uniform(0.1, 0.6)
    erase = (kind >= 0.7) & (kind < 1)
    return torch.where(erase & lost, torch.zeros_like(llr), llr)


def damage(level: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mean and reliability of each latent after the channel.

    Args:
        level: (batch, frames, latents), 0..3.
        share: the share of items that are damaged at all, 0..1.

    Returns:
        (mean, reliability), each of the shape of ``level``; exact for undamaged items.
    """
    bits = torch.stack([torch.floor(level / 2), level % 2], dim=-1)
    llr = received(bits.reshape(len(bits), level.shape[1] // FRAMES, -1), share, generator)
    one = torch.sigmoid(-llr).reshape(bits.shape)
    return moments(one[..., 0], one[..., 1])  # of certain bits, exact in 32 bits
