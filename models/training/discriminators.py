"""Discriminators of the adversarial stage: of periods (HiFi-GAN), of spectra (EnCodec)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

Judgement = tuple[Tensor, list[Tensor]]


class PeriodDiscriminator(nn.Module):
    """Sees the waveform folded at one period, as HiFi-GAN's (Kong, Kim & Bae, NeurIPS 2020)."""

    def __init__(self, period: int, width: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, width, 2 * width, 4 * width]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (3, 1), (2, 0))) for a, b in pairwise(widths)
        )
        self.last = weight_norm(nn.Conv2d(4 * width, 4 * width, (5, 1), 1, (2, 0)))
        self.out = weight_norm(nn.Conv2d(4 * width, 1, (3, 1), 1, (1, 0)))

    def forward(self, audio: Tensor) -> Judgement:
        length = audio.shape[1] // self.period * self.period
        x = audio[:, None, :length].reshape(audio.shape[0], 1, -1, self.period)
        features = []
        for conv in [*self.convs, self.last]:
            x = F.leaky_relu(conv(x), 0.1)
            features.append(x)
        return self.out(x), features


class SpectrumDiscriminator(nn.Module):
    """Sees the complex STFT at one resolution (Defossez et al., 2022)."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        self.convs = nn.ModuleList(
            [
                weight_norm(nn.Conv2d(2, width, (3, 7), (1, 2), (1, 3))),
                weight_norm(nn.Conv2d(width, width, (3, 7), (1, 2), (1, 3))),
                weight_norm(nn.Conv2d(width, 2 * width, (3, 7), (2, 2), (1, 3))),
                weight_norm(nn.Conv2d(2 * width, 2 * width, (3, 3), (1, 1), (1, 1))),
            ]
        )
        self.out = weight_norm(nn.Conv2d(2 * width, 1, (3, 3), 1, (1, 1)))

    def forward(self, audio: Tensor) -> Judgement:
        with torch.autocast(audio.device.type, enabled=False):
            spectrum = torch.view_as_real(
                torch.stft(
                    audio.float(),
                    self.size,
                    self.size // 4,
                    window=self.window,
                    return_complex=True,
                )
            )
            power = (spectrum**2).sum(-1, keepdim=True)
            # Compressed to a power of .4: loud harmonics do not drown the rest.
            x = spectrum * (power + 1e-7) ** -0.3
            x = x.permute(0, 3, 2, 1)
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
            features.append(x)
        return self.out(x), features


class Discriminators(nn.Module):
    """All of them over one waveform (batch, samples): (scores, features)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            [PeriodDiscriminator(p, width) for p in (2, 3, 5, 7)]
            + [SpectrumDiscriminator(n, width) for n in (128, 320, 768)]
        )

    def forward(self, audio: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        judgements = [d(audio) for d in self.each]
        return [s for s, _ in judgements], [f for _, f in judgements]
