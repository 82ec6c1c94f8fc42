"""What a training trains: a codec, or a generator of speech from another codec's features."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from voicelink.models.latents import from_llrs, llrs_of, pack
from voicelink.models.sizes import BITS_PER_LATENT, FRAMES, SUPERFRAME_SAMPLES
from voicelink.models.training.damage import damage
from voicelink.models.training.features import bits_of
from voicelink.models.training.networks import (
    BINS,
    DELAY,
    Decoder,
    DecoderStep,
    Encoder,
    EncoderStep,
    Sizes,
    States,
    quantise,
)


class Step(NamedTuple):
    """A network as it is exported: stepped by one superframe.

    Attributes:
        module: its ``net`` is the network; takes ``inputs`` and the states that
            ``net.state_shapes()`` gives, and gives the output and the new states.
        inputs: of the shapes that it takes, by name.
        output: its name.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    output: str


class Codec(nn.Module):
    """Encoder and decoder together, as they are trained."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder = Encoder(sizes)
        self.decoder = Decoder(sizes)

    @property
    def payload_bits(self) -> int:
        return FRAMES * self.sizes.latents * BITS_PER_LATENT

    def steps(self) -> dict[str, Step]:
        """What is exported, by the names of the networks."""
        audio = torch.zeros(1, SUPERFRAME_SAMPLES)
        return {
            "encoder": Step(EncoderStep(self.encoder), {"audio": audio}, "levels"),
            "decoder": _decoder_step(self.decoder, self.sizes.latents),
        }

    def known(self, frames: int) -> tuple[Tensor, ...]:
        """What the decoder is given beside latents and reliabilities where nothing is known."""
        return ()

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

    def sent(
        self,
        audio: Tensor,
        stage: dict,
        generator: torch.Generator,
        change: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What arrives of clips: latents and reliabilities; the arguments are `speak`'s, and
        ``change`` is `Encoder`'s."""
        dither = stage.get("dither", 0.3)
        z = self.encoder(audio, States(None), change)
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

    def encode(self, audio: np.ndarray) -> bytes:
        """The payloads of whole superframes, float32 (2560 n,)."""
        x = torch.from_numpy(audio)[None].to(next(self.parameters()).device)
        return pack(quantise(self.encoder(x, States(None))).cpu().numpy())

    def decode(self, payload: bytes) -> np.ndarray:
        """The audio, float32 (2560 n,), of n payloads."""
        values = from_llrs(llrs_of(payload, self.payload_bits))
        mean, reliability = (x.reshape(-1, self.sizes.latents) for x in values)
        return spoken(self.decoder, mean, reliability, *self.known(len(mean)))

    @torch.inference_mode()
    def code(self, audio: np.ndarray) -> np.ndarray:
        """Encode and decode a whole recording (float32, 8 kHz), delay removed."""
        return self.decode(self.encode(whole_superframes(audio)))[DELAY:][: len(audio)]


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
        if sizes.tone:
            tone = torch.from_numpy(self.bits.tone).float()
            self.decoder.tone.load_state_dict({"weight": tone[:, :-1], "bias": tone[:, -1]})
            for values in self.decoder.voice.parameters():
                nn.init.zeros_(values)
        if sizes.filters:
            form = torch.from_numpy(self.bits.filters).float().flatten(0, 1)
            self.decoder.filters.load_state_dict({"weight": form[:, :-1], "bias": form[:, -1]})
            for values in self.decoder.head.parameters():
                _without_magnitudes(values)

    def adapted(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Another decoder's weights: pitch, voicing and filters begin with what the features
        say."""
        if "decoder.tone.weight" in weights:
            return weights
        weights = {k: v for k, v in weights.items() if not k.startswith("decoder.voice.")}
        if self.sizes.filters:
            for name in ("decoder.head.weight", "decoder.head.bias"):
                weights[name] = _without_magnitudes(weights[name].clone())
        return weights

    def speak(
        self, values: Tensor, reliability: Tensor, stage: dict, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The audio of features, and what `Decoder.speak` says of its pitch; they were damaged
        where they were drawn."""
        return self.decoder.speak(values, reliability, States(None))

    @property
    def payload_bits(self) -> int:
        return self.bits.payload_bits

    def steps(self) -> dict[str, Step]:
        """What is exported, by the names of the networks."""
        return {"decoder": _decoder_step(self.decoder, self.sizes.latents)}

    def encode(self, audio: np.ndarray) -> bytes:
        """The payloads of whole superframes, float32 (2560 n,)."""
        return self.bits.encode(audio)

    def decode(self, payload: bytes) -> np.ndarray:
        """The audio, float32 (2560 n,), of n payloads."""
        return spoken(self.decoder, *self.bits.features(llrs_of(payload, self.payload_bits)))

    code = Codec.code


def networks_of(sizes: dict, features: str | None) -> Codec | Generator:
    """The networks of a configuration: a `Generator` where it names ``features``."""
    if features is None and sizes.get("voice"):
        from voicelink.models.training.voice import VoiceCodec

        return VoiceCodec(Sizes(**sizes))
    if features is None:
        return Codec(Sizes(**sizes))
    bits = bits_of(features)
    told = {"latents": bits.count, "tone": True, "filters": bits.filters is not None}
    return Generator(Sizes(**{**sizes, **told}), features)


@torch.no_grad()
def _without_magnitudes(head: Tensor) -> Tensor:
    """The rows of `Decoder.head` for the magnitudes of noise and pulses become 0."""
    head[:BINS] = head[2 * BINS : 3 * BINS] = 0
    return head


def _decoder_step(decoder: Decoder, latents: int) -> Step:
    values = torch.zeros(1, FRAMES, latents)
    return Step(DecoderStep(decoder), {"latents": values, "reliability": values}, "audio")


def spoken(
    decoder: Decoder, values: np.ndarray, reliability: np.ndarray, *known: Tensor
) -> np.ndarray:
    """What a decoder makes of values and reliabilities, (frames, latents) each."""
    device = next(decoder.parameters()).device
    inputs = (torch.from_numpy(x)[None].to(device) for x in (values, reliability))
    return decoder(*inputs, States(None), *(x.to(device) for x in known))[0].float().cpu().numpy()


def whole_superframes(audio: np.ndarray) -> np.ndarray:
    """A recording filled up to whole superframes, and so far that the decoder says all of it."""
    whole = -(-(len(audio) + DELAY) // SUPERFRAME_SAMPLES) * SUPERFRAME_SAMPLES
    return np.pad(audio, (0, whole - len(audio)))
