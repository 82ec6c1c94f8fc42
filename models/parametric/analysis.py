"""From audio to parameters: level and spectral envelope, pitch and voicing, every 20 ms.

A superframe has 16 points. Point j of it stands for the audio around sample 160 j - 40, so that no
window reaches beyond the superframe and what comes before it is all that must be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.models.parametric import pitch
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES

POINTS = 16
HOP = SUPERFRAME_SAMPLES // POINTS
MIDDLE = -40
"""Sample of a superframe at which its point 0 lies."""
DELAY = 240
"""Samples by which speech made of the parameters lags the audio, beside the superframe itself: as
much as the windows of a synthesis of 40 ms need."""
BANDS = 20

_BEFORE = 8
"""Points before the superframe that the pitch's path begins with."""
PAST = pitch.WINDOW // 2 - MIDDLE + _BEFORE * HOP
"""Samples before a superframe that its analysis sees."""
_WINDOW = 256
_SIZE = 512
_FLOOR = 1e-9
"""Power, relative to full-scale white noise: what silence counts as (-90 dB)."""
_NARROWEST = 150.0
"""Hz over which the power is averaged, at least."""


def mel(frequency):
    """2595 log10(1 + f / 700), of Hz."""
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


EDGES = 700 * (10 ** (np.linspace(mel(60), mel(3900), BANDS + 1) / 2595) - 1)
CENTRES = 700 * (10 ** ((mel(EDGES[:-1]) + mel(EDGES[1:])) / 2 / 2595) - 1)
"""Hz of the bands' middles, evenly spaced in mel."""


@dataclass(frozen=True)
class Parameters:
    """Of n superframes, float32.

    Attributes:
        envelope: (n, 16, 20): power density in each band in dB; 0 is that of white noise whose
            standard deviation is 1.
        pitch: (n, 16): Hz, carried on through unvoiced stretches; 0 where a superframe has none.
        voicing: (n, 16): 0 unvoiced .. 1 a perfect period.
    """

    envelope: np.ndarray
    pitch: np.ndarray
    voicing: np.ndarray


def analyse(audio: np.ndarray, past: np.ndarray | None = None) -> Parameters:
    """Parameters of whole superframes.

    Args:
        audio: float (2560 n,), within +-1.
        past: float (PAST,), what came before; None for silence.
    """
    if past is None:
        past = np.zeros(PAST)
    x = np.concatenate([past, audio]).astype(np.float32)
    count = len(audio) // SUPERFRAME_SAMPLES
    points = _BEFORE + POINTS * count
    heard = np.lib.stride_tricks.sliding_window_view(x, pitch.WINDOW)[::HOP][:points]
    power = _power(heard, pitch.window(), pitch.SIZE)
    stretches = np.arange(count)[:, None] * POINTS + np.arange(_BEFORE + POINTS)
    power = power[stretches]
    f0, voicing = pitch.track(power, 2 * power.sum(2).max(1))
    f0, voicing = f0[:, _BEFORE:], voicing[:, _BEFORE:]
    cut = (pitch.WINDOW - _WINDOW) // 2
    short = heard[_BEFORE:, cut : cut + _WINDOW]
    power = _power(short, np.hanning(_WINDOW + 2)[1:-1], _SIZE).reshape(count, POINTS, -1)
    return Parameters(_envelope(power, f0), f0, voicing)


def _power(frames: np.ndarray, window: np.ndarray, size: int) -> np.ndarray:
    """Power spectra in which white noise has its variance in every bin."""
    window = (window / np.sqrt(np.sum(window**2))).astype(np.float32)
    spectrum = np.fft.rfft(frames * window, size)
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float32)


def _envelope(power: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Mean power around each band's middle, in dB.

    The mean is over the width of the band, but at least over one spacing of harmonics: then it is
    the same wherever the harmonics lie. No middle is below the first harmonic, as there is
    nothing there.
    """
    step = SAMPLE_RATE / _SIZE
    below = np.zeros((*power.shape[:2], power.shape[2] + 1))
    np.cumsum(power, axis=2, out=below[..., 1:])
    middles = np.maximum(CENTRES, f0[..., None])
    widths = np.maximum(np.diff(EDGES), np.maximum(f0, _NARROWEST)[..., None])
    ends = [_up_to(below, (middles + sign * widths / 2) / step) for sign in (-1, 1)]
    mean = (ends[1] - ends[0]) / (widths / step)
    return (10 * np.log10(np.maximum(mean, 0) + _FLOOR)).astype(np.float32)


def _up_to(below: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """The power from frequency 0 to ``bins``, a real number within the spectrum; of a negative
    one that of its mirror image, negative. ``below`` is the sum of whole bins."""
    at = np.minimum(np.abs(bins) + 0.5, below.shape[2] - 1.001)
    whole = at.astype(int)
    low, high = (np.take_along_axis(below, whole + i, 2) for i in (0, 1))
    value = low + (high - low) * (at - whole)
    middle = 0.5 * below[..., 1:2]
    return np.where(bins < 0, -(value - middle), value - middle)
