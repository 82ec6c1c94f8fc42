"""Pitch and voicing: normalised autocorrelation, and the best path through a superframe.

The measure is that of Boersma (Proc. Institute of Phonetic Sciences 17, 1993): the autocorrelation
of a windowed frame divided by that of the window. It is taken straight from the power spectrum at
lags that are evenly spaced in octaves, so that no interpolation is needed, and the path of least
cost (Viterbi) is looked for over all frames of a superframe and some before it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from voicelink.models.sizes import SAMPLE_RATE

LOWEST, HIGHEST = 60.0, 450.0
"""Hz."""
WINDOW = 400
"""Samples of a frame; Hann."""
SIZE = 1024
"""Of the transform: WINDOW and the longest lag, 133, do not wrap around."""

_PER_OCTAVE = 40
_VOICED_FROM = 0.53
"""The autocorrelation at which a loud frame is as likely voiced as not."""
_SILENCE = 0.1
"""Amplitude relative to the loudest frame, below which a frame is hardly voiced."""
_OCTAVE = 0.03
"""What an octave down costs: every multiple of a period is a period too."""
_JUMP = 0.4
"""What an octave between neighbouring frames costs."""
_SWITCH = 0.10
"""What a change between voiced and unvoiced costs."""


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Octaves over LOWEST of the candidates, the matrix from power spectra to normalised
    autocorrelations (bins, candidates), and the costs of the way from one to another."""
    # One beyond each end, so that a maximum at an end has neighbours.
    count = int(np.log2(HIGHEST / LOWEST) * _PER_OCTAVE) + 3
    octaves = (np.arange(count) - 1) / _PER_OCTAVE
    lags = SAMPLE_RATE / (LOWEST * 2**octaves)
    waves = np.cos(2 * np.pi * np.arange(SIZE // 2 + 1)[:, None] * lags / SIZE)
    waves[1:-1] *= 2
    own = np.abs(np.fft.rfft(window(), SIZE)) ** 2 @ waves
    own = own / np.sum(window() ** 2) / SIZE
    jumps = np.full((count + 1, count + 1), _SWITCH)
    jumps[:count, :count] = _JUMP * np.abs(octaves[:, None] - octaves)
    jumps[count, count] = 0
    return octaves, (waves / own).astype(np.float32), jumps.astype(np.float32)


@lru_cache(maxsize=1)
def window() -> np.ndarray:
    """Hann, float64 (WINDOW,)."""
    return np.hanning(WINDOW + 2)[1:-1]


def track(power: np.ndarray, loudest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch and voicing of stretches of frames.

    Args:
        power: (stretches, frames, SIZE // 2 + 1): power spectra of frames windowed by `window`.
        loudest: (stretches,): the largest energy (sum of power) a frame near by has.

    Returns:
        (pitch, voicing), each float32 (stretches, frames): Hz, also where unvoiced (the value of
        the best path there, or that of the nearest voiced frame); and the normalised
        autocorrelation at it, within 0..1, 0 in unvoiced frames.
    """
    octaves, waves, jumps = _tables()
    stretches, frames, bins = power.shape
    count = len(octaves)
    energy = 2 * power.sum(2) - power[..., 0] - power[..., -1]
    scores = power.reshape(-1, bins) @ waves
    scores = scores.reshape(stretches, frames, count) / (energy[..., None] + 1e-7)
    quiet = np.sqrt(energy / (loudest[:, None] + 1e-7)) / _SILENCE
    unvoiced = _VOICED_FROM + np.clip(1.5 - quiet, 0, 1)
    gains = np.concatenate(
        [scores + (_OCTAVE * octaves).astype(np.float32), unvoiced[..., None]], axis=2
    ).astype(np.float32)
    best = gains[:, 0]
    came = np.empty((stretches, frames, count + 1), np.int16)
    for t in range(1, frames):
        ways = best[:, None, :] - jumps
        came[:, t] = ways.argmax(2)
        best = np.take_along_axis(ways, came[:, t, :, None].astype(int), 2)[..., 0] + gains[:, t]
    path = np.empty((stretches, frames), int)
    path[:, -1] = best.argmax(1)
    rows = np.arange(stretches)
    for t in range(frames - 1, 0, -1):
        path[:, t - 1] = came[rows, t, path[:, t]]
    voiced = path < count
    # A parabola through the maximum and its neighbours.
    middle = np.clip(path, 1, count - 2)
    low, peak, high = (
        np.take_along_axis(scores, (middle + i)[..., None], 2)[..., 0] for i in (-1, 0, 1)
    )
    curve = low - 2 * peak + high
    shift = np.where(curve < -1e-6, 0.5 * (low - high) / np.minimum(curve, -1e-6), 0)
    inside = voiced & (path == middle)
    octave = path + np.where(inside, np.clip(shift, -0.5, 0.5), 0)
    pitch = np.clip(LOWEST * 2 ** ((octave - 1) / _PER_OCTAVE), LOWEST, HIGHEST)
    strength = np.take_along_axis(scores, np.minimum(path, count - 1)[..., None], 2)[..., 0]
    return (
        _bridged(pitch, voiced).astype(np.float32),
        np.where(voiced, np.clip(strength, 0, 1), 0).astype(np.float32),
    )


def _bridged(pitch: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Straight lines in octaves over unvoiced frames; 0 in a stretch without voice."""
    frames = np.arange(pitch.shape[1])
    out = np.zeros(pitch.shape)
    for row, (values, known) in enumerate(zip(np.log2(pitch), voiced, strict=True)):
        if known.any():
            out[row] = 2 ** np.interp(frames, frames[known], values[known])
    return out
