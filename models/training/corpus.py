"""The training corpus as memory-mapped arrays: made once, then read at random.

The corpus is a folder as ``train.tsv`` describes it: a table with the columns ``file``, ``source``
and ``speaker``, beside the audio files that it names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

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


class Recording(NamedTuple):
    """A recording's place in ``speech.npy``; ``start`` and ``samples`` are in samples."""

    source: str
    speaker: str
    start: int
    samples: int


def read_index(path: Path) -> list[Recording]:
    with open(path, newline="") as file:
        return [
            Recording(r["source"], r["speaker"], int(r["start"]), int(r["samples"]))
            for r in csv.DictReader(file)
        ]


def write_index(path: Path, rows: Iterable[Recording]) -> None:
    part = path.with_suffix(".part")
    with open(part, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Recording._fields)
        writer.writerows(rows)
    part.rename(path)


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
        lines.append(Recording(row["source"], speaker, at, len(pcm)))
        at += len(pcm)
    store.flush()
    # Written last: its presence says that the array is whole.
    write_index(index, lines)


PITCH_HOP = 80
"""Samples between values of the pitch track."""
PITCH_RANGE = (60.0, 450.0)
"""Hz."""


def prepare_pitch(cache: Path) -> None:
    """Measure the pitch of ``cache/speech.npy`` into ``cache/pitch.npy``.

    Float16 Hz, 0 where unvoiced; value i is that at sample ``80 i + 40``. By the autocorrelation
    method of Praat (Boersma, 1993). Nothing is done where the file is there already.
    """
    import parselmouth
    from rich.progress import track

    out = cache / "pitch.npy"
    if out.exists():
        return
    speech = np.load(cache / "speech.npy", mmap_mode="r")
    pitch = np.zeros(len(speech) // PITCH_HOP + 1, np.float16)
    low, high = PITCH_RANGE
    rows = read_index(cache / "index.csv")
    for _, _, start, samples in track(rows, description="measuring pitch"):
        if samples < SAMPLE_RATE // 10:
            continue
        audio = speech[start : start + samples].astype(np.float64) / 32768
        sound = parselmouth.Sound(audio, SAMPLE_RATE)
        found = sound.to_pitch_ac(
            time_step=PITCH_HOP / SAMPLE_RATE, pitch_floor=low, pitch_ceiling=high
        )
        values = found.selected_array["frequency"]
        first = -(-(start - PITCH_HOP // 2) // PITCH_HOP)
        frames = np.arange(first, (start + samples - PITCH_HOP // 2) // PITCH_HOP)
        at = (PITCH_HOP * frames + PITCH_HOP // 2 - start) / SAMPLE_RATE
        nearest = np.round((at - found.x1) / found.dx).astype(int)
        inside = (nearest >= 0) & (nearest < len(values))
        pitch[frames[inside]] = values[nearest[inside]]
    part = out.with_name("pitch.part.npy")
    np.save(part, pitch)
    part.rename(out)
