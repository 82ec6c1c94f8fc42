"""The codec's two ends, numpy only: audio to payloads, and LLRs to a generator's features."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from voicelink.models.card import RELEASED
from voicelink.models.parametric.analysis import BANDS, CENTRES, PAST, POINTS, analyse, mel
from voicelink.models.parametric.pitch import HIGHEST, LOWEST
from voicelink.models.parametric.quantiser import (
    LEVEL_BITS,
    TILT,
    Known,
    Quantiser,
    level_of,
)
from voicelink.models.sizes import FRAMES, SAMPLE_RATE

CODEBOOKS = "codebooks.npz"
_PAIR = POINTS // FRAMES
FEATURES = _PAIR * (BANDS + 2) + 1
"""Values of a frame of 40 ms: shapes, pitches and voicings of its two points, and the level."""

_SHAPE_MIDDLE, _SHAPE_REACH = -16.0, 24.0  # dB
_LEVEL_MIDDLE = level_of(((1 << LEVEL_BITS) - 1) / 2)
_LEVEL_REACH = _LEVEL_MIDDLE - level_of(0)
_OCTAVES = float(np.log2(HIGHEST / LOWEST)) / 2

TONE = np.zeros((2, FEATURES + 1))
"""Pitch, in octaves over 55 Hz, and voicing, a logit, of a frame's values and 1."""
TONE[0, _PAIR * BANDS : _PAIR * (BANDS + 1)] = _OCTAVES / _PAIR
TONE[0, -1] = _OCTAVES + np.log2(LOWEST / 55)
TONE[1, _PAIR * (BANDS + 1) : _PAIR * (BANDS + 2)] = 3 / _PAIR
TONE[1, -1] = 0.9

_DECIBEL = np.log(10) / 20

_BINS = 161
"""Of the windows of 320 samples that `filters` speaks of."""


def filters() -> np.ndarray:
    """The natural logarithms of the magnitudes of noise and of pulses, as linear forms.

    They are those of the DFT of Hann windows of 320 samples, the noise's in each of 161 bins, then
    the peaks of the pulses' harmonics there, of a frame's values and 1; the soft floor is left out.

    Returns:
        (4, 322, FEATURES + 1), for windows 80 samples apart; the frame's points lie between the
        first and the second, and the third and the fourth.
    """
    places = mel(np.arange(_BINS) * (SAMPLE_RATE / 2 / (_BINS - 1)))
    bands = np.stack([np.interp(places, mel(CENTRES), one) for one in np.eye(BANDS)], axis=1)
    window = np.hanning(321)[:-1]
    out = np.zeros((4, 2, _BINS, FEATURES + 1))
    for hop, first in enumerate((1, 0.75, 0.25, 0)):
        for point, share in enumerate((first, 1 - first)):
            out[hop, ..., point * BANDS : (point + 1) * BANDS] = share * _SHAPE_REACH * bands
            pitch = _PAIR * BANDS + point
            out[hop, 1, :, pitch] = share * 0.5 * np.log(2) * _OCTAVES / _DECIBEL
    out[..., _PAIR * (BANDS + 2)] = _LEVEL_REACH
    out[..., -1] = _SHAPE_MIDDLE + _LEVEL_MIDDLE - bands @ TILT
    out *= _DECIBEL
    out[:, 0, :, -1] += 0.5 * np.log(np.sum(window**2))
    # Harmonics every f Hz have the power density of noise of variance 1 with the amplitude
    # sqrt(4 f / sample rate); of a cosine of amplitude 1 the peak is half the window's sum.
    lowest = 0.5 * np.log(4 * LOWEST / SAMPLE_RATE) + 0.5 * np.log(2) * _OCTAVES
    out[:, 1, :, -1] += np.log(np.sum(window) / 2) + lowest
    return out.reshape(4, 2 * _BINS, FEATURES + 1)


class Encoder:
    """Audio to payloads, superframe by superframe.

    Args:
        quantiser: None for the released one.
    """

    def __init__(self, quantiser: Quantiser | None = None) -> None:
        self._quantiser = quantiser or released()
        self.reset()

    def reset(self) -> None:
        self._past = np.zeros(PAST, np.float32)

    def encode(self, audio: np.ndarray) -> bytes:
        """Payloads of whole superframes: float32 (2560 n,) within +-1 to 32 n bytes."""
        heard = np.concatenate([self._past, audio])
        parameters = analyse(audio, self._past)
        self._past = heard[-PAST:]
        return self._quantiser.encode(parameters)


def features(llrs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the bits of payloads say, with the released codebooks, scaled for a generator.

    Args:
        llrs: float (n, 256), log(P(0) / P(1)) of each bit; 0 where nothing is known.

    Returns:
        (values, reliabilities), float32 (8 n, 45) each, of frames of 40 ms: `scaled`.
    """
    return scaled(released().decode(llrs))


def scaled(known: Known) -> tuple[np.ndarray, np.ndarray]:
    """Values about within +-1 and reliabilities within 0..1, float32 (8 n, 45) each.

    In this order: 20 bands of the first point and of the second (0 is 16 dB below the level, 1 is
    24 dB more), pitches (-1 is 60 Hz, 1 is 450 Hz, evenly in octaves), voicings (-1 no, 1 yes),
    level (-1 is -77.5 dB, 1 is 0 dB).
    """
    level = (known.level - _LEVEL_MIDDLE) / _LEVEL_REACH
    values = (
        (known.shape - _SHAPE_MIDDLE) / _SHAPE_REACH,
        known.pitch / _OCTAVES - 1,
        2 * known.voicing - 1,
    )
    reliabilities = (known.shape_reliability, known.pitch_reliability, known.voicing_reliability)
    return _frames(values, level), _frames(reliabilities, known.level_reliability)


def _frames(parts: tuple[np.ndarray, ...], level: np.ndarray) -> np.ndarray:
    frames = [part.reshape(len(level) * FRAMES, -1) for part in parts]
    return np.concatenate([*frames, np.repeat(level, FRAMES)[:, None]], axis=1, dtype=np.float32)


def files() -> dict[str, bytes]:
    """The codebooks that come with the package, by the name of their file in a model's folder."""
    return {CODEBOOKS: (RELEASED / "parametric-800" / CODEBOOKS).read_bytes()}


@lru_cache(maxsize=1)
def released() -> Quantiser:
    """The quantiser with these codebooks."""
    return Quantiser.read(files()[CODEBOOKS])
