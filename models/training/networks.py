"""The networks of the codec, and the wrappers that step them by one superframe for export.

Every convolution over time sees the past through its state and the future only to the end of its
own superframe: all 320 ms arrive together, so that costs no delay. In training a whole clip runs at
once, with each superframe's right edge padded by zeros; in the exported graph one superframe runs
at a time, with the left context as explicit state. Both give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicelink.models.sizes import FRAMES, LATENTS, LEVELS, SUPERFRAME_SAMPLES

HOP = 80
WINDOW = 320
BINS = WINDOW // 2 + 1
STEPS = SUPERFRAME_SAMPLES // HOP
STRIDE = STEPS // FRAMES
DELAY = WINDOW - HOP
"""Samples by which the decoder's output lags the encoder's input, beside the superframe itself:
analysis windows end, and synthesis windows begin, at the hop that they stand for."""


@dataclass(frozen=True)
class Sizes:
    """Widths and depths of the networks; a released model's card carries them."""

    encoder_fine: int = 160
    encoder_fine_blocks: int = 2
    encoder_coarse: int = 256
    encoder_coarse_blocks: int = 3
    decoder_coarse: int = 256
    decoder_coarse_blocks: int = 4
    decoder_fine: int = 192
    decoder_fine_blocks: int = 4
    fine_kernel: int = 7
    coarse_kernel: int = 15


class States:
    """Hands the left context of each convolution in and out, in the order of the calls.

    ``States(None)`` is the training form: no state, whole clips.
    """

    def __init__(self, inputs: list[Tensor] | None) -> None:
        self.inputs = inputs
        self.outputs: list[Tensor] = []

    def left(self, x: Tensor, length: int) -> Tensor:
        """``x`` (batch, channels, time) with its ``length`` steps of past before it."""
        if self.inputs is None:
            return F.pad(x, (length, 0))
        x = torch.cat([self.inputs[len(self.outputs)], x], dim=2)
        self.outputs.append(x[:, :, x.shape[2] - length :])
        return x


class TimeMixer(nn.Module):
    """Depthwise convolution that sees the past and the rest of its superframe."""

    def __init__(self, channels: int, kernel: int, steps: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel, groups=channels)
        self.half = kernel // 2
        self.steps = steps

    def state_shape(self) -> tuple[int, int]:
        return self.conv.in_channels, self.half

    def forward(self, x: Tensor, states: States) -> Tensor:
        batch, channels, time = x.shape
        x = states.left(x, self.half)
        if time > self.steps:
            blocks = time // self.steps
            x = x.unfold(2, self.steps + self.half, self.steps).transpose(1, 2)
            x = x.reshape(batch * blocks, channels, self.steps + self.half)
        x = self.conv(F.pad(x, (0, self.half)))
        if time > self.steps:
            x = x.reshape(batch, blocks, channels, self.steps).transpose(1, 2)
            x = x.reshape(batch, channels, time)
        return x


class Block(nn.Module):
    """A ConvNeXt block in one dimension (Liu et al., CVPR 2022): mix time, then channels."""

    def __init__(self, channels: int, kernel: int, steps: int) -> None:
        super().__init__()
        self.mixer = TimeMixer(channels, kernel, steps)
        self.norm = nn.LayerNorm(channels)
        self.up = nn.Linear(channels, 3 * channels)
        self.down = nn.Linear(3 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.3))

    def forward(self, x: Tensor, states: States) -> Tensor:
        y = self.mixer(x, states).transpose(1, 2)
        y = self.down(F.gelu(self.up(self.norm(y)))) * self.scale
        return x + y.transpose(1, 2)


def _blocks(count: int, channels: int, kernel: int, steps: int) -> nn.ModuleList:
    return nn.ModuleList(Block(channels, kernel, steps) for _ in range(count))


def _fourier() -> tuple[Tensor, Tensor]:
    """Windowed analysis matrix (window, 2 bins) and synthesis matrix (2 bins, window).

    Hann windows on both sides; at a hop of a quarter their product sums to 1.5.
    """
    n = torch.arange(WINDOW, dtype=torch.float64)
    k = torch.arange(BINS, dtype=torch.float64)
    hann = 0.5 - 0.5 * torch.cos(2 * torch.pi * n / WINDOW)
    angle = 2 * torch.pi * n[:, None] * k[None, :] / WINDOW
    analysis = torch.cat([torch.cos(angle), -torch.sin(angle)], dim=1) * hann[:, None]
    weight = torch.full((BINS,), 2.0, dtype=torch.float64)
    weight[0] = weight[-1] = 1
    synthesis = torch.cat([torch.cos(angle) * weight, -torch.sin(angle) * weight], dim=1)
    synthesis = synthesis.T * hann[None, :] / (1.5 * WINDOW)
    return analysis.float(), synthesis.float()


class Encoder(nn.Module):
    """Audio (batch, samples) to bounded latents (batch, frames, 16) within +-2.

    Flooring a latent gives its level less two.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        fine, coarse = sizes.encoder_fine, sizes.encoder_coarse
        self.register_buffer("analysis", _fourier()[0], persistent=False)
        self.embed = nn.Linear(BINS, fine)
        self.fine = _blocks(sizes.encoder_fine_blocks, fine, sizes.fine_kernel, STEPS)
        self.reduce = nn.Linear(STRIDE * fine, coarse)
        self.coarse = _blocks(sizes.encoder_coarse_blocks, coarse, sizes.coarse_kernel, FRAMES)
        self.norm = nn.LayerNorm(coarse)
        self.head = nn.Linear(coarse, LATENTS)

    def state_shapes(self) -> list[tuple[int, int]]:
        blocks = [*self.fine, *self.coarse]
        return [(1, DELAY), *(b.mixer.state_shape() for b in blocks)]

    def forward(self, audio: Tensor, states: States) -> Tensor:
        batch = audio.shape[0]
        x = states.left(audio[:, None], DELAY)[:, 0]
        hops = x.reshape(batch, -1, HOP)
        steps = hops.shape[1] - WINDOW // HOP + 1
        frames = torch.cat([hops[:, i : i + steps] for i in range(WINDOW // HOP)], dim=2)
        with torch.autocast(x.device.type, enabled=False):
            spectrum = frames.float() @ self.analysis
            re, im = spectrum[..., :BINS], spectrum[..., BINS:]
            # A window of full-scale noise has a power near 100 per bin; -90 dB is the floor.
            x = 0.15 * torch.log(re * re + im * im + 1e-7) + 0.8
        x = self.embed(x).transpose(1, 2)
        for block in self.fine:
            x = block(x, states)
        x = x.transpose(1, 2)
        x = self.reduce(x.reshape(batch, steps // STRIDE, -1)).transpose(1, 2)
        for block in self.coarse:
            x = block(x, states)
        x = self.head(self.norm(x.transpose(1, 2)))
        return 1.999 * torch.tanh(x.float())


class Decoder(nn.Module):
    """Latents and reliabilities, each (batch, frames, 16), to audio (batch, samples)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        fine, coarse = sizes.decoder_fine, sizes.decoder_coarse
        self.register_buffer("synthesis", _fourier()[1], persistent=False)
        self.embed = nn.Linear(2 * LATENTS, coarse)
        self.coarse = _blocks(sizes.decoder_coarse_blocks, coarse, sizes.coarse_kernel, FRAMES)
        self.expand = nn.Linear(coarse, STRIDE * fine)
        self.fine = _blocks(sizes.decoder_fine_blocks, fine, sizes.fine_kernel, STEPS)
        self.norm = nn.LayerNorm(fine)
        self.head = nn.Linear(fine, 2 * BINS)

    def state_shapes(self) -> list[tuple[int, int]]:
        blocks = [*self.coarse, *self.fine]
        return [*(b.mixer.state_shape() for b in blocks), (WINDOW, WINDOW // HOP - 1)]

    def forward(self, latents: Tensor, reliability: Tensor, states: States) -> Tensor:
        batch = latents.shape[0]
        x = self.embed(torch.cat([latents, 2 * reliability - 1], dim=2)).transpose(1, 2)
        for block in self.coarse:
            x = block(x, states)
        x = self.expand(x.transpose(1, 2))
        x = x.reshape(batch, x.shape[1] * STRIDE, -1).transpose(1, 2)
        for block in self.fine:
            x = block(x, states)
        x = self.head(self.norm(x.transpose(1, 2)))
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            magnitude = torch.exp(torch.clamp(x[..., :BINS], max=6.0))
            phase = x[..., BINS:]
            spectrum = torch.cat([magnitude * torch.cos(phase), magnitude * torch.sin(phase)], 2)
            frames = states.left((spectrum @ self.synthesis).transpose(1, 2), WINDOW // HOP - 1)
            # Overlap-add: a hop of output is the sum of the quarters that meet there.
            quarters = frames.transpose(1, 2).reshape(batch, -1, WINDOW // HOP, HOP)
            steps = quarters.shape[1] - WINDOW // HOP + 1
            audio = sum(
                quarters[:, WINDOW // HOP - 1 - i : WINDOW // HOP - 1 - i + steps, i]
                for i in range(WINDOW // HOP)
            )
        return audio.reshape(batch, steps * HOP)


def quantise(latents: Tensor) -> Tensor:
    """Levels 0..3 (float) of the encoder's latents."""
    return torch.clamp(torch.floor(latents), -LEVELS // 2, LEVELS // 2 - 1) + LEVELS // 2


class EncoderStep(nn.Module):
    """The exported encoder: (audio (1, 2560), states...) to (levels (1, 8, 16), states...)."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.net = encoder

    def forward(self, audio: Tensor, *states: Tensor):
        kept = States(list(states))
        levels = quantise(self.net(audio, kept))
        return levels, *kept.outputs


class DecoderStep(nn.Module):
    """The exported decoder: (latents, reliability, states...) to (audio (1, 2560), states...)."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.net = decoder

    def forward(self, latents: Tensor, reliability: Tensor, *states: Tensor):
        kept = States(list(states))
        audio = self.net(latents, reliability, kept)
        return audio, *kept.outputs
