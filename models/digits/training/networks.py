"""The networks of the digit model, as they are trained.

The autoencoder is that of J. Pond, "Speech Compression and Generation with a Variational
Autoencoder": five blocks of convolution, ReLU and batch norm with strides, a dense bottleneck of
128 latents, and the mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from voicelink.models.digits.sizes import (
    BINS,
    BLOCK,
    COLUMNS,
    HOP,
    LATENTS,
    TRANSFORM,
    WINDOW,
)
from voicelink.models.digits.spectrogram import HIGHEST, LOWEST, RANGE
from voicelink.models.training import networks
from voicelink.models.training.networks import Block, Decoder, States

STRIDES = ((2, 2), (2, 2), (2, 2), (2, 2), (2, 1))
"""Of the five blocks, along frequency and time."""


@dataclass(frozen=True)
class Sizes:
    """Channels of the autoencoder's five blocks, and rows of its spectrograms."""

    channels: tuple[int, ...] = (16, 48, 96, 192, 96)
    rows: int = BINS


class Autoencoder(nn.Module):
    """Spectrograms (batch, 1, 256, 64) within 0..1 to latents (batch, 128), and back."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        widths = [1, *sizes.channels]
        small = (widths[-1], sizes.rows // 32, COLUMNS // 16)
        flat = small[0] * small[1] * small[2]
        encoder: list[nn.Module] = []
        for (a, b), stride in zip(pairwise(widths), STRIDES, strict=True):
            encoder += [nn.Conv2d(a, b, 3, stride, 1), nn.ReLU(), nn.BatchNorm2d(b)]
        self.encoder = nn.Sequential(*encoder, nn.Flatten())
        self.bottleneck = nn.Linear(flat, 2 * LATENTS)
        decoder: list[nn.Module] = [nn.Linear(LATENTS, flat), nn.Unflatten(1, small)]
        for (a, b), stride in zip(pairwise(reversed(widths)), reversed(STRIDES), strict=True):
            padding = (stride[0] - 1, stride[1] - 1)
            decoder += [
                nn.ConvTranspose2d(a, b, 3, stride, 1, output_padding=padding),
                nn.ReLU(),
                nn.BatchNorm2d(b),
            ]
        self.decoder = nn.Sequential(*decoder[:-2])

    def encode(self, spectrograms: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latents, (batch, 128) each."""
        mean, spread = self.bottleneck(self.encoder(spectrograms)).chunk(2, dim=1)
        return mean, torch.clamp(spread, -10, 4)

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(latents)

    @staticmethod
    def state_shapes() -> list[tuple[int, int]]:
        """None: a block does not depend on the last one."""
        return []


def rmse(output: Tensor, target: Tensor) -> Tensor:
    """Root mean square error of each spectrogram, averaged over the batch."""
    return torch.sqrt((output - target).square().flatten(1).mean(1) + 1e-8).mean()


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the posterior from N(0, I) in closed form, nats, averaged
    over the batch (Kingma & Welling, ICLR 2014, appendix B)."""
    return 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1).mean()


@dataclass(frozen=True)
class SoundSizes:
    """Widths and depths of the phase network."""

    width: int = 192
    blocks: int = 2
    fine: int = 192
    fine_blocks: int = 4
    kernel: int = 7


class Phase(Decoder):
    """Log-spectrograms (batch, 64 n, 256) in dB, to audio (batch, 7680 n) that lags 360 samples.

    From two columns at a hop of 120 come three steps at a hop of 80, and from those the sound, as
    in the default codec's decoder: pulses through a filter, and noise.
    """

    STEPS = BLOCK // 80

    def __init__(self, sizes: SoundSizes) -> None:
        super().__init__(
            networks.Sizes(
                decoder_coarse=1,
                decoder_coarse_blocks=0,
                decoder_fine=sizes.fine,
                decoder_fine_blocks=sizes.fine_blocks,
                fine_kernel=sizes.kernel,
            )
        )
        del self.expand
        self.sizes = sizes
        self.embed = nn.Linear(BINS, sizes.width)
        self.coarse = nn.ModuleList(
            Block(sizes.width, sizes.kernel, COLUMNS) for _ in range(sizes.blocks)
        )
        self.mix = nn.Linear(2 * sizes.width, 3 * sizes.fine)
        for block in self.fine:
            block.mixer.steps = self.STEPS

    def forward(self, decibels: Tensor, states: States) -> Tensor:
        return self.speak(decibels, states)[0]

    def speak(self, decibels: Tensor, states: States) -> tuple[Tensor, Tensor, Tensor]:
        """Audio, and at a hop of 80 the pitch in octaves over 55 Hz and the voicing (a logit)."""
        batch, time, _ = decibels.shape
        x = self.embed(0.04 * decibels + 2).transpose(1, 2)
        for block in self.coarse:
            x = block(x, states)
        x = self.mix(x.transpose(1, 2).reshape(batch, time // 2, -1))
        return self.sound(x.reshape(batch, time // 2 * 3, -1), states)


class _Beside(torch.autograd.Function):
    """Leaves its first argument as it is, and has the second one lowered beside what is made of
    the first: the autoencoder's own error, where a training asks for that of the sound."""

    @staticmethod
    def forward(ctx, audio: Tensor, loss: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return audio.view_as(audio)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        return gradient, gradient.new_tensor(ctx.weight), None


class Digits(nn.Module):
    """Autoencoder and phase network together, as they are trained for the sound."""

    ERROR = 5.0
    """Weight of the spectrograms' error beside the losses of the sound."""

    def __init__(self, sizes: Sizes, sound: SoundSizes) -> None:
        super().__init__()
        self.sizes = sound
        self.autoencoder = Autoencoder(sizes)
        self.phase = Phase(sound)
        hann = torch.hann_window(WINDOW)
        self.register_buffer("hann", hann, persistent=False)
        self.error = torch.zeros(())

    def adapted(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights of another decoder's sound, by their names there, as this one's."""
        parts = ("fine", "norm", "head", "voice", "breath")
        return {
            name.replace("decoder.", "phase.", 1): values
            for name, values in weights.items()
            if name.startswith(tuple(f"decoder.{part}." for part in parts))
        }

    def train(self, mode: bool = True) -> Digits:
        """The autoencoder keeps the statistics of its batch norms."""
        super().train(mode)
        self.autoencoder.eval()
        return self

    def spectrograms(self, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Audio (batch, 360 + 7680 n) to normalised blocks (batch n, 256, 64), and their extrema
        in dB, (batch n, 1, 1) each; as `voicelink.models.digits.spectrogram` does."""
        frames = audio.unfold(1, WINDOW, HOP) * self.hann
        found = torch.fft.rfft(frames, TRANSFORM)[..., :BINS].abs() * (2 / self.hann.sum())
        decibels = 20 * torch.log10(found + 1e-9).reshape(-1, COLUMNS, BINS).transpose(1, 2)
        top = decibels.amax((1, 2), keepdim=True).clamp(LOWEST, HIGHEST)
        decibels = torch.minimum(torch.maximum(decibels, (top - RANGE).clamp(LOWEST)), top)
        bottom = decibels.amin((1, 2), keepdim=True)
        return (decibels - bottom) / (top - bottom).clamp(1), bottom, top

    def speak(
        self, audio: Tensor, coded: Tensor, stage: dict, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `Phase.speak` makes of clips (batch, 360 + 7680 n).

        Args:
            coded: of each clip, whether its spectrograms go through the autoencoder; the others
                are blurred by noise.
        """
        batch = len(audio)
        with torch.no_grad():
            wanted, bottom, top = self.spectrograms(audio)
            noise = torch.randn(wanted.shape, generator=generator).to(wanted)
            found = wanted + 0.04 * noise
        pick = coded.repeat_interleave(len(wanted) // batch)
        if pick.any():
            with torch.no_grad():
                mean, spread = self.autoencoder.encode(wanted[pick][:, None])
                noise = torch.randn(mean.shape, generator=generator).to(mean)
                # Of the posterior's noise, about what quantising leaves.
                latents = mean + 0.2 * noise * (0.5 * spread).exp()
            decoded = self.autoencoder.decode(latents)[:, 0]
            self.error = rmse(decoded, wanted[pick])
            decoded = decoded / decoded.amax((1, 2), keepdim=True).clamp(0.5)
            found = found.index_put((pick.nonzero()[:, 0],), decoded)
        found = found.clamp(0, 1)
        decibels = bottom + found * (top - bottom).clamp(0)
        audio, octaves, voicing = self.phase.speak(
            decibels.transpose(1, 2).reshape(batch, -1, BINS), States(None)
        )
        if pick.any() and self.error.requires_grad:
            audio = _Beside.apply(audio, self.error, self.ERROR)
        return audio, octaves, voicing


class EncoderStep(nn.Module):
    """The exported encoder: spectrogram (1, 1, 256, 64) to the latents' means (1, 128)."""

    def __init__(self, net: Autoencoder) -> None:
        super().__init__()
        self.net = net

    def forward(self, spectrogram: Tensor) -> Tensor:
        return self.net.encode(spectrogram)[0]


class DecoderStep(nn.Module):
    """The exported decoder: latents (1, 128) to spectrogram (1, 1, 256, 64)."""

    def __init__(self, net: Autoencoder) -> None:
        super().__init__()
        self.net = net

    def forward(self, latents: Tensor) -> Tensor:
        return self.net.decode(latents)


class PhaseStep(nn.Module):
    """The exported phase network: (decibels (1, 64, 256), states...) to (audio (1, 7680),
    states...)."""

    def __init__(self, net: Phase) -> None:
        super().__init__()
        self.net = net

    def forward(self, decibels: Tensor, *states: Tensor):
        kept = States(list(states))
        audio = self.net(decibels, kept)
        return audio, *kept.outputs
