"""Whether the voice is still that of the speaker."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

from voicelink.models.evaluation.shared import WIDE_RATE, kept, to_wide
from voicelink.models.sizes import SAMPLE_RATE

_SHORTEST = SAMPLE_RATE // 2
"""Samples of speech, pauses left out, that an embedding is made of at least."""


@cache
def _encoder():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's deprecated imports
        import resemblyzer

        return resemblyzer.VoiceEncoder("cpu", verbose=False), resemblyzer.preprocess_wav


@kept(4)
def _embedding(audio: np.ndarray) -> np.ndarray | None:
    """The speaker embedding, float32 (256,) of norm 1; None where there is too little speech."""
    import torch

    encoder, prepared = _encoder()
    if len(audio) < _SHORTEST or not audio.any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa's, of empty mel bands
        speech = prepared(to_wide(audio))
        if len(speech) < _SHORTEST * WIDE_RATE // SAMPLE_RATE:
            return None
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return encoder.embed_utterance(speech)
        finally:
            torch.set_num_threads(threads)


def speaker_similarity(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Cosine of the speaker embeddings of both, 1 for the same; other people get about 0.6.

    Wan, Wang, Papir & Lopez Moreno, ICASSP 2018, as trained by resemblyzer, with its own
    preparation: quiet speech is made louder, pauses are cut out.
    """
    first, second = _embedding(reference), _embedding(decoded)
    if first is None or second is None:
        return float("nan")
    return float(first @ second)
