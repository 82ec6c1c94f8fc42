"""Damage curves: recordings, links and damages in; one row for each, their means and drops out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from voicelink.link_sim.damaged_codec2 import Codec2Link
from voicelink.link_sim.damaged_speech import DAMAGES, Damage, Heard, NeuralLink
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.align import cut, delay
from voicelink.models.evaluation.evaluate import Mean, Recording, unheard_words
from voicelink.models.evaluation.measures import Measure
from voicelink.models.evaluation.words import Transcript
from voicelink.models.processes import workers

Link = NeuralLink | Codec2Link

LEVELS = {
    "errors": (0.001, 0.005, 0.01, 0.02, 0.05, 0.1),
    "loss": (0.01, 0.05, 0.1, 0.2, 0.3, 0.4),
    "bursts": (0.01, 0.05, 0.1, 0.2, 0.3, 0.4),
    "half": (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5),
    "third": (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5),
}
"""The points of each curve; those of a share begin with 0 besides, which is the undamaged link."""

_HEARD = 0.1
"""Share of the speech's energy that must be heard for PESQ to say anything."""


@dataclass(frozen=True)
class Curve:
    """One line of a picture: a link, what damages it (`DAMAGES`), and the receiver."""

    link: str
    kind: str
    receiver: str


@dataclass(frozen=True)
class Row:
    """One recording at one point of a curve.

    Attributes:
        level: of the damage.
        file: the recording's name.
        values: each measure's value by its name; NaN where it could not be measured.
        heard: what was heard, its audio left out.
    """

    curve: Curve
    level: float
    file: str
    values: dict[str, float]
    frames: int
    failed: int
    statuses: dict[str, int]


@dataclass
class Curves:
    """What was measured.

    Attributes:
        rows: one for each curve, level and recording.
        clean: by link and recording, each measure's value without damage.
        measures: in the order of the tables.
        absent: links that are not on this machine, and what to install.
        unheard: words of the transcripts that the recogniser does not know.
    """

    rows: list[Row]
    clean: dict[str, dict[str, dict[str, float]]]
    measures: list[Measure]
    absent: list[str] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)

    @property
    def curves(self) -> list[Curve]:
        return list(dict.fromkeys(row.curve for row in self.rows))

    def levels(self, curve: Curve) -> list[float]:
        """Its levels, the most favourable first."""
        levels = {row.level for row in self.rows if row.curve == curve}
        return sorted(levels, reverse=curve.kind in ("half", "third"))

    def at(self, curve: Curve, level: float) -> list[Row]:
        return [row for row in self.rows if row.curve == curve and row.level == level]

    def mean(self, curve: Curve, level: float, measure: str) -> Mean:
        """A measure's mean over the recordings that it could measure."""
        return Mean.of(row.values[measure] for row in self.at(curve, level))

    def drop(self, curve: Curve, level: float, measure: str) -> Mean:
        """The mean over the recordings of how much worse a measure is than on the clean link.

        Positive is worse, for measures of either sense.
        """
        sense = 1 if _by_name(self.measures, measure).better == "lower" else -1
        clean = self.clean[curve.link]
        return Mean.of(
            sense * (row.values[measure] - clean[row.file][measure])
            for row in self.at(curve, level)
        )

    def undamaged(self, link: str, measure: str) -> Mean:
        """A measure's mean over the recordings without damage."""
        return Mean.of(values[measure] for values in self.clean[link].values())

    def failed(self, curve: Curve, level: float) -> float:
        """Share of the frames that were lost or not mended."""
        rows = self.at(curve, level)
        return sum(row.failed for row in rows) / sum(row.frames for row in rows)

    def statuses(self, curve: Curve, level: float) -> dict[str, float]:
        """Share of each status among the superframes; empty where the receiver has none."""
        rows = self.at(curve, level)
        return {
            status: sum(row.statuses[status] for row in rows) / sum(row.frames for row in rows)
            for status in rows[0].statuses
        }


def _by_name(measures: list[Measure], name: str) -> Measure:
    return next(measure for measure in measures if measure.name == name)


def damage_curves(
    links: list[Link],
    recordings: list[Recording],
    measures: list[Measure],
    kinds: list[str],
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Curves:
    """Put every recording through every link and damage, and measure what is heard.

    As in `evaluate` each codec's delay, the median over the recordings, is cut before measuring.
    The results are the same whatever ``jobs`` is.

    Args:
        links: those that are not on this machine are left out, and named.
        kinds: which of `DAMAGES`.
        jobs: processes to work in.
        progress: called with what is done, how much there is, and what is being done.
    """
    if not recordings:
        raise ParameterError("recordings must be one at least")
    absent = [text for link in links if (text := link.absent())]
    links = [link for link in links if not link.absent()]
    points = [
        (link, Damage(kind, level))
        for link in links
        for kind in kinds
        if kind in link.damages
        for level in LEVELS[kind]
    ]
    total = len(recordings) * (len(links) + len(points))
    done = 0

    def report(name: str) -> None:
        nonlocal done
        done += 1
        progress(done, total, name)

    with _workers(jobs) as work:
        clean, lags = {}, {}
        for link in links:
            found = []
            for result in work(_clean, [(link, r.audio) for r in recordings]):
                found.append(result)
                report(link.name)
            lags[link.name] = round(median(lag for lag, _ in found))
            clean[link.name] = {}
            # Measured only now that the delay is known.
            tasks = [
                (r.audio, heard, lags[link.name], measures, r.transcript)
                for r, (_, heard) in zip(recordings, found, strict=True)
            ]
            for recording, values in zip(recordings, work(measured, tasks), strict=True):
                clean[link.name][recording.name] = values
        tasks = [
            (link, damage, recording, lags[link.name], measures, damage.seed(seed, index))
            for link, damage in points
            for index, recording in enumerate(recordings)
        ]
        places = [(link, damage, r) for link, damage in points for r in recordings]
        rows: list[Row] = []
        for (link, damage, recording), heard in zip(places, work(_damaged, tasks), strict=True):
            report(f"{link.name}, {DAMAGES[damage.kind]} {damage.level:g}")
            rows += [
                Row(Curve(link.name, damage.kind, receiver), damage.level, recording.name, *rest)
                for receiver, rest in heard.items()
            ]
    rows += _at_zero(rows, clean)
    return Curves(rows, clean, measures, absent, unheard_words(measures, recordings))


def _at_zero(rows: list[Row], clean: dict) -> list[Row]:
    """The undamaged link as the beginning of each curve over a share."""
    curves = {row.curve: row for row in rows if row.curve.kind not in ("half", "third")}
    return [
        Row(curve, 0.0, file, values, 1, 0, {s: float(s == "clean") for s in some.statuses})
        for curve, some in curves.items()
        for file, values in clean[curve.link].items()
    ]


def _clean(link: Link, audio: np.ndarray) -> tuple[int, np.ndarray]:
    heard = link.clean(audio)
    return delay(audio, heard), heard


def measured(
    audio: np.ndarray,
    heard: np.ndarray,
    lag: int,
    measures: list[Measure],
    transcript: Transcript | None = None,
) -> dict[str, float]:
    """Each measure's value of speech that was heard with a lag in samples.

    PESQ levels what it compares and takes silence for a pause, so that next to nothing heard scores
    3.8: NaN where too little was heard (`_HEARD`).
    """
    reference, heard = cut(audio, heard, lag)
    values = {measure.name: measure(reference, heard, transcript) for measure in measures}
    if "pesq" in values and np.sum(heard**2) < _HEARD * np.sum(reference**2):
        values["pesq"] = math.nan
    return values


def _damaged(
    link: Link, damage: Damage, recording: Recording, lag: int, measures: list[Measure], seed: int
) -> dict[str, tuple]:
    heard: dict[str, Heard] = link.hear(recording.audio, damage, seed)
    return {
        receiver: (
            measured(recording.audio, h.audio, lag, measures, recording.transcript),
            h.frames,
            h.failed,
            h.statuses,
        )
        for receiver, h in heard.items()
    }


def _call(task: tuple):
    function, arguments = task
    return function(*arguments)


@contextmanager
def _workers(jobs: int):
    """A ``map`` over tuples of arguments, here or in so many processes."""
    if jobs == 1:
        yield lambda function, tasks: (function(*task) for task in tasks)
        return
    with workers(jobs) as pool:
        yield lambda function, tasks: pool.map(_call, [(function, task) for task in tasks])


def to_json(curves: Curves) -> str:
    """Means, their standard errors, drops, failed frames and statuses; null for NaN."""

    def plain(value: float) -> float | None:
        return round(value, 5) + 0.0 if math.isfinite(value) else None  # + 0.0: no -0.0

    def means(of: Callable[[str], Mean]) -> dict:
        found = {m.name: of(m.name) for m in curves.measures}
        return {
            name: {"mean": plain(m.value), "error": plain(m.error), "count": m.count}
            for name, m in found.items()
        }

    def point(curve: Curve, level: float) -> dict:
        return {
            "level": level,
            "failed": plain(curves.failed(curve, level)),
            "statuses": {s: plain(v) for s, v in curves.statuses(curve, level).items()},
            "values": means(lambda name: curves.mean(curve, level, name)),
            "drops": means(lambda name: curves.drop(curve, level, name)),
        }

    document = {
        "damages": DAMAGES,
        "measures": {
            m.name: {"label": m.label, "better": m.better, "unit": m.unit} for m in curves.measures
        },
        "clean": {
            link: means(lambda name, link=link: curves.undamaged(link, name))
            for link in curves.clean
        },
        "curves": [
            {
                "link": curve.link,
                "damage": curve.kind,
                "receiver": curve.receiver,
                "points": [point(curve, level) for level in curves.levels(curve)],
            }
            for curve in curves.curves
        ],
        "absent": curves.absent,
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
