"""Log-spectrograms of 256 x 64, min-max normalised, and magnitudes back from them."""

from __future__ import annotations

import numpy as np

from voicelink.models.digits.sizes import BINS, HOP, OVERLAP, TRANSFORM, WINDOW

LOWEST, HIGHEST = -100.0, 27.5
"""Of the extrema, dB; 0 is a bin in the middle of a full-scale sine."""
RANGE = 60.0
"""Whatever is this many dB below a block's loudest bin counts as that: the texture of faint noise
would cost bits and say nothing."""

HANN = np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)
_SCALE = 2 / HANN.sum()


def analyse(audio: np.ndarray) -> np.ndarray:
    """The complex columns, (256, n), of ``120 n + 360`` samples: each sees 480."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP]
    return _SCALE * np.fft.rfft(frames * HANN, TRANSFORM)[:, :BINS].T


def columns(audio: np.ndarray) -> np.ndarray:
    """Magnitudes, float32 (256, n), of ``120 n + 360`` samples."""
    return np.abs(analyse(audio)).astype(np.float32)


def normalise(magnitudes: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The log-spectrogram within 0..1, and the extrema that went to 0 and 1, in dB."""
    decibels = 20 * np.log10(magnitudes + 1e-9)
    top = float(np.clip(decibels.max(), LOWEST, HIGHEST))
    decibels = np.clip(decibels, max(LOWEST, top - RANGE), top)
    bottom = float(decibels.min())
    return (decibels - bottom) / max(top - bottom, 1.0), bottom, top


def decibels(normalised: np.ndarray, bottom: float, top: float) -> np.ndarray:
    """What `normalise` did, back: float32 (256, n).

    The largest value is brought to 1 again, where that of every normalised spectrogram is.
    """
    inside = np.clip(normalised / max(float(normalised.max()), 0.5), 0, 1)
    return (bottom + inside * max(top - bottom, 0.0)).astype(np.float32)


def magnitudes(decibels: np.ndarray, bottom: float) -> np.ndarray:
    """Magnitudes of a log-spectrogram; those at the floor are silence."""
    return np.where(decibels > bottom + 0.5, 10 ** (decibels / 20), 0).astype(np.float32)


def synthesise(frames: np.ndarray) -> np.ndarray:
    """Overlap-add of complex columns (256, n): 1.5 times ``120 n + 360`` samples."""
    spectrum = np.pad(frames.T, ((0, 0), (0, 1))) / _SCALE
    pieces = np.fft.irfft(spectrum, TRANSFORM)[:, :WINDOW] * HANN
    hops = pieces.reshape(len(pieces), WINDOW // HOP, HOP)
    audio = np.zeros((len(pieces) + OVERLAP // HOP, HOP))
    for shift in range(WINDOW // HOP):
        audio[shift : shift + len(pieces)] += hops[:, shift]
    return audio.reshape(-1)
