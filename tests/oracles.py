"""A model that stands in for one whose speaker's voice is sent apart: its sound says what it got.

Its decoder gives out a tone, of 1000 Hz in a neutral voice and of another pitch in each other one,
as loud as the payload says. So what is heard tells which payloads came, and in which voice.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from voicelink.models import codec
from voicelink.models.card import Card
from voicelink.models.sizes import SUPERFRAME_SAMPLES

VOICE_BYTES = 24
NEUTRAL = 1000.0
HEARD = 4
"""Superframes of sound after which the encoder knows the voice."""


def tone(level: float, hertz: float = 500.0, superframes: int = 1) -> np.ndarray:
    """So much of a tone, float32."""
    at = np.arange(superframes * SUPERFRAME_SAMPLES) / 8000
    return (level * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


def pitch(voice: bytes | None) -> float:
    """Hz of the tone in a voice."""
    return NEUTRAL if voice is None else 1500.0 + 25 * (voice[0] % 64)


def hertz_of(audio: np.ndarray) -> float:
    """Of the strongest tone; 0 where there is silence."""
    if np.abs(audio).max(initial=0) < 1e-4:
        return 0.0
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    return float(spectrum.argmax() * 8000 / len(audio))


def model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bits: int = 128, lag: int = 0, delay: int = 0
) -> Path:
    """Make such a model in a folder.

    Args:
        folder: an empty one.
        monkeypatch: the test's.
        bits: of its payloads.
        lag: superframes by which payloads come late.
        delay: samples by which the sound does.
    """
    card = {
        "id": "tones", "number": 4, "delay_samples": delay, "files": {}, "engine": "profile",
        "payload": {"version": 1, "bits": bits}, "voice": {"bytes": VOICE_BYTES},
    }  # fmt: skip
    (folder / "card.yaml").write_text(yaml.safe_dump(card))
    engine = SimpleNamespace(
        Encoder=lambda card, threads: _Encoder(card, lag),
        Decoder=lambda card, threads: _Decoder(card),
    )
    present = codec.present
    monkeypatch.setattr(
        codec, "present", lambda card: engine if card.id == "tones" else present(card)
    )
    return folder


class _Encoder:
    def __init__(self, card: Card, lag: int) -> None:
        self._bytes, self.lag, self.voice = card.payload_bytes, lag, None
        self.reset()

    def reset(self) -> None:
        self._late: list[bytes] = []
        self._heard = 0

    def set_voice(self, voice: bytes) -> None:
        self.voice = voice

    def step(self, audio: np.ndarray) -> bytes:
        level = round(255 * float(np.abs(audio).max()))
        self._heard += level > 0
        if self.voice is None and self._heard >= HEARD:
            self.voice = bytes(range(7, 7 + VOICE_BYTES))
        self._late.append(bytes([level] * self._bytes))
        return self._late.pop(0) if len(self._late) > self.lag else b""


class _Decoder:
    def __init__(self, card: Card) -> None:
        self._voice: bytes | None = None
        self._late = np.zeros(card.delay, np.float32)
        self._delay = card.delay

    def reset(self) -> None:
        self._late = np.zeros(self._delay, np.float32)

    def set_voice(self, voice: bytes | None) -> None:
        self._voice = voice

    def step(self, llrs: np.ndarray) -> np.ndarray:
        # What is not known sounds at full level: nobody must hear much of it.
        level = np.packbits(llrs[:8] < 0)[0] / 255 if np.abs(llrs).max() > 0.5 else 1.0
        audio = np.concatenate([self._late, tone(level, pitch(self._voice))])
        self._late = audio[SUPERFRAME_SAMPLES:]
        return audio[:SUPERFRAME_SAMPLES]
