"""Codecs, recordings and measures in; one row for each codec and recording out, and their means.

>>> from voicelink.models.evaluation.measures import MEASURES
>>> from voicelink.models.evaluation.peers import codecs
>>> speech = Recording("noise", np.random.default_rng(0).normal(0, 0.1, 16000))
>>> results = evaluate([codecs()["original"]], [speech], [MEASURES["estoi"]])
>>> round(results.mean("original", "estoi").value, 3)
1.0
"""

from __future__ import annotations

import math
import resource
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field
from statistics import fmean, median, stdev

import numpy as np

from voicelink.models.errors import ParameterError, require
from voicelink.models.evaluation.align import cut, delay
from voicelink.models.evaluation.conditions import Condition
from voicelink.models.evaluation.measures import Measure
from voicelink.models.evaluation.peers import Codec, Coded
from voicelink.models.evaluation.words import Transcript, unknown
from voicelink.models.processes import workers
from voicelink.models.sizes import SAMPLE_RATE

GROUPS = {"all": None, "men": "M", "women": "F"}
"""The groups of recordings that results are given for, with the sex that a manifest writes."""

WORST = "worst"
"""One group more: of each speaker, by each measure, the recording that came out worst."""

TAIL = SAMPLE_RATE // 4
"""Samples that codecs hear after a recording's end: the end backwards, so that none of what is
measured stays in an encoder or a decoder."""


@dataclass(frozen=True)
class Recording:
    """Speech to measure with.

    Attributes:
        name: what it is called in results.
        audio: float32 (n,), 8 kHz mono, +-1.
        sex: "M", "F", or "" where it is not known.
        speaker: who speaks, or "" where it is not known.
        heard: what codecs hear, (n,), where that is not ``audio``: it with noise.
        transcript: what is said, where that is known.
    """

    name: str
    audio: np.ndarray
    sex: str = ""
    speaker: str = ""
    heard: np.ndarray | None = None
    transcript: Transcript | None = None


@dataclass(frozen=True)
class Row:
    """One recording through one codec.

    Attributes:
        seconds: length of the recording.
        bit_rate: bits that the encoder spent, per second of its frames.
        cpu: CPU seconds of encoding and decoding, per second of speech.
        lag_ms: the delay found in this recording.
        values: each measure's value by its name; NaN where it could not be measured.
    """

    codec: str
    file: str
    sex: str
    speaker: str
    seconds: float
    bit_rate: float
    cpu: float
    lag_ms: float
    values: dict[str, float]


@dataclass(frozen=True)
class Mean:
    """A mean over recordings, its standard error (NaN for fewer than two), and their number."""

    value: float
    error: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Mean:
        """The mean over the values that are finite; NaN where none is.

        >>> Mean.of([1.0, 3.0, math.nan])
        Mean(value=2.0, error=1.0, count=2)
        """
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return cls(math.nan, math.nan, 0)
        error = stdev(finite) / math.sqrt(len(finite)) if len(finite) > 1 else math.nan
        return cls(fmean(finite), error, len(finite))


@dataclass
class Results:
    """What an evaluation found.

    Attributes:
        rows: one for each codec and recording.
        codecs: the codecs, in the order of the tables.
        measures: the measures, in the order of the tables.
        lags_ms: each codec's delay that was cut before measuring: the median over its recordings.
        delays_ms: each codec's whole delay: frame, lag, and what the codec takes off itself.
        absent: what is missing and what to install, for codecs and measures left out.
        condition: of the input.
        unheard: words of the transcripts that the recogniser does not know.
    """

    rows: list[Row]
    codecs: list[str]
    measures: list[Measure]
    lags_ms: dict[str, float]
    delays_ms: dict[str, float]
    absent: list[str] = field(default_factory=list)
    condition: Condition = field(default_factory=Condition)
    unheard: list[str] = field(default_factory=list)

    def groups(self) -> list[str]:
        """The groups that have recordings: "all"; "men" and "women" where sexes are known; "worst"
        where there is more than one recording of a known speaker."""
        sexes = {row.sex for row in self.rows}
        groups = [name for name, sex in GROUPS.items() if sex is None or sex in sexes]
        known = [row.speaker for row in self.of(self.codecs[0]) if row.speaker]
        return [*groups, WORST] if len(set(known)) < len(known) else groups

    def of(self, codec: str, group: str = "all") -> list[Row]:
        """A codec's rows in a group; in "worst", what the measures choose from."""
        rows = [row for row in self.rows if row.codec == codec]
        if group == WORST:
            return [row for row in rows if row.speaker]
        sex = GROUPS[group]
        return [row for row in rows if sex is None or row.sex == sex]

    def speakers(self, codec: str) -> list[str]:
        """The speakers that are known."""
        return list(dict.fromkeys(row.speaker for row in self.of(codec, WORST)))

    def mean(self, codec: str, measure: str, group: str = "all") -> Mean:
        """A measure's mean over a group's recordings, those left out that it could not measure.

        In "worst" it is over speakers, of each the worst value by this measure.
        """
        rows = [row for row in self.of(codec, group) if math.isfinite(row.values[measure])]
        values = [row.values[measure] for row in rows]
        if group == WORST:
            (better,) = (m.better for m in self.measures if m.name == measure)
            by_speaker: dict[str, list[float]] = {}
            for row, value in zip(rows, values, strict=True):
                by_speaker.setdefault(row.speaker, []).append(value)
            values = [(min if better == "higher" else max)(v) for v in by_speaker.values()]
        return Mean.of(values)

    def bit_rate(self, codec: str) -> float:
        """True bits per second, over all recordings."""
        rows = self.of(codec)
        return sum(r.bit_rate * r.seconds for r in rows) / sum(r.seconds for r in rows)

    def cpu(self, codec: str) -> float:
        """CPU seconds per second of speech, over all recordings."""
        rows = self.of(codec)
        return sum(r.cpu * r.seconds for r in rows) / sum(r.seconds for r in rows)


def _cpu_seconds(children: bool) -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(codec: Codec, audio: np.ndarray) -> tuple[Coded, float]:
    """A recording through a codec, and the CPU seconds that it took.

    For a codec of other programs those are whole processes; for ours the model is loaded before.
    """
    if not codec.children:
        codec.code(audio[:SAMPLE_RATE])
    before = _cpu_seconds(codec.children)
    coded = codec.code(audio)
    return coded, _cpu_seconds(codec.children) - before


def _code(codec: Codec, recording: Recording) -> tuple[np.ndarray, float, float, int]:
    """Decoded audio, bits per second, CPU seconds per second, and the lag in samples."""
    audio = recording.audio if recording.heard is None else recording.heard
    audio = np.pad(audio, (0, TAIL), "symmetric")
    coded, cpu = timed(codec, audio)
    frame = codec.frame_ms / 1000 or 1 / SAMPLE_RATE
    bit_rate = coded.bits / (coded.frames * frame) if coded.frames else math.nan
    return coded.audio, bit_rate, cpu * SAMPLE_RATE / len(audio), delay(audio, coded.audio)


def _measure(
    recording: Recording, decoded: np.ndarray, lag: int, measures: list[Measure]
) -> dict[str, float]:
    try:
        reference, decoded = cut(recording.audio, decoded, lag)
    except ParameterError:  # shorter than the codec's delay: nothing came out of it
        return {measure.name: math.nan for measure in measures}
    return {m.name: m(reference, decoded, recording.transcript) for m in measures}


def _each(function: Callable, tasks: list[tuple], pool) -> Iterator[tuple[int, object]]:
    """(index, result) of every task as it gets done, here or in the pool's processes."""
    if pool is None:
        for index, task in enumerate(tasks):
            yield index, function(*task)
        return
    futures = {pool.submit(function, *task): index for index, task in enumerate(tasks)}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()


def evaluate(
    codecs: Iterable[Codec],
    recordings: Iterable[Recording],
    measures: Iterable[Measure],
    progress: Callable[[int, int, str], None] | None = None,
    jobs: int = 1,
    condition: Condition | None = None,
) -> Results:
    """Put every recording through every codec, cut each codec's delay, and measure.

    Codecs and measures that are not on this machine are left out, and named in `Results.absent`.

    Args:
        progress: called with what is done, how much there is, and the name of the codec.
        jobs: processes to work in, 1..256. With more than one, CPU times suffer from the company.
        condition: what is done to the recordings first.

    Raises:
        ParameterError: no recording, or no codec or no measure that is here.
        VoiceLinkError: a codec failed.
    """
    codecs, measures, recordings = list(codecs), list(measures), list(recordings)
    require("jobs", jobs, 1, 256)
    absent = [text for each in (*codecs, *measures) if (text := each.absent())]
    for name, wanted in (("codecs", codecs), ("measures", measures)):
        if all(each.absent() for each in wanted):
            raise ParameterError(f"{name} must be one at least that is here: {'; '.join(absent)}")
    if not recordings:
        raise ParameterError("recordings must be one at least")
    codecs = [codec for codec in codecs if not codec.absent()]
    measures = [measure for measure in measures if not measure.absent()]
    condition = condition or Condition()
    recordings = [condition.applied(recording, i) for i, recording in enumerate(recordings)]

    # All of a recording together, so that measures need to look at the original only once.
    pairs = [(codec, recording) for recording in recordings for codec in codecs]
    done = 0

    def report(index: int) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, 2 * len(pairs), pairs[index][0].name)

    with workers(jobs) if jobs > 1 else nullcontext() as pool:
        coded: list = [None] * len(pairs)
        for index, result in _each(_code, pairs, pool):
            coded[index] = result
            report(index)
        lags = {
            codec.name: round(
                median(lag for (c, _), (*_, lag) in zip(pairs, coded, strict=True) if c is codec)
            )
            for codec in codecs
        }
        values: list = [None] * len(pairs)
        tasks = [
            (recording, audio, lags[codec.name], measures)
            for (codec, recording), (audio, *_) in zip(pairs, coded, strict=True)
        ]
        for index, result in _each(_measure, tasks, pool):
            values[index] = result
            report(index)

    rows = []
    found = sorted(
        zip(pairs, coded, values, strict=True), key=lambda each: codecs.index(each[0][0])
    )
    for (codec, recording), (_, bit_rate, cpu, lag), value in found:
        seconds = len(recording.audio) / SAMPLE_RATE
        rows.append(
            Row(
                codec.name,
                recording.name,
                recording.sex,
                recording.speaker,
                seconds,
                bit_rate,
                cpu,
                1000 * lag / SAMPLE_RATE,
                value,
            )
        )
    lags_ms = {name: 1000 * lag / SAMPLE_RATE for name, lag in lags.items()}
    delays_ms = {c.name: c.frame_ms + c.removed_ms + lags_ms[c.name] for c in codecs}
    names = [codec.name for codec in codecs]
    unheard = unheard_words(measures, recordings)
    return Results(rows, names, measures, lags_ms, delays_ms, absent, condition, unheard)


def unheard_words(measures: Iterable[Measure], recordings: Iterable[Recording]) -> list[str]:
    """The words of the recordings' transcripts that a recogniser does not know, where one of the
    measures asks it."""
    if not any(measure.transcribed for measure in measures):
        return []
    return unknown(recording.transcript for recording in recordings)
