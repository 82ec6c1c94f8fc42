"""A voice sent once, and networks that code what it says in half of the bits: `voice-profile`."""

from __future__ import annotations

import math

import numpy as np

from voicelink.models.card import Card
from voicelink.models.engines import neural
from voicelink.models.latents import from_llrs
from voicelink.models.onnx_graph import Graph, open_session
from voicelink.models.sizes import FRAMES
from voicelink.models.voice import ARRIVAL_FRAMES, Collected, VoiceNetwork, pack_voice, voice_values

absent = neural.absent


def graphs(card: Card) -> dict[str, float]:
    """The networks that code what is said, and the one that tells a voice, once for a speaker."""
    return neural.graphs(card) | {"voice.onnx": math.inf}


class Encoder:
    """Audio to payloads; see `voicelink.models.engines`.

    Attributes:
        voice: the speaker's: the one that was set, or else that of the first ten superframes that
            held speech; None until they were heard.
    """

    lag = neural.Encoder.lag

    def __init__(self, card: Card, threads: int) -> None:
        self._speech = neural.Encoder(card, threads)
        self._network = VoiceNetwork(card.folder, threads)
        self.voice: bytes | None = None
        self.reset()

    def reset(self) -> None:
        self._speech.reset()
        self._collected = Collected()

    def set_voice(self, voice: bytes) -> None:
        self.voice = voice

    def step(self, audio: np.ndarray) -> bytes:
        if self.voice is None:
            speech = self._collected.take(audio)
            if speech is not None:
                self.voice = pack_voice(self._network.levels(speech))
        return self._speech.step(audio)


class Decoder:
    """LLRs to audio; see `voicelink.models.engines`.

    A voice is set before the first superframe, or arrives in the course of two.
    """

    def __init__(self, card: Card, threads: int) -> None:
        session = open_session(card, "decoder.onnx", threads)
        self._graph = Graph(session, "latents", "reliability", "voice")
        self._neutral = np.zeros(2 * card.voice_bytes + 1, np.float32)
        self._voice = self._neutral
        self.reset()

    def reset(self) -> None:
        self._graph.reset()
        self._from, self._step, self._begun = self._voice, ARRIVAL_FRAMES, False

    def set_voice(self, voice: bytes | None) -> None:
        wanted = self._neutral
        if voice is not None:
            wanted = np.append(voice_values(voice), np.float32(1))
        if np.array_equal(wanted, self._voice):
            return
        now, self._voice = self._now(0), wanted
        self._from, self._step = (now, 0) if self._begun else (wanted, ARRIVAL_FRAMES)

    def _now(self, frames: int | np.ndarray) -> np.ndarray:
        """The voice so many frames on, (voice + 1,) or with the frames before it: its values,
        which are smaller the less of it is known, and how much that is."""
        share = np.clip((self._step + frames) / ARRIVAL_FRAMES, 0, 1)
        share = np.asarray(share, np.float32)[..., None]
        return self._from + share * (self._voice - self._from)

    def step(self, llrs: np.ndarray) -> np.ndarray:
        voice = self._now(np.arange(1, FRAMES + 1))[None]
        self._begun, self._step = True, min(self._step + FRAMES, ARRIVAL_FRAMES)
        return self._graph.step(*from_llrs(llrs[None]), voice)[0]
