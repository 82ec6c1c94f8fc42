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

    Frames of one run are alike where losses come in bursts or a path fades. So the frames count
    for fewer, by as much as the runs differ more than they would with independent ones (the design
    effect; L. Kish, Survey Sampling, 1965). With one run nothing is known of that, and the
    interval takes frames as independent.
    """
    points = list(points)
    frames = sum(point.frames for point in points)
    errors = sum(point.errors for point in points)
    if not frames:
        return Estimate(0.0, 0.0, 1.0, 0)
    effect = _design_effect(points, errors / frames, frames)
    return Estimate(errors / frames, *wilson(errors / effect, frames / effect, CONFIDENCE), frames)


def _design_effect(points: list[Point], share: float, frames: int) -> float:
    """The variance of the share by how the runs differ, over that of independent frames; 1 at
    least."""
    if len(points) < 2 or not 0 < share < 1:
        return 1.0
    squares = sum((point.errors - share * point.frames) ** 2 for point in points)
    return max(1.0, len(points) / (len(points) - 1) * squares / (frames * share * (1 - share)))


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
