"""Values with their 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

from voicelink.link_sim.fer import wilson
from voicelink.link_sim.report.results import Point

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A measured value.

    Attributes:
        low, high: its interval; both ``value`` where one run alone says nothing of its spread.
        count: how many runs or frames it is from.
    """

    value: float
    low: float
    high: float
    count: int

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low < self.value or self.high > self.value


def share_of_errors(points: Iterable[Point]) -> Estimate:
    """The share of frames that were lost or not mended, with Wilson's interval.

    The interval takes frames as independent; where losses come in bursts it is too narrow.
    """
    points = list(points)
    frames = sum(point.frames for point in points)
    errors = sum(point.errors for point in points)
    if not frames:
        return Estimate(0.0, 0.0, 1.0, 0)
    return Estimate(errors / frames, *wilson(errors, frames, CONFIDENCE), frames)


def mean(points: Iterable[Point], measure: str) -> Estimate | None:
    """The mean of a measure of speech, with Student's t interval; None where it was not measured.

    The interval is over recordings, each by its mean over the seeds, as those of one recording are
    alike; with one recording it is over the seeds.
    """
    by_recording: dict[str, list[float]] = {}
    for point in points:
        if measure in point.measures:
            by_recording.setdefault(point.speech, []).append(point.measures[measure])
    if not by_recording:
        return None
    samples = [fmean(values) for values in by_recording.values()]
    if len(samples) == 1:
        (samples,) = by_recording.values()
    return mean_of(samples)


def mean_of(samples: list[float]) -> Estimate:
    """The mean of independent samples, with Student's t interval (Biometrika 6, 1908)."""
    value = fmean(samples)
    if len(samples) < 2:
        return Estimate(value, value, value, len(samples))
    from scipy.special import stdtrit

    half = stdtrit(len(samples) - 1, (1 + CONFIDENCE) / 2) * stdev(samples)
    half /= math.sqrt(len(samples))
    return Estimate(value, value - half, value + half, len(samples))
