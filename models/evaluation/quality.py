"""Quality of a pair, original and decoded: PESQ, WARP-Q, ViSQOL."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

from voicelink.models.evaluation.shared import WIDE_RATE, to_wide
from voicelink.models.hushed import hushed
from voicelink.models.sizes import SAMPLE_RATE


def pesq_nb(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Narrow-band PESQ, 1.0..4.55 (ITU-T P.862, mapped to MOS-LQO by P.862.1)."""
    import pesq

    try:
        return pesq.pesq(SAMPLE_RATE, reference, decoded, "nb")
    except (pesq.PesqError, ValueError):  # no utterance found, too short, or decoded to silence
        return float("nan")


@cache
def _warpq_metric():
    # pyvad, which WARP-Q uses, calls np.lib.pad, an alias that numpy 2 does not have.
    if not hasattr(np.lib, "pad"):
        np.lib.pad = np.pad
    from warpq.core import warpqMetric

    return warpqMetric(sr=WIDE_RATE, n_jobs=1)


def warpq(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Raw WARP-Q, about 0.5 (the same) to 3.5; lower is better.

    Jassim, Skoglund, Chinen & Hines, IET Signal Processing, 2022. At its own settings, made for
    16 kHz: the speech is resampled to that.
    """
    metric = _warpq_metric()
    if not decoded.any():
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a recording is too short, which the NaN says
        return metric.evaluate(to_wide(reference), to_wide(decoded), arr_sr=WIDE_RATE)[
            "raw_warpq_score"
        ]


_VISQOL_SHORTEST = SAMPLE_RATE // 2
"""Samples: ViSQOL compares patches of 0.4 s."""


@cache
def _visqol_api():
    # LiteRT greets from C++ when it is loaded.
    with warnings.catch_warnings(), hushed():
        warnings.simplefilter("ignore")  # other people's deprecated imports
        import numba
        from visqol import VisqolApi

        numba.set_num_threads(1)
        api = VisqolApi()
        api.create(mode="speech", use_lattice_model=True, disable_global_alignment=True)
    return api


def visqol(reference: np.ndarray, decoded: np.ndarray) -> float:
    """ViSQOL's MOS-LQO, 1..5 (4.7 for the same speech, as nothing is above 4 kHz).

    Chinen, Lim, Skoglund, Gureev, O'Gorman & Hines, QoMEX 2020. Speech mode with its lattice
    network; the polynomial that the package falls back to gives about 1 more. Without its global
    alignment, which goes by the waveform's envelope: the pair is aligned, and it moves what a
    parametric codec made.
    """
    api = _visqol_api()
    if len(reference) < _VISQOL_SHORTEST or not decoded.any():
        return float("nan")
    pair = [to_wide(audio).astype(np.float64) for audio in (reference, decoded)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy, at silence
            return api.measure_from_arrays(*pair, WIDE_RATE).moslqo
    except (ValueError, IndexError):  # no patch of speech was found
        return float("nan")
