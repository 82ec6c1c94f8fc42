"""A variational autoencoder of spectrograms, a block of three superframes at a time: `vae-digits`.

The card's variant "griffin-lim" finds the phase by iteration, the model itself by a network.
"""

from __future__ import annotations

import numpy as np

from voicelink.models.card import Card
from voicelink.models.digits.griffin_lim import GriffinLim
from voicelink.models.digits.layout import Layout
from voicelink.models.digits.sizes import (
    BINS,
    BLOCK,
    COLUMNS,
    INDEX_BITS,
    LATENTS,
    OVERLAP,
    PARTS,
)
from voicelink.models.digits.spectrogram import (
    LOWEST,
    RANGE,
    columns,
    decibels,
    magnitudes,
    normalise,
)
from voicelink.models.engines import neural
from voicelink.models.latents import ones
from voicelink.models.onnx_graph import Graph, open_session
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SAMPLES, SUPERFRAME_SECONDS

absent = neural.absent

TABLE = "latents.npz"
"""The model's file that says which bits a latent has, and what they stand for."""

FADE = 2.5
"""dB for each column by which the last sound falls where a whole block was lost."""

BEFORE = (-100.0, -45.0)
"""The extrema that are taken for the last block's before there was one, dB."""
DRIFT = 10.0
"""dB by which extrema are thought to differ from the last block's."""

MEMORY = 0.8
"""Of what is known of the place within the block, what counts a superframe later."""

GRIFFIN_LIM = "griffin-lim"
"""The variant that finds the phase by iteration."""

_INDEX = np.array([[part >> 1, part & 1] for part in range(PARTS)])


def graphs(card: Card) -> dict[str, float]:
    """The autoencoder and, but for the variant, the network that finds the phase; by blocks."""
    phase = () if card.variant == GRIFFIN_LIM else ("phase.onnx",)
    return dict.fromkeys(("encoder.onnx", _decoder(card), *phase), PARTS * SUPERFRAME_SECONDS)


def _decoder(card: Card) -> str:
    # The phase network's decoder has learnt what the network needs, the other one magnitudes.
    return "decoder-spectra.onnx" if card.variant == GRIFFIN_LIM else "decoder.onnx"


class Encoder:
    """Audio to payloads; see `voicelink.models.engines`. A block is known two superframes after
    its first."""

    lag = PARTS - 1

    def __init__(self, card: Card, threads: int) -> None:
        self._graph = Graph(open_session(card, "encoder.onnx", threads), "spectrogram")
        self._layout = Layout.read(card.file(TABLE))
        self.reset()

    def reset(self) -> None:
        self._audio = np.zeros(OVERLAP, np.float32)
        self._ready: list[bytes] = []

    def step(self, audio: np.ndarray) -> bytes:
        self._audio = np.concatenate([self._audio, audio])
        if len(self._audio) == OVERLAP + BLOCK:
            normal, bottom, top = normalise(columns(self._audio))
            latents = self._graph.step(normal[None, None].astype(np.float32))[0]
            self._ready = self._layout.pack(latents, bottom, top)
            self._audio = self._audio[BLOCK:]
        return self._ready.pop(0) if self._ready else b""


class Place:
    """Which of a block's payloads arrives: what their first bits say, weighed against the count."""

    def __init__(self) -> None:
        self.index = PARTS - 1
        self._odds = np.array([0.0, 0.0, 1.0])  # a recording begins with a block

    def step(self, llrs: np.ndarray) -> bool:
        """Take a payload's first bits (2,) in; whether the count goes on."""
        one = np.clip(ones(llrs).astype(np.float64), 1e-9, 1 - 1e-9)
        said = np.log(np.where(_INDEX, one, 1 - one)).sum(axis=1)
        self._odds = MEMORY * np.roll(self._odds, 1) + said
        before, self.index = self.index, int(np.argmax(self._odds))
        return self.index == (before + 1) % PARTS


class Decoder:
    """LLRs to audio; see `voicelink.models.engines`.

    A block sounds when its last payload is due. Latents that did not arrive are their means,
    extrema of which little is known lean on the last block's; a block of which nothing arrived is
    the last column, falling silent.
    """

    def __init__(self, card: Card, threads: int) -> None:
        self._iteration = GriffinLim() if card.variant == GRIFFIN_LIM else None
        self._graph = Graph(open_session(card, _decoder(card), threads), "latents")
        self._layout = Layout.read(card.file(TABLE))
        self._phase = None
        if self._iteration is None:
            self._phase = Graph(open_session(card, "phase.onnx", threads), "decibels")
        self.reset()

    def reset(self) -> None:
        (self._iteration or self._phase).reset()
        self._place = Place()
        self._parts = np.zeros((PARTS, PAYLOAD_BITS), np.float32)
        self._audio = np.zeros((0, SUPERFRAME_SAMPLES), np.float32)
        self._extrema = BEFORE
        self._last = np.full(BINS, LOWEST, np.float32)

    def step(self, llrs: np.ndarray) -> np.ndarray:
        if not self._place.step(llrs[:INDEX_BITS]):
            self._parts[:] = 0
        self._parts[self._place.index] = llrs
        if self._place.index == PARTS - 1:
            self._audio = self.sound(*self._spectrogram()).reshape(PARTS, SUPERFRAME_SAMPLES)
            self._parts[:] = 0
        if not len(self._audio):
            return np.zeros(SUPERFRAME_SAMPLES, np.float32)
        audio, self._audio = self._audio[0], self._audio[1:]
        return audio

    def _spectrogram(self) -> tuple[np.ndarray, float]:
        """Decibels (256, 64) of what arrived of a block, and their floor."""
        if not self._parts.any():
            fall = FADE * np.arange(1, COLUMNS + 1, dtype=np.float32)
            found, bottom = np.maximum(self._last[:, None] - fall, LOWEST), LOWEST
        else:
            bottom, top = self._received_extrema()
            found = self.decoded(self._layout.latents(self._parts), bottom, top)
        self._last = found[:, -1]
        return found, bottom

    def _received_extrema(self) -> tuple[float, float]:
        found = []
        received = self._layout.extrema(self._parts)
        for (value, deviation), before in zip(received, self._extrema, strict=True):
            trust = DRIFT**2 / (DRIFT**2 + deviation**2)
            found.append(trust * value + (1 - trust) * before)
        bottom, top = found
        self._extrema = min(max(bottom, top - RANGE), top), top
        return self._extrema

    def decoded(self, latents: np.ndarray, bottom: float, top: float) -> np.ndarray:
        """The spectrogram in dB, float32 (256, 64), of latents (128,) between two extrema."""
        normal = self._graph.step(latents.reshape(1, LATENTS))[0, 0]
        return decibels(normal, bottom, top)

    def sound(self, found: np.ndarray, bottom: float) -> np.ndarray:
        """The next 7680 samples, of a spectrogram in dB and its floor."""
        if self._iteration is not None:
            return self._iteration.step(magnitudes(found, bottom))
        return self._phase.step(np.ascontiguousarray(found.T[None]))[0]
