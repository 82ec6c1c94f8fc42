"""DNSMOS: networks that judge speech as listeners would, without its original."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np

from voicelink.models.evaluation.shared import WIDE_RATE, kept
from voicelink.models.sizes import SAMPLE_RATE

_SHORTEST = SAMPLE_RATE // 2
"""Samples: shorter recordings, which DNSMOS repeats until it has 9 s, say little."""


@cache
def _networks():
    """speechmos' own evaluation, with ONNX Runtime in one thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's deprecated imports
        import onnxruntime
        from speechmos import dnsmos
    folder = Path(dnsmos.__file__).parent / "dnsmos_models"
    paths = [str(folder / name) for name in ("sig_bak_ovr.onnx", "model_v8.onnx")]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    networks = dnsmos.DNSMOS.__new__(dnsmos.DNSMOS)  # its constructor takes no options
    networks.onnx_sess, networks.p808_onnx_sess = (
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        for path in paths
    )
    return networks


@kept(4)
def _judged(decoded: np.ndarray) -> dict[str, float]:
    """All its figures: ``ovrl_mos``, ``sig_mos``, ``bak_mos``, ``p808_mos``."""
    from scipy.signal import resample_poly

    if len(decoded) < _SHORTEST or not decoded.any():
        return {}
    audio = resample_poly(decoded.astype(np.float64), WIDE_RATE // SAMPLE_RATE, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa's, of empty mel bands
        return _networks()(np.clip(audio, -1, 1), WIDE_RATE, False)


def _value(decoded: np.ndarray, name: str) -> float:
    return _judged(decoded).get(name, float("nan"))


def overall(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Overall quality as in ITU-T P.835, 1..5, by DNSMOS; the reference is not used.

    Reddy, Gopal & Cutler, ICASSP 2022, as Microsoft's package speechmos has it: means over windows
    of 9 s, every second. It and the other two are made for 16 kHz; the speech is resampled by
    scipy's polyphase filter. That matters to P.808, which looks above 4 kHz too: soxr's sharper
    filter gives Codec 2 about 0.15 more there.
    """
    return _value(decoded, "ovrl_mos")


def signal(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Quality of the speech signal as in ITU-T P.835, 1..5, by DNSMOS; no reference."""
    return _value(decoded, "sig_mos")


def p808(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Quality as in ITU-T P.808, 1..5, by DNSMOS (Reddy et al., ICASSP 2021); no reference."""
    return _value(decoded, "p808_mos")
