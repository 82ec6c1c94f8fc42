"""The networks of the codec, and the wrappers that step them by one superframe for export.

Every convolution over time sees the past through its state and the future only to the end of its
own superframe: all 320 ms arrive together, so that costs no delay. In training a whole clip runs at
once, with each superframe's right edge padded by zeros; in the exported graph one superframe runs
at a time, with the left context as explicit state. Both give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicelink.models.sizes import FRAMES, LATENTS, LEVELS, SAMPLE_RATE, SUPERFRAME_SAMPLES

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
    """Widths and depths of the networks; a released model's card carries them.

    ``latents`` are the values of a frame of 40 ms that the decoder takes: the encoder's latents, or
    the features of another codec.
    """

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
    latents: int = LATENTS  # of a frame of 40 ms
    tone: bool = False  # the values tell pitch and voicing, and the decoder's begin with them
    filters: bool = False  # and the magnitudes of noise and pulses
    voice: int = 0  # values of a voice that the decoder is given, 0 for none: see `voice`
    timbre: bool = False  # the voice changes each of the fine blocks, too
    voice_channels: int = 96
    voice_blocks: int = 2


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

    def sum(self, x: Tensor) -> Tensor:
        """The running sum over time of ``x`` (batch, channels, time), of which whole numbers do
        not matter."""
        x = torch.cumsum(x, dim=2)
        if self.inputs is None:
            return x
        x = x + self.inputs[len(self.outputs)]
        last = x[:, :, x.shape[2] - 1 :]
        self.outputs.append(last - torch.floor(last))
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


class Fourier(nn.Module):
    """The matrices of the windowed transforms, made of one cosine when they are needed, so that a
    model file does not carry them.

    Hann windows on both sides; at a hop of a quarter their product sums to 1.5.
    """

    def __init__(self) -> None:
        super().__init__()
        n, k = torch.arange(WINDOW), torch.arange(BINS)
        circle = torch.cos(2 * torch.pi * n.double() / WINDOW)
        weight = torch.full((BINS,), 2.0)
        weight[0] = weight[-1] = 1
        for name, values in {
            "n": n[:, None],
            "k": k[None, :],
            "circle": circle.float(),
            "hann": (0.5 - 0.5 * circle).float()[:, None],
            "weight": weight[None, :] / (1.5 * WINDOW),
        }.items():
            self.register_buffer(name, values)

    def _waves(self) -> tuple[Tensor, Tensor]:
        """Windowed cosines and negative sines, each (window, bins)."""
        steps = self.n * self.k
        cos, sin = (self.circle[(steps + shift) % WINDOW] for shift in (0, WINDOW // 4))
        return cos * self.hann, sin * self.hann

    def analysis(self) -> Tensor:
        """(window, 2 bins): samples to real and imaginary parts."""
        return torch.cat(self._waves(), dim=1)

    def synthesis(self) -> Tensor:
        """(2 bins, window): back, for overlap-add."""
        cos, sin = self._waves()
        return torch.cat([cos * self.weight, sin * self.weight], dim=1).T


class Encoder(nn.Module):
    """Audio (batch, samples) to bounded latents (batch, frames, latents) within +-2.

    Flooring a latent gives its level less two.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        fine, coarse = sizes.encoder_fine, sizes.encoder_coarse
        self.fourier = Fourier()
        self.embed = nn.Linear(BINS, fine)
        self.fine = _blocks(sizes.encoder_fine_blocks, fine, sizes.fine_kernel, STEPS)
        self.reduce = nn.Linear(STRIDE * fine, coarse)
        self.coarse = _blocks(sizes.encoder_coarse_blocks, coarse, sizes.coarse_kernel, FRAMES)
        self.norm = nn.LayerNorm(coarse)
        self.head = nn.Linear(coarse, sizes.latents)

    def state_shapes(self) -> list[tuple[int, int]]:
        blocks = [*self.fine, *self.coarse]
        return [(1, DELAY), *(b.mixer.state_shape() for b in blocks)]

    def forward(
        self, audio: Tensor, states: States, change: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """``change`` is made to the log spectra (batch, time, bins) first, 0.15 times the logarithm
        of a power."""
        batch = audio.shape[0]
        x = states.left(audio[:, None], DELAY)[:, 0]
        hops = x.reshape(batch, -1, HOP)
        steps = hops.shape[1] - WINDOW // HOP + 1
        frames = torch.cat([hops[:, i : i + steps] for i in range(WINDOW // HOP)], dim=2)
        with torch.autocast(x.device.type, enabled=False):
            spectrum = frames.float() @ self.fourier.analysis()
            re, im = spectrum[..., :BINS], spectrum[..., BINS:]
            # A window of full-scale noise has a power near 100 per bin; -90 dB is the floor.
            x = 0.15 * torch.log(re * re + im * im + 1e-7) + 0.8
            if change is not None:
                x = change(x)
        x = self.embed(x).transpose(1, 2)
        for block in self.fine:
            x = block(x, states)
        x = x.transpose(1, 2)
        x = self.reduce(x.reshape(batch, steps // STRIDE, -1)).transpose(1, 2)
        for block in self.coarse:
            x = block(x, states)
        x = self.head(self.norm(x.transpose(1, 2)))
        return 1.999 * torch.tanh(x.float())


class Source(nn.Module):
    """Pitch (batch, time) in Hz at a hop of 80 to the spectrum of a train of pulses.

    The pulses are the sum of all harmonics at one amplitude, in closed form (Dirichlet's kernel);
    their phase runs on from hop to hop, so that a voiced sound stays one sound. Hop t of the pulses
    is the last of analysis window t.

    Returns:
        Real and imaginary parts, (batch, time, bins) each; 1 is the peak of a harmonic.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fourier = Fourier()
        self.register_buffer("ramp", (torch.arange(HOP) + 1.0) / HOP, persistent=False)

    @staticmethod
    def state_shapes() -> list[tuple[int, int]]:
        return [(1, 1), (1, 1), (1, DELAY)]

    def forward(self, pitch: Tensor, states: States) -> tuple[Tensor, Tensor]:
        batch, steps = pitch.shape
        before = states.left(pitch[:, None], 1)[:, 0]
        before, after = before[:, :-1, None], before[:, 1:, None]
        cycles = (before + (after - before) * self.ramp) / SAMPLE_RATE
        # Summed in each hop, then over hops: a long sum in 32 bits would drift.
        cycles = torch.cumsum(cycles, dim=2)
        hops = cycles[:, :, HOP - 1]
        cycles = cycles + (states.sum(hops[:, None])[:, 0] - hops)[:, :, None]
        cycles = cycles - torch.floor(cycles + 0.5)
        harmonics = torch.floor(0.475 * SAMPLE_RATE / torch.maximum(before, after))
        below = torch.sin(torch.pi * cycles)
        near = below.abs() < 1e-4
        pulses = torch.sin(torch.pi * (2 * harmonics + 1) * cycles) / torch.where(
            near, torch.ones_like(below), below
        )
        pulses = torch.where(near, 2 * harmonics + 1, pulses) - 1
        x = states.left(pulses.reshape(batch, 1, steps * HOP), DELAY)[:, 0]
        hops = x.reshape(batch, steps + WINDOW // HOP - 1, HOP)
        frames = torch.cat([hops[:, i : i + steps] for i in range(WINDOW // HOP)], dim=2)
        # A harmonic has the amplitude 2 here, and the window the sum WINDOW / 2.
        spectrum = (frames @ self.fourier.analysis()) / (WINDOW / 2)
        return spectrum[..., :BINS], spectrum[..., BINS:]


class Timbre(nn.Module):
    """A voice (batch, frames, voice + 1) to how it changes what a decoder makes of latents.

    Returns:
        A shift (batch, frames, decoder_coarse) of the coarse features, and a scale and a shift,
        (batch, decoder_fine, time) each, before each fine block (Perez et al., AAAI 2018: "FiLM").
    """

    GAIN = 8.0
    """So that it is learned as fast as what has larger values."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.parts = [sizes.decoder_coarse]
        self.parts += [sizes.decoder_fine] * (2 * sizes.decoder_fine_blocks)
        self.linear = nn.Linear(sizes.voice + 1, sum(self.parts))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, voice: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        coarse, *fine = self.linear(self.GAIN * voice).split(self.parts, dim=2)
        batch, frames, _ = voice.shape
        fine = [
            x[:, :, None].expand(-1, -1, STRIDE, -1).reshape(batch, frames * STRIDE, -1)
            for x in fine
        ]
        fine = [x.transpose(1, 2) for x in fine]
        scales = [1 + torch.tanh(x) for x in fine[::2]]
        return coarse, list(zip(scales, fine[1::2], strict=True))


class Decoder(nn.Module):
    """Latents and reliabilities, each (batch, frames, latents), to audio (batch, samples).

    Where it has been made for one, a voice (batch, frames, voice + 1) comes with them: its values,
    and last how much of it is known, 0..1.

    The spectrum is the sum of two: pulses of the predicted pitch through a predicted filter, where
    there is voice, and noise with a predicted magnitude and phase in each bin. Where there is
    voice, `breath` says how much of the noise stays.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        fine, coarse = sizes.decoder_fine, sizes.decoder_coarse
        self.fourier = Fourier()
        self.embed = nn.Linear(2 * sizes.latents + sizes.voice + bool(sizes.voice), coarse)
        self.coarse = _blocks(sizes.decoder_coarse_blocks, coarse, sizes.coarse_kernel, FRAMES)
        self.expand = nn.Linear(coarse, STRIDE * fine)
        self.fine = _blocks(sizes.decoder_fine_blocks, fine, sizes.fine_kernel, STEPS)
        self.norm = nn.LayerNorm(fine)
        self.head = nn.Linear(fine, 4 * BINS)
        self.voice = nn.Linear(fine, 2)
        self.tone = nn.Linear(sizes.latents, 2) if sizes.tone else None
        self.filters = nn.Linear(sizes.latents, STRIDE * 2 * BINS) if sizes.filters else None
        self.timbre = Timbre(sizes) if sizes.timbre else None
        self.breath = nn.Linear(fine, BINS)
        self.source = Source()
        nn.init.constant_(self.voice.bias, 1.4)
        nn.init.zeros_(self.breath.weight)
        nn.init.constant_(self.breath.bias, -4)

    def state_shapes(self) -> list[tuple[int, int]]:
        blocks = [*self.coarse, *self.fine]
        return [
            *(b.mixer.state_shape() for b in blocks),
            *self.source.state_shapes(),
            (WINDOW, WINDOW // HOP - 1),
        ]

    def forward(
        self, latents: Tensor, reliability: Tensor, states: States, *voice: Tensor
    ) -> Tensor:
        return self.speak(latents, reliability, states, *voice)[0]

    def speak(
        self, latents: Tensor, reliability: Tensor, states: States, *voice: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Audio, and at a hop of 80 the pitch in octaves over 55 Hz and the voicing (a logit)."""
        batch = latents.shape[0]
        x = torch.cat([latents, 2 * reliability - 1, *voice], dim=2)
        x, timbre = self.embed(x), None
        if self.timbre is not None:
            shift, timbre = self.timbre(*voice)
            x = x + shift
        x = x.transpose(1, 2)
        for block in self.coarse:
            x = block(x, states)
        x = self.expand(x.transpose(1, 2))
        x = x.reshape(batch, x.shape[1] * STRIDE, -1)
        if self.tone is None:
            return self.sound(x, states, timbre=timbre)
        tone = self.tone(latents)[:, :, None].expand(-1, -1, STRIDE, -1)
        tone = tone.reshape(batch, -1, 2)
        if self.filters is None:
            return self.sound(x, states, tone)
        return self.sound(x, states, tone, self.filters(latents).reshape(batch, -1, 2 * BINS))

    def sound(
        self,
        features: Tensor,
        states: States,
        tone: Tensor | float = 0.0,
        filters: Tensor | None = None,
        timbre: list[tuple[Tensor, Tensor]] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `speak` gives, of features (batch, time, decoder_fine) at a hop of 80, and of the
        pitch and voicing (batch, time, 2) and log magnitudes (batch, time, 2 bins) that are
        known; ``timbre`` as `Timbre` gives it."""
        batch, x = features.shape[0], features.transpose(1, 2)
        for i, block in enumerate(self.fine):
            if timbre is not None:
                scale, shift = timbre[i]
                x = x * scale + shift
            x = block(x, states)
        x = self.norm(x.transpose(1, 2))
        with torch.autocast(x.device.type, enabled=False):
            voice = self.voice(x.float()) + tone
            octaves, voicing = voice[..., 0], voice[..., 1]
            pitch = 55 * 2 ** torch.clamp(octaves.detach(), 0.1, 3.1)
            re, im = self.source(pitch, states)
        x, breath = self.head(x), self.breath(x)
        with torch.autocast(x.device.type, enabled=False):
            x, breath = x.float(), torch.sigmoid(breath.float())
            noise, phase, pulse, turn = x.split(BINS, dim=2)
            if filters is not None:
                noise, pulse = noise + filters[..., :BINS], pulse + filters[..., BINS:]
            voiced = torch.sigmoid(4 * voicing.detach())[..., None]
            noise = torch.exp(torch.clamp(noise, max=6.0)) * (1 - voiced * (1 - breath))
            pulse = torch.exp(torch.clamp(pulse, max=6.0)) * voiced
            cos, sin = pulse * torch.cos(turn), pulse * torch.sin(turn)
            spectrum = torch.cat(
                [
                    re * cos - im * sin + noise * torch.cos(phase),
                    re * sin + im * cos + noise * torch.sin(phase),
                ],
                dim=2,
            )
            frames = states.left(
                (spectrum @ self.fourier.synthesis()).transpose(1, 2), WINDOW // HOP - 1
            )
            # Overlap-add: a hop of output is the sum of the quarters that meet there.
            quarters = frames.transpose(1, 2).reshape(batch, -1, WINDOW // HOP, HOP)
            steps = quarters.shape[1] - WINDOW // HOP + 1
            audio = sum(
                quarters[:, WINDOW // HOP - 1 - i : WINDOW // HOP - 1 - i + steps, i]
                for i in range(WINDOW // HOP)
            )
        return audio.reshape(batch, steps * HOP), octaves, voicing


def quantise(latents: Tensor) -> Tensor:
    """Levels 0..3 (float) of the encoder's latents."""
    return torch.clamp(torch.floor(latents), -LEVELS // 2, LEVELS // 2 - 1) + LEVELS // 2


class EncoderStep(nn.Module):
    """The exported encoder: (audio (1, 2560), states...) to (levels (1, 8, latents), states...)."""

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
