"""Results in the order of the questions: what is swept, which links and codecs, under what else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from voicelink.link_sim.report.interval import Estimate, mean, share_of_errors
from voicelink.link_sim.report.labels import Setting, link_label
from voicelink.link_sim.report.results import Link, Point, Results
from voicelink.models.card import DEFAULT

Condition = tuple[tuple[str, Any], ...]
"""The other settings that vary, with their values."""

FER = "fer"
DELAY = "delay"


@dataclass(frozen=True)
class Series:
    """One line of a curve: a link and a codec over it, under a condition."""

    link: Link
    codec: str
    condition: Condition


@dataclass
class Study:
    """A sweep's results, sorted.

    Attributes:
        results: as read.
        x: the first setting of the channel that varies and is a number; None if there is none.
    """

    results: Results
    x: Setting | None = None

    def __post_init__(self) -> None:
        for name in self.results.varied:
            values = {point.at[name] for point in self.results.points}
            if len(values) > 1 and all(isinstance(value, float) for value in values):
                self.x = Setting.of(name)
                break

    @property
    def points(self) -> list[Point]:
        return self.results.points

    def value(self, point: Point) -> float:
        """Where a point lies on the axis; 0 where nothing is swept."""
        return point.at[self.x.name] if self.x else 0.0

    def condition(self, point: Point) -> Condition:
        """The point's other settings, those that do vary."""
        return tuple((name, point.at[name]) for name in self._others)

    @cached_property
    def _others(self) -> list[str]:
        return [
            name
            for name in self.results.varied
            if (self.x is None or name != self.x.name)
            and len({point.at[name] for point in self.points}) > 1
        ]

    @cached_property
    def values(self) -> list[float]:
        """The points of the axis, rising."""
        return sorted({self.value(point) for point in self.points})

    @cached_property
    def conditions(self) -> list[Condition]:
        found = {self.condition(point) for point in self.points}
        return sorted(found, key=lambda condition: [(str(type(v)), v) for _, v in condition])

    @cached_property
    def links(self) -> list[Link]:
        """The links, the one that needs the least on the air first."""
        rates = {
            p.link: (p.figures.get("on_air_rate", 0), p.link.spread, p.link.profile)
            for p in self.points
        }
        return sorted(rates, key=lambda link: (rates[link], link.model))

    @cached_property
    def codecs(self) -> list[str]:
        """The codecs, this project's first."""
        return sorted(
            {p.codec for p in self.points}, key=lambda name: (not self.is_own(name), name)
        )

    def is_own(self, codec: str) -> bool:
        """Whether a codec is this project's, and not a peer."""
        return codec == DEFAULT or any(point.link.model == codec for point in self.points)

    @cached_property
    def has_speech(self) -> bool:
        """Whether intelligibility was measured."""
        return any("estoi" in point.measures for point in self.points)

    @cached_property
    def adds_delay(self) -> bool:
        """Whether the channel holds packets up."""
        return any(point.figures.get("latency_max_ms", 0) >= 0.5 for point in self.points)

    def label(self, link: Link) -> str:
        return link_label(link, [point.link.model for point in self.points])

    def series(self, condition: Condition, measure: str) -> list[Series]:
        """The lines that a curve of the measure has: one for each link, and codec if it is of
        speech."""
        codecs = self.codecs if measure not in (FER, DELAY) else [""]
        lines = [Series(link, codec, condition) for link in self.links for codec in codecs]
        return [line for line in lines if self.curve(line, measure)]

    def at(self, line: Series, value: float) -> list[Point]:
        """A line's runs at a point of the axis.

        Where it names no codec those of this project's, as peers travel over the same link; theirs
        only where there are no others.
        """
        return self._runs.get((line.link, line.condition, value, line.codec), [])

    @cached_property
    def _runs(self) -> dict[tuple, list[Point]]:
        runs: dict[tuple, list[Point]] = {}
        for point in self.points:
            place = (point.link, self.condition(point), self.value(point))
            for codec in (point.codec, ""):
                runs.setdefault((*place, codec), []).append(point)
        for place, points in runs.items():
            own = [point for point in points if self.is_own(point.codec)]
            runs[place] = own or points
        return runs

    def estimate(self, line: Series, value: float, measure: str) -> Estimate | None:
        """The measure there, with its interval; None where it was not measured."""
        points = self.at(line, value)
        if not points:
            return None
        if measure == FER:
            return share_of_errors(points)
        if measure == DELAY:
            return self._delay(line, value)
        return mean(points, measure)

    def _delay(self, line: Series, value: float) -> Estimate | None:
        """The mean delay by the channel in ms; as its interval, up to the 95th percentile."""
        least = self.figure(line, value, "latency_mean_ms")
        most = self.figure(line, value, "latency_p95_ms")
        if least is None:
            return None
        return Estimate(least, least, max(most or least, least), len(self.at(line, value)))

    def curve(self, line: Series, measure: str) -> dict[float, Estimate]:
        """The line's values by the point of the axis, rising."""
        found = {value: self.estimate(line, value, measure) for value in self.values}
        return {value: estimate for value, estimate in found.items() if estimate is not None}

    def figure(self, line: Series, value: float, name: str) -> float | None:
        """The mean over the runs of one of the table's other numbers."""
        found = [p.figures[name] for p in self.at(line, value) if name in p.figures]
        return sum(found) / len(found) if found else None

    @cached_property
    def easier(self) -> int:
        """1 where the link gets easier as the axis rises, -1 where it gets harder."""
        ends = self.values[0], self.values[-1]
        for measure, sense in ((FER, -1), ("estoi", 1)):
            rise = 0.0
            for condition in self.conditions:
                for line in self.series(condition, measure):
                    first, last = (self.estimate(line, value, measure) for value in ends)
                    if first and last:
                        rise += last.value - first.value
            if rise:
                return 1 if sense * rise > 0 else -1
        return 1 if self.x and self.x.unit in ("dB", "b/s") else -1

    @cached_property
    def towards_harder(self) -> list[float]:
        """The points of the axis, the easiest first."""
        return self.values[:: -self.easier]
