"""A voice sent once: the network that tells it from speech, and a codec that speaks with it.

The first superframes of a training clip give the voice and the others are coded, so that the voice
carries who speaks and not what is said.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicelink.models.latents import from_llrs, llrs_of
from voicelink.models.sizes import FRAME_SAMPLES, FRAMES
from voicelink.models.training.networks import (
    BINS,
    DELAY,
    HOP,
    Block,
    DecoderStep,
    Fourier,
    Sizes,
    States,
)
from voicelink.models.training.trained import Codec, Step, spoken, whole_superframes
from voicelink.models.voice import (
    ARRIVAL_FRAMES,
    SAMPLES,
    VOICE_LEVELS,
    pack_voice,
    voice_values,
    voices_in,
)

UNKNOWN_SHARE = 0.12
"""The share of training clips that are decoded without a voice."""
ARRIVING_SHARE = 0.13
"""The share in which it arrives."""


class Voice(nn.Module):
    """Speech (batch, samples), a multiple of 160, to the values of its voice (batch, voice), +-1.

    Whatever its level: log spectra, a few convolutions, and mean and deviation over time, weighted
    by attention (Okabe, Koshinaka & Shinoda, Interspeech 2018: "attentive statistics pooling").
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        channels = sizes.voice_channels
        self.fourier = Fourier()
        self.embed = nn.Linear(BINS, channels)
        # Both sides of all of the speech: there is no superframe to end at.
        self.blocks = nn.ModuleList(
            Block(channels, sizes.fine_kernel, SAMPLES) for _ in range(sizes.voice_blocks)
        )
        self.norm = nn.LayerNorm(channels)
        self.attention = nn.Linear(channels, channels)
        self.head = nn.Linear(2 * channels, sizes.voice)

    @staticmethod
    def state_shapes() -> list[tuple[int, int]]:
        return []

    def forward(self, audio: Tensor) -> Tensor:
        rms = torch.sqrt(torch.mean(audio**2, dim=1, keepdim=True))
        audio = audio * (0.1 / torch.clamp(rms, min=1e-4))
        hops = audio.reshape(audio.shape[0], -1, 2 * HOP)
        frames = torch.cat([hops[:, :-1], hops[:, 1:]], dim=2)
        with torch.autocast(audio.device.type, enabled=False):
            spectrum = frames.float() @ self.fourier.analysis()
            re, im = spectrum[..., :BINS], spectrum[..., BINS:]
            x = 0.15 * torch.log(re * re + im * im + 1e-5) + 0.4
        x = self.embed(x).transpose(1, 2)
        for block in self.blocks:
            x = block(x, States(None))
        x = self.norm(x.transpose(1, 2))
        weight = torch.softmax(self.attention(x), dim=1)
        mean = (weight * x).sum(dim=1)
        deviation = torch.sqrt((weight * (x - mean[:, None]) ** 2).sum(dim=1) + 1e-4)
        x = self.head(torch.cat([mean, deviation], dim=1))
        return torch.tanh(x.float())


def rounded_levels(values: Tensor) -> Tensor:
    """Levels 0..15 (float) of a voice's values within +-1."""
    return torch.floor((values + 1) / 2 * (VOICE_LEVELS - 1) + 0.5)


class Disguise:
    """Changes log spectra, so that who speaks is to be known from the voice and not from what is
    coded (Choi et al., NeurIPS 2021: "information perturbation"): each clip's are stretched, as by
    another vocal tract and another pitch, and coloured.

    Args:
        picked: which clips, (batch, 1, 1), 0 or 1.
    """

    STRETCH = 0.08
    """The largest logarithm of the factor."""
    COLOUR = 0.15 * 1.15
    """5 dB, in the units of the encoder's spectra."""
    POINTS = 7

    def __init__(self, picked: Tensor, generator: torch.Generator) -> None:
        def uniform(*shape: int) -> Tensor:
            return (2 * torch.rand(shape, generator=generator) - 1).to(picked.device)

        batch = len(picked)
        places = torch.arange(BINS, device=picked.device) * torch.exp(
            self.STRETCH * picked[:, :, 0] * uniform(batch, 1)
        )
        self._places = torch.clamp(places, max=BINS - 1.001)
        points = uniform(batch, 1, self.POINTS)
        curve = F.interpolate(points, size=BINS, mode="linear", align_corners=True)
        # The level stays.
        self._colour = self.COLOUR * picked * (curve - curve.mean(dim=2, keepdim=True))

    def __call__(self, spectra: Tensor) -> Tensor:
        below = self._places.floor()
        share = (self._places - below)[:, None]
        index = below.long()[:, None].expand(-1, spectra.shape[1], -1)
        low, high = spectra.gather(2, index), spectra.gather(2, index + 1)
        return low + share * (high - low) + self._colour


class VoiceStep(nn.Module):
    """The exported voice network: audio (1, 25600) to levels (1, voice)."""

    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self.net = voice

    def forward(self, audio: Tensor):
        return (rounded_levels(self.net(audio)),)


class VoiceDecoderStep(DecoderStep):
    """The exported decoder: (latents, reliability, voice, states...) to (audio, states...)."""

    def forward(self, latents: Tensor, reliability: Tensor, voice: Tensor, *states: Tensor):
        kept = States(list(states))
        audio = self.net(latents, reliability, kept, voice)
        return audio, *kept.outputs


class VoiceCodec(Codec):
    """Encoder, decoder and voice network together, as they are trained."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        self.voice = Voice(sizes)

    def steps(self) -> dict[str, Step]:
        steps = super().steps()
        inputs = steps["decoder"].inputs | {"voice": self.known(FRAMES)[0]}
        speech = {"audio": torch.zeros(1, SAMPLES)}
        return steps | {
            "decoder": Step(VoiceDecoderStep(self.decoder), inputs, "audio"),
            "voice": Step(VoiceStep(self.voice), speech, "levels"),
        }

    def known(self, frames: int) -> tuple[Tensor, ...]:
        return (torch.zeros(1, frames, self.sizes.voice + 1),)

    def heard(self, audio: Tensor) -> Tensor:
        """The voice (batch, voice) after its quantiser; gradients pass straight through it."""
        values = self.voice(audio)
        rounded = rounded_levels(values) * (2 / (VOICE_LEVELS - 1)) - 1
        return values + (rounded - values).detach()

    def adapted(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights of a codec with more latents, and without a voice: of its latents those are
        kept that its decoder heeds most, and the voice does nothing yet."""
        embed = weights["decoder.embed.weight"]
        own, count = self.decoder.embed.weight, self.sizes.latents
        if embed.shape == own.shape:
            return weights
        most = embed.shape[1] // 2
        heeded = embed[:, :most].square().sum(dim=0).argsort(descending=True)
        kept, lost = heeded[:count].sort().values, heeded[count:]
        voice = torch.zeros(len(embed), own.shape[1] - 2 * count)
        return weights | {
            "decoder.embed.weight": torch.cat(
                [embed[:, kept], embed[:, kept + most], voice], dim=1
            ),
            # All was reliable that went through there.
            "decoder.embed.bias": weights["decoder.embed.bias"] + embed[:, lost + most].sum(dim=1),
            "encoder.head.weight": weights["encoder.head.weight"][kept],
            "encoder.head.bias": weights["encoder.head.bias"][kept],
        }

    def speak(
        self, audio: Tensor, stage: dict, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `Codec.speak`, of what follows the first `SAMPLES` of the clips, which give the
        voice; in some clips it is not known, or arrives while they are spoken. A share of the
        stage's, ``disguise``, is coded in disguise."""
        values = self.heard(audio[:, :SAMPLES])
        batch = len(audio)
        kind, begin = torch.rand((2, batch, 1, 1), generator=generator).to(values)
        frames = (audio.shape[1] - SAMPLES) // FRAME_SAMPLES
        begin = begin * (frames + ARRIVAL_FRAMES) - ARRIVAL_FRAMES
        time = torch.arange(frames, device=audio.device)[None, :, None]
        arriving = torch.clamp((time - begin) / ARRIVAL_FRAMES, 0, 1)
        known = kind >= UNKNOWN_SHARE + ARRIVING_SHARE
        weight = torch.where(known, 1.0, arriving)
        weight = torch.where(kind < UNKNOWN_SHARE, 0.0, weight)
        voice = torch.cat([values[:, None] * weight, weight], dim=2)
        # Never where the voice is not known: there the latents must tell it.
        picked = (known & (kind >= 1 - stage.get("disguise", 0))).to(values)
        disguise = Disguise(picked, generator)
        latents, reliability = self.sent(audio[:, SAMPLES:], stage, generator, disguise)
        return self.decoder.speak(latents, reliability, States(None), voice)

    def unlike(self, output: Tensor, target: Tensor) -> Tensor:
        """How far the voice of ``output`` is from that of ``target`` (batch, samples), as the voice
        network tells it, which does not learn from this: its values' mean distance."""
        kept = {name: values.detach() for name, values in self.voice.named_parameters()}
        whole = output.shape[1] // (2 * HOP) * 2 * HOP
        said, wanted = (
            torch.func.functional_call(self.voice, kept, (x[:, :whole],)) for x in (output, target)
        )
        return (said - wanted).abs().mean()

    def decode(self, payload: bytes, voice: bytes | None = None) -> np.ndarray:
        """The audio, float32 (2560 n,), of n payloads; without a voice, in a neutral one."""
        mean, reliability = from_llrs(llrs_of(payload, self.payload_bits))
        (known,) = self.known(FRAMES * len(mean))
        if voice is not None:
            known[..., :-1], known[..., -1] = torch.from_numpy(voice_values(voice)), 1
        shape = (-1, self.sizes.latents)
        return spoken(self.decoder, mean.reshape(shape), reliability.reshape(shape), known)

    @torch.inference_mode()
    def code(self, audio: np.ndarray) -> np.ndarray:
        """Encode and decode a whole recording in its own voice, delay removed."""
        speech, voice = torch.from_numpy(voices_in(audio)), None
        if len(speech):
            values = self.voice(speech.to(next(self.parameters()).device)).mean(dim=0)
            voice = pack_voice(rounded_levels(values).cpu().numpy())
        payload = self.encode(whole_superframes(audio))
        return self.decode(payload, voice)[DELAY:][: len(audio)]
