"""A speaker's voice, where a model sends it apart: its bytes, and the speech that it is told from.

A voice is values of 16 levels, evenly spaced from -1 to 1, two to a byte, the first in its high
four bits. It is computed from ten superframes that hold speech, 3.2 s.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.models.card import card
from voicelink.models.errors import ParameterError
from voicelink.models.onnx_graph import Graph, open_session
from voicelink.models.sizes import FRAMES, SAMPLE_RATE, SUPERFRAME_SAMPLES

SUPERFRAMES = 10
"""Superframes of speech that a voice is computed from."""
SAMPLES = SUPERFRAMES * SUPERFRAME_SAMPLES
VOICE_LEVELS = 16
ARRIVAL_FRAMES = 2 * FRAMES
"""Frames of 40 ms in which a decoder goes from one voice to another."""

_FEWEST = 3
"""Superframes that a recording must have to tell a voice from; fewer than ten are repeated."""
_QUIETEST = 1e-3
"""RMS below which nothing counts as speech, -60 dBFS."""
_RANGE = 0.1
"""RMS relative to the loudest, -20 dB, below which a superframe is a pause."""
_PERIODIC = 0.5
_PIECE = 320
_LAGS = slice(SAMPLE_RATE // 400, SAMPLE_RATE // 65)


def pack_voice(levels: np.ndarray) -> bytes:
    """The bytes of a voice's levels, (n,) 0..15, n even."""
    high, low = np.asarray(levels, np.uint8).reshape(-1, 2).T
    return (high << 4 | low).tobytes()


def voice_levels(voice: bytes) -> np.ndarray:
    """The levels 0..15, uint8 (2 n,), of a voice's n bytes."""
    values = np.frombuffer(voice, np.uint8)
    return np.stack([values >> 4, values & 15], axis=1).reshape(-1)


def voice_values(voice: bytes) -> np.ndarray:
    """The values, float32 (2 n,) within +-1, of a voice's n bytes."""
    return (voice_levels(voice) * (2 / (VOICE_LEVELS - 1)) - 1).astype(np.float32)


def bears_speech(superframe: np.ndarray) -> bool:
    """Whether somebody seems to speak in a superframe, float (2560,).

    It is loud enough, and 40 ms of it repeat at a period of a voice's pitch: the autocorrelation,
    relative to the power, reaches 0.5 there.
    """
    if np.sqrt(np.mean(superframe**2)) < _QUIETEST:
        return False
    pieces = superframe.reshape(-1, _PIECE)
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(pieces, 2 * _PIECE, axis=1)) ** 2
    likeness = np.fft.irfft(power, axis=1)[:, :_PIECE]
    # What is left of a piece and its shifted copy becomes shorter with the lag.
    overlap = 1 - np.arange(_PIECE) / _PIECE
    loudest = likeness[np.argmax(likeness[:, 0])]
    return bool((loudest / overlap)[_LAGS].max() > _PERIODIC * loudest[0])


class Collected:
    """Superframes that hold speech, as they come, until there are enough for a voice."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def take(self, superframe: np.ndarray) -> np.ndarray | None:
        """Hear a superframe, float32 (2560,): the speech, (25600,), once there is enough."""
        if bears_speech(superframe):
            self._kept = loud([*self._kept, superframe])
        return np.concatenate(self._kept) if len(self._kept) == SUPERFRAMES else None


def loud(superframes: list[np.ndarray]) -> list[np.ndarray]:
    """Those of superframes that are not much quieter than the loudest of them."""
    levels = [np.sqrt(np.mean(each**2)) for each in superframes]
    least = _RANGE * max(levels, default=0)
    return [each for each, level in zip(superframes, levels, strict=True) if level >= least]


def voices_in(audio: np.ndarray) -> np.ndarray:
    """The speech of a recording, float (m,), cut for the voice network: float32 (n, 25600).

    n is 0 where there is less than a second of it. Where it does not fill the last, that begins
    earlier; where it does not fill one, it is repeated.
    """
    whole = audio[: len(audio) // SUPERFRAME_SAMPLES * SUPERFRAME_SAMPLES].astype(np.float32)
    kept = loud([x for x in whole.reshape(-1, SUPERFRAME_SAMPLES) if bears_speech(x)])
    if len(kept) < _FEWEST:
        return np.zeros((0, SAMPLES), np.float32)
    count = -(-len(kept) // SUPERFRAMES)
    begins = np.linspace(0, max(len(kept) - SUPERFRAMES, 0), count).round().astype(int)
    picks = (begins[:, None] + np.arange(SUPERFRAMES)) % len(kept)
    return np.stack(kept)[picks].reshape(count, SAMPLES)


class VoiceNetwork:
    """The network of a model that tells the voice from speech.

    Args:
        model: a released model's id or a model folder.

    Raises:
        ParameterError: the model does not send a voice apart.
    """

    def __init__(self, model: str | Path, threads: int = 1) -> None:
        found = card(model)
        if not found.voice_bytes:
            raise ParameterError(f"model must send the voice apart, and {found.id} does not")
        self._graph = Graph(open_session(found, "voice.onnx", threads), "audio")

    def levels(self, speech: np.ndarray) -> np.ndarray:
        """Levels 0..15, float32 (n,), of speech, float32 (25600,)."""
        return self._graph.step(speech[None])[0]


def voice_of(audio: np.ndarray, model: str | Path) -> bytes:
    """The voice of whoever speaks in a recording, `Card.voice_bytes` long.

    Args:
        audio: float (n,), 8 kHz mono, +-1; of more than 3.2 s of speech, the mean is taken.
        model: a model that sends the voice apart: its id, or its folder.

    Raises:
        ParameterError: there is less than a second of speech, or the model has no voice.
    """
    network = VoiceNetwork(model)
    speech = voices_in(np.asarray(audio))
    if not len(speech):
        raise ParameterError(
            f"audio must hold a second of speech at least to tell a voice from; of"
            f" {len(audio) / SAMPLE_RATE:.2f} s too little is speech"
        )
    return pack_voice(np.rint(np.mean([network.levels(each) for each in speech], axis=0)))
