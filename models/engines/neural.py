"""A network that encodes speech to latents, and one that decodes them: `neural-800`."""

from __future__ import annotations

import numpy as np

from voicelink.models.card import Card
from voicelink.models.latents import from_llrs, pack
from voicelink.models.onnx_graph import Graph, open_session
from voicelink.models.sizes import SUPERFRAME_SECONDS


def absent(card: Card) -> None:
    """Nothing beside the package is needed."""
    return None


def graphs(card: Card) -> dict[str, float]:
    """Both networks."""
    return {"encoder.onnx": SUPERFRAME_SECONDS, "decoder.onnx": SUPERFRAME_SECONDS}


class Encoder:
    """Audio to payloads; see `voicelink.models.engines`."""

    lag = 0

    def __init__(self, card: Card, threads: int) -> None:
        self._graph = Graph(open_session(card, "encoder.onnx", threads), "audio")
        self.reset = self._graph.reset

    def step(self, audio: np.ndarray) -> bytes:
        return pack(self._graph.step(audio[None]))


class Decoder:
    """LLRs to audio; see `voicelink.models.engines`."""

    def __init__(self, card: Card, threads: int) -> None:
        session = open_session(card, "decoder.onnx", threads)
        self._graph = Graph(session, "latents", "reliability")
        self.reset = self._graph.reset

    def step(self, llrs: np.ndarray) -> np.ndarray:
        return self._graph.step(*from_llrs(llrs[None]))[0]
