"""What a speech recogniser understands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from voicelink.models.evaluation.shared import kept, to_wide
from voicelink.models.sizes import SAMPLE_RATE

_SHORTEST = SAMPLE_RATE // 4


@cache
def _decoder():
    from pocketsphinx import Decoder, get_model_path

    # Settings that its documentation gives for this mode; "batch" keeps nothing from one recording
    # for the next.
    return Decoder(
        lm=None,
        allphone=get_model_path("en-us/en-us-phone.lm.bin"),
        lw=2.0,
        beam=1e-20,
        pbeam=1e-20,
        cmn="batch",
        loglevel="FATAL",
    )


def segments(audio: np.ndarray) -> tuple[tuple[str, int, int], ...]:
    """What PocketSphinx's phoneme loop (English, with its bundled phoneme trigrams) hears in
    speech (n,) at 8 kHz: (phoneme, silence or noise; its first frame; its last) in frames of
    10 ms."""
    return recognised(_decoder(), audio)


def recognised(decoder, audio: np.ndarray) -> tuple[tuple[str, int, int], ...]:
    """What a decoder of PocketSphinx hears in speech (n,) at 8 kHz, as `segments`."""
    if len(audio) < _SHORTEST or not audio.any():
        return ()
    decoder.reinit_feat()
    samples = np.round(32767 * to_wide(audio)).astype("<i2")
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()
    return tuple((s.word, s.start_frame, s.end_frame) for s in decoder.seg() or ())


@kept(4)
def phonemes(audio: np.ndarray) -> tuple[str, ...]:
    """The phonemes of `segments`, silence and noise left out."""
    heard = (name for name, _, _ in segments(audio))
    return tuple(name for name in heard if name != "SIL" and name.isalpha())


def edits(wanted: Sequence, found: Sequence) -> int:
    """The fewest insertions, deletions and substitutions between two sequences (Levenshtein).

    >>> edits("kitten", "sitting")
    3
    """
    before = list(range(len(found) + 1))
    for row, item in enumerate(wanted, 1):
        now = [row]
        for column, other in enumerate(found, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (item != other)))
        before = now
    return before[-1]


def phoneme_error(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Phoneme errors in per cent: edits between what a recogniser hears in the decoded speech and
    in the original, for each phoneme of the latter.

    Its reading of the original stands for the truth, so that no transcript is needed. At 8 kHz
    that reading is itself rough: compare codecs by it, and do not take it for listeners' errors.
    """
    wanted = phonemes(reference)
    if not wanted:
        return float("nan")
    return 100 * edits(wanted, phonemes(decoded)) / len(wanted)
