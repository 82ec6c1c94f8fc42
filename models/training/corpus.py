"""The training corpus as one memory-mapped array: decoded and resampled once, then read at random.

The corpus is a folder as ``train.tsv`` describes it: a table with the columns ``file``, ``source``
and ``speaker``, beside the audio files that it names.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from voicelink.models.sizes import SAMPLE_RATE


def _read(path: Path) -> np.ndarray:
    import soundfile
    import soxr

    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    audio = audio.mean(axis=1)
    if rate != SAMPLE_RATE:
        audio = soxr.resample(audio, rate, SAMPLE_RATE, quality="VHQ")
    return audio


def read_folder(folder: Path) -> list[tuple[str, np.ndarray]]:
    """All audio files below a folder, as (name, float32 mono at 8 kHz), sorted by name."""
    paths = sorted(p for p in Path(folder).rglob("*") if p.suffix in {".flac", ".wav", ".opus"})
    return [(p.stem, _read(p)) for p in paths]


def prepare(speech: Path, cache: Path) -> None:
    """Decode ``speech/train.tsv`` into ``cache/speech.npy`` (int16) and ``cache/index.csv``.

    Nothing is done where the cache is complete already.
    """
    from rich.progress import track

    cache.mkdir(parents=True, exist_ok=True)
    index = cache / "index.csv"
    if index.exists():
        return
    with open(speech / "train.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    total = sum(int(float(r["seconds"]) * SAMPLE_RATE) + SAMPLE_RATE for r in rows)
    store = np.lib.format.open_memmap(
        cache / "speech.npy", mode="w+", dtype=np.int16, shape=(total,)
    )
    at = 0
    lines = []
    for row in track(rows, description="decoding the corpus"):
        audio = _read(speech / row["file"])
        pcm = np.round(np.clip(audio, -1, 1) * 32767).astype(np.int16)
        store[at : at + len(pcm)] = pcm
        speaker = row["speaker"]
        if row["source"].startswith("picovoice"):
            # Their folders are words, not people: each recording may be another voice.
            speaker = row["file"]
        lines.append((row["source"], speaker, at, len(pcm)))
        at += len(pcm)
    store.flush()
    # Written last: its presence says that the array is whole.
    part = index.with_suffix(".part")
    with open(part, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "speaker", "start", "samples"])
        writer.writerows(lines)
    part.rename(index)
