"""Mel-cepstral distance."""

from __future__ import annotations

import warnings

import numpy as np

from voicelink.models.evaluation.shared import kept
from voicelink.models.sizes import SAMPLE_RATE

_WINDOW, _HOP, _BANDS, _COEFFICIENTS = 256, 80, 24, 13
_SHORTEST = SAMPLE_RATE // 4
_ACTIVE = 1e-3
"""Frames within 30 dB of the reference's loudest are speech."""
_FLOOR = 1e-8
"""Of the loudest band of the reference: below is silence, in both."""


@kept(4)
def _mel(audio: np.ndarray) -> np.ndarray:
    """Powers in mel bands, float64 (24, frames): 32 ms (Hann) every 10 ms, 0 to 4 kHz."""
    import librosa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return librosa.feature.melspectrogram(
            y=audio.astype(np.float64),
            sr=SAMPLE_RATE,
            n_fft=_WINDOW,
            hop_length=_HOP,
            n_mels=_BANDS,
        )


def mel_cepstral_distance(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Mel-cepstral distance in dB, 0 for the same: the mean over the reference's active frames of

        10 / ln 10 * sqrt(2 * sum over k = 1..13 of (c_k - c'_k)^2)

    (Kubichek, PACRIM 1993), c_k = 1/M sum over m of ln P_m cos(pi k (m + 1/2) / M), P_m being the
    powers in M = 24 mel bands: the RMS difference of two smoothed log spectra without their
    levels, c_0. Frames are compared one to one, as the pair is aligned.
    """
    from scipy.fft import dct

    if len(reference) < _SHORTEST or not decoded.any():
        return float("nan")
    powers = _mel(reference), _mel(decoded)
    floor = _FLOOR * powers[0].max()
    # scipy's DCT-II has a factor of 2.
    cepstra = [
        dct(np.log(np.maximum(p, floor)), axis=0)[1 : _COEFFICIENTS + 1] / (2 * _BANDS)
        for p in powers
    ]
    energy = powers[0].sum(0)
    distances = 10 / np.log(10) * np.sqrt(2 * np.square(cepstra[0] - cepstra[1]).sum(0))
    return float(distances[energy > _ACTIVE * energy.max()].mean())
