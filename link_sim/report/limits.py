"""Down to which point of the sweep a link does what is wanted of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from voicelink.link_sim.report.interval import Estimate
from voicelink.link_sim.report.study import FER, Series, Study

FER_LIMIT = 0.1
"""Share of the frames that may fail where no speech was measured."""

_LEAP = 0.3
"""ESTOI between two points of a sweep that is too much to say where between them it crosses."""


@dataclass(frozen=True)
class Criterion:
    """What is wanted of a link.

    Attributes:
        measure: ``estoi`` or `FER`.
        limit: the least ESTOI, or the largest frame error rate.
    """

    measure: str
    limit: float

    def met(self, value: float) -> bool:
        return value <= self.limit if self.measure == FER else value >= self.limit

    def better(self, estimate: Estimate) -> float:
        """The end of an interval that speaks for the link."""
        return estimate.low if self.measure == FER else estimate.high

    def worse(self, estimate: Estimate) -> float:
        """The end that speaks against it."""
        return estimate.high if self.measure == FER else estimate.low

    def between(self, here: float, there: float) -> bool:
        """Whether a limit can be read on a line from one value to the next, or leaps too far."""
        if self.measure == FER:
            return here >= self.limit / 100
        return here - there <= _LEAP

    def crossing(self, here: float, there: float) -> float:
        """How far from ``here``, which meets the limit, to ``there``, which does not, it is met:
        on a straight line, for error rates one of their logarithms."""
        scale = (lambda v: math.log(max(v, 1e-4))) if self.measure == FER else float
        return (scale(here) - scale(self.limit)) / (scale(here) - scale(there))


@dataclass(frozen=True)
class Limit:
    """Where a line of a curve leaves what is wanted.

    Attributes:
        line: link, codec and condition.
        at: the last point of the axis where the criterion is met; None where it is met nowhere.
        read: whether it was read between two points of the sweep. Where the measure leaps from one
            to the next nobody can, and `at` is the point before, `sure` and `hoped` both ends.
        edge: whether the sweep ended first, so that `at` is its last point.
        sure: `at` by the worse end of the intervals; None where that is met nowhere.
        hoped: `at` by the better end.
        hoped_edge: whether that one is met to the end of the sweep.
        step: the two points of the sweep that `at` lies between.
        best: the measure at the easiest point.
        last: the measure at the last point of the sweep that meets the criterion, or else `best`.
    """

    line: Series
    at: float | None
    read: bool
    edge: bool
    sure: float | None
    hoped: float | None
    hoped_edge: bool
    step: tuple[float, float]
    best: Estimate
    last: Estimate

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.last.known


def criterion(study: Study, understood: float) -> Criterion:
    """Intelligibility where it was measured, else the frame error rate."""
    return Criterion("estoi", understood) if study.has_speech else Criterion(FER, FER_LIMIT)


def limits(study: Study, wanted: Criterion) -> list[Limit]:
    """The limit of each line that was measured, by condition, codec, and reach: the one that
    reaches furthest first."""
    found = [
        limit_of(study, line, wanted)
        for condition in study.conditions
        for line in study.series(condition, wanted.measure)
    ]

    def place(limit: Limit) -> tuple:
        line = limit.line
        codec = study.codecs.index(line.codec) if line.codec else 0
        reach = -math.inf if limit.at is None else -study.easier * limit.at
        value = -limit.last.value if wanted.measure == FER else limit.last.value
        return (study.conditions.index(line.condition), codec, -reach, -value)

    return sorted(found, key=place)


def limit_of(study: Study, line: Series, wanted: Criterion) -> Limit:
    """Walk from the easiest point to the hardest until the criterion is not met any more."""
    curve = study.curve(line, wanted.measure)
    values = [value for value in study.towards_harder if value in curve]
    held = _held(curve, values, wanted, lambda estimate: estimate.value)
    sure, hoped = (_held(curve, values, wanted, end) for end in (wanted.worse, wanted.better))
    edge, last = held == len(values), max(held, 1) - 1
    step = (values[last], values[min(last + 1, len(values) - 1)])
    read = 0 < held < len(values) and wanted.between(*(curve[value].value for value in step))

    def place(count: int, end: Callable[[Estimate], float], further: int) -> float | None:
        if count == 0:
            return None
        here, there = values[count - 1], values[min(count, len(values) - 1)]
        if not read:
            return (here, there)[further]
        if here == there:
            return here
        share = wanted.crossing(end(curve[here]), end(curve[there]))
        return here + share * (there - here)

    return Limit(
        line,
        place(held, lambda estimate: estimate.value, 0),
        read,
        edge,
        place(sure, wanted.worse, 0),
        place(hoped, wanted.better, 1),
        hoped == len(values),
        step,
        curve[values[0]],
        curve[values[last]],
    )


def _held(curve, values: list[float], wanted: Criterion, end: Callable[[Estimate], float]) -> int:
    """How many points from the easiest on meet the criterion without a gap."""
    for k, value in enumerate(values):
        if not wanted.met(end(curve[value])):
            return k
    return len(values)
