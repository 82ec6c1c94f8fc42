"""Recordings of spoken digits, and random training clips of them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SAMPLE_RATE
from voicelink.models.training.corpus import read_folder

HELD_OUT = "theo"
"""The speaker of whom no training hears anything."""


class Digit(NamedTuple):
    """A recording: what is said, by whom, and float32 (n,) at 8 kHz."""

    digit: int
    speaker: str
    audio: np.ndarray


def read_digits(folder: str | Path) -> list[Digit]:
    """The Free Spoken Digit Dataset: files ``DIGIT_SPEAKER_NUMBER`` anywhere below a folder.

    Raises:
        ParameterError: there are none.
    """
    found = []
    for name, audio in read_folder(Path(folder)):
        digit, speaker, *_ = [*name.split("_"), ""]
        if len(digit) == 1 and digit.isdigit() and speaker:
            found.append(Digit(int(digit), speaker, audio))
    if not found:
        raise ParameterError(f"{folder} must hold recordings named DIGIT_SPEAKER_NUMBER.flac")
    return found


def training(digits: list[Digit]) -> list[Digit]:
    return [d for d in digits if d.speaker != HELD_OUT]


def held_out(digits: list[Digit]) -> list[Digit]:
    return [d for d in digits if d.speaker == HELD_OUT]


def changed(audio: np.ndarray, rng: np.random.Generator, widest: float = 0.25) -> np.ndarray:
    """A recording as another mouth and another microphone might have made it.

    Pitch and formants together by up to ``widest``, a smooth frequency response, some noise.
    """
    import soxr

    speed = float(np.exp(rng.uniform(-widest, widest)))
    audio = soxr.resample(audio, SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ")
    if rng.random() < 0.7:
        spectrum = np.fft.rfft(audio)
        curve = np.interp(
            np.linspace(0, 1, len(spectrum)) ** 0.5, np.linspace(0, 1, 7), rng.uniform(-7, 7, 7)
        )
        audio = np.fft.irfft(spectrum * 10 ** (curve / 20), len(audio))
    if rng.random() < 0.3:
        rms = np.sqrt(np.mean(audio**2))
        audio = audio + rng.standard_normal(len(audio)) * rms * 10 ** rng.uniform(-2.2, -1.2)
    return audio


def clip(digits: list[Digit], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Float32 (samples,) within +-1: a digit from its beginning, as it is coded alone, or a
    stretch of several of one speaker with pauses; at some level, in silence or in noise."""
    first = digits[rng.integers(len(digits))]
    if rng.random() < 0.7:
        pieces = [first]
        at = int(rng.integers(-360, SAMPLE_RATE // 4)) if rng.random() < 0.5 else 0
    else:
        same = [d for d in digits if d.speaker == first.speaker]
        pieces = [first, *(same[i] for i in rng.integers(len(same), size=4))]
        at = int(rng.integers(-SAMPLE_RATE // 2, SAMPLE_RATE // 4))
    out = np.zeros(samples)
    for each in pieces:
        if at >= samples:
            break
        whole = changed(each.audio, rng)
        piece = whole[max(0, -at) :][: samples - max(0, at)]
        out[max(0, at) : max(0, at) + len(piece)] = piece
        at += len(whole) + int(rng.integers(0, SAMPLE_RATE // 2))
    rms = np.sqrt(np.mean(out**2)) + 1e-4
    out = out * (10 ** (rng.uniform(-38, -16) / 20) / rms)
    if rng.random() < 0.3:
        out = out + rng.standard_normal(samples) * 10 ** (rng.uniform(-80, -55) / 20)
    return np.clip(out, -1, 1).astype(np.float32)
