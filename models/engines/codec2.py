"""Codec 2's 700C bitstream with a neural voice: `codec2-700c-neural`.

The encoder is the library's, so that what it sends is what stations send today.
"""

from __future__ import annotations

import numpy as np

from voicelink.models import codec2
from voicelink.models.card import Card
from voicelink.models.onnx_graph import Graph, open_session
from voicelink.models.sizes import SUPERFRAME_SECONDS


def absent(card: Card) -> str | None:
    """What to install, in words, where libcodec2 is not here; None where it is."""
    return codec2.absent()


def graphs(card: Card) -> dict[str, float]:
    """The network that speaks."""
    return {"decoder.onnx": SUPERFRAME_SECONDS}


class Encoder:
    """Audio to payloads; see `voicelink.models.engines`."""

    lag = 0

    def __init__(self, card: Card, threads: int) -> None:
        self._encoder = codec2.Encoder()
        self.reset, self.step = self._encoder.reset, self._encoder.encode


class Decoder:
    """LLRs to audio; see `voicelink.models.engines`."""

    def __init__(self, card: Card, threads: int) -> None:
        codec2.check()
        session = open_session(card, "decoder.onnx", threads)
        self._graph = Graph(session, "latents", "reliability")
        self.reset = self._graph.reset

    def step(self, llrs: np.ndarray) -> np.ndarray:
        values, reliability = codec2.features(llrs[None])
        return self._graph.step(values[None], reliability[None])[0]
