"""The delay of decoded speech, found in log-mel spectra.

A parametric codec keeps the short-time spectrum and not the waveform, so the waveforms' correlation
picks wrong lags; that of the spectra does not.
"""

from __future__ import annotations

import numpy as np

from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SAMPLE_RATE

_WINDOW = 256
_HOP = 16
_BANDS = 24
_LONGEST = 60 * SAMPLE_RATE
_FLOOR = 1e-5


def _filters() -> np.ndarray:
    """Triangular mel filters, (bands, bins), from 100 to 3800 Hz (O'Shaughnessy's mel scale)."""

    def mel(hertz):
        return 2595 * np.log10(1 + np.asarray(hertz) / 700)

    edges = np.linspace(mel(100), mel(3800), _BANDS + 2)
    bins = mel(np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE))
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return np.clip(np.minimum(rising, falling), 0, None)


def log_mel(audio: np.ndarray) -> np.ndarray:
    """Log-mel spectra, float64 (frames, 24), every 2 ms, of 8 kHz audio (n,), n >= 256.

    Energies more than 50 dB below the loudest count as that, so that noise in pauses has no say.
    """
    frames = np.lib.stride_tricks.sliding_window_view(audio, _WINDOW)[::_HOP]
    window, filters = np.hanning(_WINDOW), _filters().T
    energies = np.concatenate(
        [
            np.abs(np.fft.rfft(frames[i : i + 4096] * window)) ** 2 @ filters
            for i in range(0, len(frames), 4096)
        ]
    )
    return np.log(np.maximum(energies, max(energies.max() * _FLOOR, 1e-12)))


def delay(reference: np.ndarray, decoded: np.ndarray, longest: int = SAMPLE_RATE // 2) -> int:
    """How many samples ``decoded`` lags ``reference`` by; negative where it leads.

    The lag of the greatest cross-correlation of the two log-mel spectra, each band's mean removed,
    refined by a parabola through the greatest value and its neighbours.

    Args:
        reference: float, (n,), 8 kHz.
        decoded: float, (m,), 8 kHz.
        longest: the greatest lag looked at, either way, in samples.

    Returns:
        The lag in samples, good to a few milliseconds; 0 where one of the two is silent, or is
        shorter than 32 ms.
    """
    reference, decoded = reference[:_LONGEST], decoded[:_LONGEST]
    if min(len(reference), len(decoded)) < _WINDOW:
        return 0
    first, second = log_mel(reference), log_mel(decoded)
    if min(np.ptp(first), np.ptp(second)) < 1e-6:
        return 0
    first, second = first - first.mean(0), second - second.mean(0)
    steps = min(longest // _HOP, min(len(first), len(second)) - 1)
    size = 1 << (max(len(first), len(second)) + steps).bit_length()
    product = np.fft.rfft(second, size, axis=0) * np.conj(np.fft.rfft(first, size, axis=0))
    correlation = np.fft.irfft(product.sum(1), size)
    correlation = np.concatenate([correlation[size - steps :], correlation[: steps + 1]])
    best = int(np.argmax(correlation))
    if correlation[best] <= 0:
        return 0
    lag = float(best - steps)
    if 0 < best < 2 * steps:
        before, at, after = correlation[best - 1 : best + 2]
        bend = before - 2 * at + after
        lag += 0.5 * (before - after) / bend if bend < 0 else 0.0
    return round(lag * _HOP)


def cut(reference: np.ndarray, decoded: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Reference and decoded speech with the lag taken off, both as long as they overlap.

    Raises:
        ParameterError: they do not overlap.
    """
    reference, decoded = reference[max(-lag, 0) :], decoded[max(lag, 0) :]
    length = min(len(reference), len(decoded))
    if length == 0:
        raise ParameterError(f"lag must leave the recordings an overlap, but {lag} samples do not")
    return reference[:length], decoded[:length]
