"""A conventional parametric codec with a neural voice, or with a plain one: `parametric-800`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from voicelink.models.card import Card, card
from voicelink.models.onnx_graph import Graph, open_session
from voicelink.models.parametric import codec
from voicelink.models.parametric.quantiser import Quantiser
from voicelink.models.parametric.synthesis import Synthesis
from voicelink.models.sizes import SUPERFRAME_SECONDS

PLAIN = "plain"
"""The variant whose voice is a source and a filter."""


def absent(card: Card) -> None:
    """Nothing beside the package is needed."""
    return None


def graphs(card: Card) -> dict[str, float]:
    """The network that speaks; none with the plain voice."""
    return {} if card.variant == PLAIN else {"decoder.onnx": SUPERFRAME_SECONDS}


class Encoder:
    """Audio to payloads; see `voicelink.models.engines`."""

    lag = 0

    def __init__(self, card: Card, threads: int) -> None:
        self._encoder = codec.Encoder(_quantiser(str(card.folder)))
        self.reset, self.step = self._encoder.reset, self._encoder.encode


class Decoder:
    """LLRs to audio; see `voicelink.models.engines`."""

    def __init__(self, card: Card, threads: int) -> None:
        self._quantiser = _quantiser(str(card.folder))
        if card.variant == PLAIN:
            synthesis = Synthesis()
            self.reset, self._speak = synthesis.reset, synthesis.step
        else:
            graph = Graph(open_session(card, "decoder.onnx", threads), "latents", "reliability")
            self.reset = graph.reset
            self._speak = lambda known: graph.step(*(x[None] for x in codec.scaled(known)))[0]

    def step(self, llrs: np.ndarray) -> np.ndarray:
        return self._speak(self._quantiser.decode(llrs[None]))


@lru_cache(maxsize=8)
def _quantiser(folder: str) -> Quantiser:
    return Quantiser.read(card(Path(folder)).file(codec.CODEBOOKS))
