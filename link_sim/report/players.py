"""The recordings that a page plays, at one loudness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.audio import read_audio
from voicelink.link_sim.report import sound
from voicelink.link_sim.report.labels import condition_label
from voicelink.link_sim.report.limits import Limit
from voicelink.link_sim.report.results import Point
from voicelink.link_sim.report.spectrogram import loudest, spectrogram
from voicelink.link_sim.report.study import Study
from voicelink.link_sim.report.timeline import Timeline, timeline
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES

MOST = 60
"""Recordings in a page, the originals not counted, unless another number is asked for."""

MOST_LOUDER_DB = 12.0
"""What is louder than this against its original's gain would be noise for the most part."""


@dataclass(frozen=True)
class Player:
    """One recording on the page.

    Attributes:
        speech: the original's name.
        place: number of the point of the sweep; -1 for an original.
        name: codec and link.
        note: its measures.
        sound, picture: MP3 and spectrogram, data URIs.
        strip: what became of each superframe; None for an original.
        seconds: its length.
        louder_db: what it was made louder by.
    """

    speech: str
    place: int
    name: str
    note: str
    sound: str
    picture: str
    strip: Timeline | None
    seconds: float
    louder_db: float


@dataclass(frozen=True)
class Players:
    """All of them.

    Attributes:
        players: each recording's original before its others.
        places: the points of the sweep by number, in words.
        first: number of the point to begin with.
        kept: recordings in the folder, of which the page may have only some.
    """

    players: list[Player]
    places: list[str]
    first: int
    kept: int

    @property
    def speeches(self) -> list[str]:
        return list(dict.fromkeys(player.speech for player in self.players))


def players(study: Study, limits: list[Limit], most: int = MOST) -> Players:
    """Read, level and compress the audio that the sweep kept.

    Of several seeds the one is taken whose ESTOI is nearest to their mean. Where there are more
    than ``most``, whole points of the sweep are left out, those that stay being spread evenly.
    """
    kept = _groups(study)
    count = sum(map(len, kept.values()))
    chosen = _thinned(kept, most)
    places = list(dict.fromkeys((condition, value) for _, condition, value in chosen))
    raw: list[tuple[str, int, Point | None, np.ndarray]] = []
    for speech in dict.fromkeys(speech for speech, _, _ in chosen):
        original = study.results.audio(speech)
        if original is not None:
            raw.append((speech, -1, None, read_audio(original)))
        for (name, condition, value), points in chosen.items():
            if name == speech:
                place = places.index((condition, value))
                for point in points:
                    raw.append((speech, place, point, read_audio(study.results.audio(point.name))))
    gains = _gains(raw)
    top: dict[str, float] = {}
    found = []
    for (speech, place, point, audio), gain in zip(raw, gains, strict=True):
        levelled = gain * audio
        top.setdefault(speech, loudest(levelled))
        letters = study.results.details(point).get("statuses") if point else None
        found.append(
            Player(
                speech, place,
                f"{point.codec}, {study.label(point.link)}" if point else "original",
                _note(point) if point else "",
                sound.data_uri("audio/mpeg", sound.mp3(levelled)),
                sound.data_uri("image/png", spectrogram(levelled, top[speech])),
                timeline(letters[: -(-len(audio) // SUPERFRAME_SAMPLES)]) if letters else None,
                len(audio) / SAMPLE_RATE,
                20 * float(np.log10(gain)),
            )
        )  # fmt: skip
    words = [_words(study, condition, value) for condition, value in places]
    return Players(found, words, _first(study, limits, places), count)


def _groups(study: Study) -> dict[tuple, list[Point]]:
    """The points with audio, by recording, condition and place, the easiest first."""
    order = {value: k for k, value in enumerate(study.towards_harder)}
    conditions = {condition: k for k, condition in enumerate(study.conditions)}
    runs: dict[tuple, dict[str, dict[tuple, Point]]] = {}
    for point in study.points:
        if point.speech and study.results.audio(point.name) is not None:
            place = (point.speech, study.condition(point), study.value(point))
            run = runs.setdefault(place, {}).setdefault(point.seed, {})
            run.setdefault((point.codec, point.link), point)
    found = {place: _typical(list(seeds.values())) for place, seeds in runs.items()}

    def by_place(place: tuple) -> tuple:
        return (place[0], conditions[place[1]], order[place[2]])

    def by_series(point: Point) -> tuple:
        return (study.codecs.index(point.codec), study.links.index(point.link))

    return {p: sorted(found[p].values(), key=by_series) for p in sorted(found, key=by_place)}


def _typical(runs: list[dict[tuple, Point]]) -> dict[tuple, Point]:
    """Of the runs of several seeds the one whose mean ESTOI is nearest to that of all."""
    means = [np.mean([p.measures.get("estoi", 0.0) for p in run.values()]) for run in runs]
    most = max(map(len, runs))
    away = [
        abs(mean - np.mean(means)) + (len(run) < most)
        for mean, run in zip(means, runs, strict=True)
    ]
    return runs[int(np.argmin(away))]


def _thinned(groups: dict[tuple, list[Point]], most: int) -> dict[tuple, list[Point]]:
    total = sum(map(len, groups.values()))
    if total <= most:
        return groups
    places = list(groups)
    for wanted in range(len(places) - 1, 0, -1):
        picked = [places[round(k * (len(places) - 1) / max(wanted - 1, 1))] for k in range(wanted)]
        if sum(len(groups[place]) for place in picked) <= most:
            return {place: groups[place] for place in picked}
    return {}


def _gains(raw: list[tuple]) -> list[float]:
    gains = [sound.gain(audio) for *_, audio in raw]
    original = {speech: gain for (speech, _, point, _), gain in zip(raw, gains, strict=True)
                if point is None}  # fmt: skip
    most = 10 ** (MOST_LOUDER_DB / 20)
    gains = [
        min(gain, most * original.get(speech, gain))
        for (speech, *_), gain in zip(raw, gains, strict=True)
    ]
    peaks = [float(np.abs(audio).max()) for *_, audio in raw]
    quieter = sound.headroom(list(zip(gains, peaks, strict=True)))
    return [quieter * gain for gain in gains]


def _note(point: Point) -> str:
    return ", ".join(f"{name.upper()} {value:.2f}" for name, value in point.measures.items())


def _words(study: Study, condition: tuple, value: float) -> str:
    parts = [f"{study.x.word} {study.x.shown(value)}"] if study.x else []
    return ", ".join(filter(None, [*parts, condition_label(condition)])) or "the channel"


def _first(study: Study, limits: list[Limit], places: list[tuple]) -> int:
    """The hardest point that still does: there is the most to be heard."""
    at = next((limit.at for limit in limits if limit.at is not None), None)
    if at is None or not places:
        return 0
    held = [k for k, (_, value) in enumerate(places) if study.easier * (value - at) >= -1e-9]
    return min(held or range(len(places)), key=lambda k: abs(places[k][1] - at))
