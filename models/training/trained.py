"""What a training trains: a codec, or a generator of speech from another codec's features."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from voicelink.models.latents import llrs_of
from voicelink.models.sizes import SUPERFRAME_SAMPLES
from voicelink.models.training.damage import damage
from voicelink.models.training.features import bits_of
from voicelink.models.training.networks import (
    DELAY,
    Decoder,
    Encoder,
    Sizes,
    States,
    quantise,
)


class Codec(nn.Module):
    """Encoder and decoder together, as they are trained."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder = Encoder(sizes)
        self.decoder = Decoder(sizes)

    def adapted(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Another codec's weights, as far as this one can start from them."""
        return weights

    def speak(
        self, audio: Tensor, stage: dict, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The decoded audio of clips (batch, samples), through quantiser and damage; and what
        `Decoder.speak` says of its pitch.

        Args:
            stage: of the training: ``damage``, the share of clips that the link damages, and
                ``dither``, the share of clips quantised by additive uniform noise; the others are
                rounded and pass gradients straight through.
        """
        return self.decoder.speak(*self.sent(audio, stage, generator), States(None))

    def sent(self, audio: Tensor, stage: dict, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """What arrives of clips: latents and reliabilities; the arguments are `speak`'s."""
        dither = stage.get("dither", 0.3)
        z = self.encoder(audio, States(None))
        level = quantise(z)
        value = (2 * level - 3) / 3
        mean, reliability = damage(level.detach(), stage["damage"], generator)
        # Straight through, as far as the latent arrived at all.
        smooth = z / 1.5
        rounded = mean + reliability * (smooth - smooth.detach())
        noise = torch.rand(z.shape, generator=generator).to(z) - 0.5
        noisy = torch.clamp(z + noise, -2, 2) / 1.5
        pick = torch.rand((len(audio), 1, 1), generator=generator).to(z) < dither
        pick = pick & (mean == value).flatten(1).all(1)[:, None, None]
        return torch.where(pick, noisy, rounded), reliability

    @torch.inference_mode()
    def code(self, audio: np.ndarray) -> np.ndarray:
        """Encode and decode a whole recording (float32, 8 kHz), delay removed."""
        device = next(self.parameters()).device
        x = torch.from_numpy(whole_superframes(audio))[None].to(device)
        level = quantise(self.encoder(x, States(None)))
        value = (2 * level - 3) / 3
        y = self.decoder(value, torch.ones_like(value), States(None))
        return y[0, DELAY : DELAY + len(audio)].float().cpu().numpy()


class Generator(nn.Module):
    """The decoder alone, behind the bits of another codec.

    Args:
        features: which codec's, see `voicelink.models.training.features`.
    """

    def __init__(self, sizes: Sizes, features: str) -> None:
        super().__init__()
        self.sizes = sizes
        self.bits = bits_of(features)
        self.decoder = Decoder(sizes)

    adapted = Codec.adapted

    def speak(
        self, values: Tensor, reliability: Tensor, stage: dict, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The audio of features, and what `Decoder.speak` says of its pitch; they were damaged
        where they were drawn."""
        return self.decoder.speak(values, reliability, States(None))

    @torch.inference_mode()
    def code(self, audio: np.ndarray) -> np.ndarray:
        """Encode and decode a whole recording (float32, 8 kHz), delay removed."""
        device = next(self.parameters()).device
        payload = self.bits.encode(whole_superframes(audio))
        values, reliability = (
            torch.from_numpy(x)[None].to(device)
            for x in self.bits.features(llrs_of(payload, self.bits.payload_bits))
        )
        y = self.decoder(values, reliability, States(None))
        return y[0, DELAY : DELAY + len(audio)].float().cpu().numpy()


def networks_of(sizes: dict, features: str | None) -> Codec | Generator:
    """The networks of a configuration: a `Generator` where it names ``features``."""
    if features is None and sizes.get("voice"):
        from voicelink.models.training.voice import VoiceCodec

        return VoiceCodec(Sizes(**sizes))
    if features is None:
        return Codec(Sizes(**sizes))
    return Generator(Sizes(**{**sizes, "latents": bits_of(features).count}), features)


def whole_superframes(audio: np.ndarray) -> np.ndarray:
    """A recording filled up to whole superframes, and so far that the decoder says all of it."""
    whole = -(-(len(audio) + DELAY) // SUPERFRAME_SAMPLES) * SUPERFRAME_SAMPLES
    return np.pad(audio, (0, whole - len(audio)))
