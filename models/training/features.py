"""The bits of other codecs, as features for a generator.

A codec is a module with ``FEATURES`` (values of a frame of 40 ms), ``PAYLOAD_BITS`` (of a
superframe of 8 frames), ``Encoder`` (whose ``encode`` takes float32 (2560 n,) and gives n payloads)
``features`` (LLRs (n, PAYLOAD_BITS) to values and reliabilities, float32 (8 n, FEATURES) each), and
``TONE``, (2, FEATURES + 1): pitch, in octaves over 55 Hz, and voicing, a logit, as linear forms of
a frame's values and 1. Where it tells the spectrum, ``filters`` gives the same for the natural
logarithms of the magnitudes that `networks.Decoder` gives noise and pulses, (4, 2 bins,
FEATURES + 1), at its four hops in a frame. What else a model of it needs, ``files`` gives: contents
by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import numpy as np
import torch

from voicelink.models.errors import one_of
from voicelink.models.latents import llrs_of
from voicelink.models.training.damage import received

CODECS = ("codec2", "parametric")
"""Modules of `voicelink.models`."""


@dataclass(frozen=True)
class Bits:
    """A codec, one of `CODECS`, whose bits are heard by a generator."""

    codec: str

    @property
    def module(self) -> ModuleType:
        return import_module(f"voicelink.models.{self.codec}")

    @property
    def count(self) -> int:
        """Values of a frame."""
        return self.module.FEATURES

    @property
    def tone(self) -> np.ndarray:
        return np.asarray(self.module.TONE)

    @property
    def filters(self) -> np.ndarray | None:
        return getattr(self.module, "filters", lambda: None)()

    @property
    def files(self) -> dict[str, bytes]:
        """What a model needs beside its network, by the names of the files."""
        return getattr(self.module, "files", dict)()

    @property
    def payload_bits(self) -> int:
        return self.module.PAYLOAD_BITS

    def encode(self, audio: np.ndarray) -> bytes:
        """The payloads of a clip, float32 (2560 n,), from a fresh encoder."""
        return self.module.Encoder().encode(audio)

    def features(self, llrs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values and reliabilities, float32 (8 n, `count`) each, of LLRs (n, payload bits)."""
        return self.module.features(llrs)

    def received(
        self, clips: np.ndarray, share: float, generator: torch.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values and reliabilities, float32 (clips, frames, `count`) each, of clips (clips,
        samples) behind a link that damages a share of them."""
        llrs = np.stack([llrs_of(self.encode(clip), self.payload_bits) for clip in clips])
        bits = torch.from_numpy((llrs < 0).astype(np.float32))
        llrs = received(bits, share, generator).numpy()
        values, reliability = self.features(llrs.reshape(-1, self.payload_bits))
        shape = (len(clips), -1, self.count)
        return values.reshape(shape), reliability.reshape(shape)


def bits_of(codec: str) -> Bits:
    return Bits(one_of("features", codec, CODECS))
