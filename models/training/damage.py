"""What a radio link does to latents, in training: the decoder learns to hear through it.

Each item of a batch gets one kind of damage, drawn at random: none; hard bits with a known error
rate; hard bits that are trusted wrongly; soft bits of an AWGN channel; whole superframes erased.
"""

from __future__ import annotations

import torch
from torch import Tensor

from voicelink.models.latents import moments
from voicelink.models.sizes import FRAMES


def damage(level: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mean and reliability of each latent after the channel.

    Args:
        level: (batch, frames, 16), 0..3.
        share: the share of items that are damaged at all, 0..1.

    Returns:
        (mean, reliability), each of the shape of ``level``; exact for undamaged items.
    """
    batch, frames, _ = level.shape
    device = level.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        u = torch.rand(shape or (batch, 1, 1, 1), generator=generator).to(device)
        return low + (high - low) * u

    bits = torch.stack([torch.floor(level / 2), level % 2], dim=-1)
    sign = 1 - 2 * bits
    kind = torch.rand((batch, 1, 1, 1), generator=generator).to(device) / max(share, 1e-9)
    flat = torch.rand(bits.shape, generator=generator).to(device)
    normal = torch.randn(bits.shape, generator=generator).to(device)

    certain = 20.0
    llr = sign * certain
    # Hard bits of a binary symmetric channel, the receiver knowing the error rate.
    rate = 10 ** uniform(-3, -0.7)
    known = torch.where(flat < rate, -sign, sign) * torch.log((1 - rate) / rate)
    llr = torch.where(kind < 0.15, known, llr)
    # Hard bits that are taken at their word, as a plain transport's are.
    rate = 10 ** uniform(-2.5, -0.9)
    trusted = torch.where(flat < rate, -sign, sign) * certain
    llr = torch.where((kind >= 0.15) & (kind < 0.45), trusted, llr)
    # Soft bits: a consistent Gaussian LLR has the variance of twice its mean.
    strength = 10 ** (
        uniform(-0.7, 1.2)
        + uniform(-0.3, 0.3, batch, frames // FRAMES, 1, 1).repeat_interleave(FRAMES, dim=1)
    )
    soft = sign * strength + torch.sqrt(2 * strength) * normal
    llr = torch.where((kind >= 0.45) & (kind < 0.7), soft, llr)
    # Lost superframes: one is often followed by the next.
    lost = torch.rand((batch, frames // FRAMES, 1, 1), generator=generator).to(device)
    lost = lost < uniform(0.1, 0.6)
    lost = lost.repeat_interleave(FRAMES, dim=1)
    erase = (kind >= 0.7) & (kind < 1)
    llr = torch.where(erase & lost, torch.zeros_like(llr), llr)
    one = torch.sigmoid(-llr)
    mean, reliability = moments(one[..., 0], one[..., 1])
    untouched = (kind[..., 0] >= 1).expand_as(level)
    value = (2 * level - 3) / 3
    return (
        torch.where(untouched, value, mean),
        torch.where(untouched, torch.ones_like(mean), reliability),
    )
