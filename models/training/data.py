"""Random training clips: what the encoder hears, and what the decoder should say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicelink.models.sizes import SAMPLE_RATE
from voicelink.models.training.corpus import PITCH_HOP, read_folder, read_index
from voicelink.models.training.phones import UNKNOWN


@dataclass(frozen=True)
class Augmentation:
    """How often, and how far, a clip is changed; shares are probabilities within 0..1."""

    speed: float = 0.5
    speed_range: tuple[float, float] = (0.87, 1.15)
    level_db: tuple[float, float] = (-36.0, -8.0)
    colour: float = 0.4
    colour_input_only: float = 0.15
    noise: float = 0.25
    snr_db: tuple[float, float] = (5.0, 30.0)
    room: float = 0.08


class Clips:
    """Draws batches of clips from the prepared corpus.

    A source is drawn by its weight, a speaker of it evenly, a recording of theirs by its length.

    Args:
        noise: a folder of noises, or None.
        samples: of a clip.
        weights: how often a source is heard, by its name.
        index: which recordings, a file in ``cache``.
    """

    def __init__(
        self,
        cache: Path,
        noise: Path | None,
        samples: int,
        weights: dict[str, float],
        augmentation: Augmentation,
        index: str = "index.csv",
    ) -> None:
        self.cache = cache
        self.speech = np.load(cache / "speech.npy", mmap_mode="r")
        self.pitch = np.load(cache / "pitch.npy", mmap_mode="r")
        self.samples = samples
        self.augmentation = augmentation
        self.noises = [audio for _, audio in read_folder(noise)] if noise else []
        groups: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for source, speaker, start, length in read_index(cache / index):
            groups.setdefault(source, {}).setdefault(speaker, []).append((start, length))
        self.groups = {s: list(speakers.values()) for s, speakers in groups.items()}
        self.sources = [s for s in self.groups if weights.get(s, 0) > 0]
        p = np.array([weights[s] for s in self.sources], dtype=float)
        self.odds = p / p.sum()

    def batch(
        self, items: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(heard, wanted), each float32 (items, samples), and the pitch of what is wanted,
        float32 (items, samples / 80) in Hz, 0 where unvoiced."""
        heard, wanted, hops, speeds = self._clips(items, rng)
        pitch = np.where(hops >= 0, self.pitch[hops].astype(np.float32), 0) * speeds[:, None]
        return heard, wanted, pitch.astype(np.float32)

    def labelled(
        self, items: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(heard, wanted) as `batch` gives them, and the phones of them, int8
        (items, samples / 80) as in ``phones.npy``."""
        heard, wanted, hops, _ = self._clips(items, rng)
        phones = np.load(self.cache / "phones.npy", mmap_mode="r")
        return heard, wanted, np.where(hops >= 0, phones[hops], UNKNOWN).astype(np.int8)

    def _clips(self, items: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        clips = [self._clip(rng) for _ in range(items)]
        return tuple(np.stack(parts) for parts in zip(*clips, strict=True))

    def _cut(self, samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Speech of the given length, and for each of its hops that in the corpus, -1 for none;
        short recordings of a speaker are strung together."""
        source = self.sources[rng.choice(len(self.sources), p=self.odds)]
        speakers = self.groups[source]
        recordings = speakers[rng.integers(len(speakers))]
        lengths = np.array([n for _, n in recordings], dtype=float)
        out = np.zeros(samples, dtype=np.float32)
        places = np.full(-(-samples // PITCH_HOP), -1)
        at = 0
        while at < samples:
            start, length = recordings[rng.choice(len(recordings), p=lengths / lengths.sum())]
            skip = int(rng.integers(max(length - samples, 0) + 1))
            piece = self.speech[start + skip : start + min(length, skip + samples - at)]
            out[at : at + len(piece)] = piece.astype(np.float32) / 32768
            hops = np.arange(-(-at // PITCH_HOP), (at + len(piece)) // PITCH_HOP)
            places[hops] = hops + round((start + skip - at) / PITCH_HOP)
            at += len(piece) + int(rng.integers(0, 2000))
        return out, places

    def _clip(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """(heard, wanted, the corpus' hops as `_cut` gives them, how much faster it became)."""
        import soxr

        aug = self.augmentation
        for _ in range(4):
            speed = 1.0
            if rng.random() < aug.speed:
                speed = rng.uniform(*aug.speed_range)
                raw, places = self._cut(int(self.samples * speed) + 16, rng)
                clip = soxr.resample(raw, SAMPLE_RATE * speed, SAMPLE_RATE, quality="HQ")
                clip = np.pad(clip, (0, max(0, self.samples - len(clip))))[: self.samples]
                hops = np.round(np.arange(self.samples // PITCH_HOP) * speed).astype(int)
                places = places[np.minimum(hops, len(places) - 1)]
            else:
                clip, places = self._cut(self.samples, rng)
            rms = float(np.sqrt(np.mean(clip**2)))
            if rms > 0.003:
                break
        clip = clip - clip.mean()
        if rng.random() < aug.colour:
            clip = _coloured(clip, rng)
        level = 10 ** (rng.uniform(*aug.level_db) / 20)
        clip = clip * (level / max(rms, 1e-3))
        peak = np.abs(clip).max()
        if peak > 0.99:
            clip = clip * (0.99 / peak)
        heard = clip
        if rng.random() < aug.room:
            heard = _in_a_room(heard, rng)
        if self.noises and rng.random() < aug.noise:
            noise = self.noises[rng.integers(len(self.noises))]
            start = int(rng.integers(len(noise) - self.samples))
            noise = noise[start : start + self.samples]
            ratio = 10 ** (-rng.uniform(*aug.snr_db) / 20)
            speech_rms = float(np.sqrt(np.mean(clip**2)))
            noise_rms = float(np.sqrt(np.mean(noise**2))) + 1e-6
            heard = heard + noise * (ratio * speech_rms / noise_rms)
        if rng.random() < aug.colour_input_only:
            heard = _coloured(heard, rng, gain_db=4)
        peak = np.abs(heard).max()
        if peak > 1:
            heard = heard / peak
            clip = clip / peak
        return heard.astype(np.float32), clip.astype(np.float32), places, speed


def _coloured(audio: np.ndarray, rng: np.random.Generator, gain_db: float = 8) -> np.ndarray:
    """A microphone's frequency response: a smooth random curve over the spectrum."""
    size = 1 << int(np.ceil(np.log2(len(audio) + 256)))
    spectrum = np.fft.rfft(audio, size)
    places = np.linspace(0, 1, 7)
    curve = np.interp(
        np.linspace(0, 1, len(spectrum)) ** 0.5, places, rng.uniform(-gain_db, gain_db, 7)
    )
    if rng.random() < 0.3:
        frequency = np.linspace(0, SAMPLE_RATE / 2, len(spectrum))
        low = rng.uniform(100, 350)
        curve -= 12 * np.log2(np.maximum(low / np.maximum(frequency, 20), 1))
    return np.fft.irfft(spectrum * 10 ** (curve / 20), size)[: len(audio)]


def _in_a_room(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A small room: the direct sound, then exponentially decaying noise."""
    length = int(rng.uniform(0.1, 0.35) * SAMPLE_RATE)
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail[:40] = 0
    tail *= rng.uniform(0.1, 0.6) / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    size = 1 << int(np.ceil(np.log2(len(audio) + length)))
    wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(tail, size), size)
    return wet[: len(audio)]
