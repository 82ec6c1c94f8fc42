"""What PocketSphinx hears in the training corpus: a phone for each 10 ms, to train a recogniser on.

Its own reading stands for the truth, so that no transcript is needed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.models.evaluation.recogniser import segments
from voicelink.models.sizes import SAMPLE_RATE
from voicelink.models.training.corpus import PITCH_HOP, read_index, write_index

SILENCE = "SIL"
PHONES = (
    SILENCE,
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH"),
    *("IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH"),
    *("UH", "UW", "V", "W", "Y", "Z", "ZH"),
)
"""The classes: silence, with all that PocketSphinx takes for noise, and ARPAbet's phones."""
UNKNOWN = -1
"""The class of what was not listened to."""

# A frame of PocketSphinx: 25.6 ms, each 10 ms.
_CENTRE = 0.0128


def label(audio: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The class, int8, that PocketSphinx hears in speech (n,) at 8 kHz, at times (m,) in seconds;
    `UNKNOWN` where it hears nothing at all."""
    heard = segments(audio)
    if not heard:
        return np.full(len(at), UNKNOWN, np.int8)
    names = [name if name in PHONES else SILENCE for name, _, _ in heard]
    classes = np.array([PHONES.index(name) for name in names], np.int8)
    starts = np.array([start for _, start, _ in heard])
    frame = np.round((at - _CENTRE) * 100)
    return classes[np.maximum(np.searchsorted(starts, frame, side="right") - 1, 0)]


def prepare_phones(cache: Path, hours: float, weights: dict[str, float], seed: int) -> None:
    """Label a part of ``cache/speech.npy``: ``cache/phones.npy``, int8 by the hops of
    ``pitch.npy``, and ``cache/phones.csv``, the index of what was labelled.

    Nothing is done where the index is there already.

    Args:
        hours: how much speech.
        weights: each source's share of it; a source that has less gives all it has.
    """
    from rich.progress import track

    out = cache / "phones.csv"
    if out.exists():
        return
    rng = np.random.default_rng(seed)
    speech = np.load(cache / "speech.npy", mmap_mode="r")
    phones = np.full(len(speech) // PITCH_HOP + 1, UNKNOWN, np.int8)
    everything = read_index(cache / "index.csv")
    chosen = []
    for source, weight in weights.items():
        left = hours * 3600 * SAMPLE_RATE * weight / sum(weights.values())
        rows = [row for row in everything if row.source == source]
        for place in rng.permutation(len(rows)):
            if left <= 0:
                break
            chosen.append(rows[place])
            left -= rows[place].samples
    for row in track(chosen, description="listening for phones"):
        audio = speech[row.start : row.start + row.samples].astype(np.float32) / 32768
        first = -(-(row.start - PITCH_HOP // 2) // PITCH_HOP)
        hops = np.arange(first, (row.start + row.samples - PITCH_HOP // 2) // PITCH_HOP)
        phones[hops] = label(audio, (PITCH_HOP * hops + PITCH_HOP // 2 - row.start) / SAMPLE_RATE)
    np.save(cache / "phones.npy", phones)
    # Written last: its presence says that the labels are whole.
    write_index(out, chosen)
