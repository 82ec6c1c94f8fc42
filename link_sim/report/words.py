"""The answer in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from voicelink.link_sim.report.labels import condition_label, percent, snr_offset
from voicelink.link_sim.report.limits import FER_LIMIT, Criterion, Limit
from voicelink.link_sim.report.study import FER, Condition, Study

_MOST_NAMED = 3
"""Links that are named in one sentence; of more it says how many."""


@dataclass(frozen=True)
class Sentence:
    """One line of the answer: under a condition (or ""), who, how far, and what to know of it."""

    condition: str
    who: str
    reach: str
    note: str


def wanted_words(wanted: Criterion) -> str:
    """``understandable (ESTOI at least 0.6)``."""
    if wanted.measure == FER:
        return f"usable (at most {percent(wanted.limit)} of the frames fail)"
    return f"understandable (ESTOI at least {wanted.limit:g})"


def answer(study: Study, found: list[Limit], wanted: Criterion) -> list[Sentence]:
    """For each condition and codec: which link reaches furthest, and how far."""
    sentences = []
    for (condition, codec), group in groupby(found, lambda x: (x.line.condition, x.line.codec)):
        sentences.append(_sentence(study, list(group), condition_label(condition), codec, wanted))
    return sentences


def _sentence(
    study: Study, group: list[Limit], condition: str, codec: str, wanted: Criterion
) -> Sentence:
    who = codec
    holding = [limit for limit in group if limit.at is not None]
    if not holding:
        best = group[0]
        where = f" at {study.x.shown(study.towards_harder[0])}" if study.x else ""
        return Sentence(
            condition, who, "not at any point of this sweep",
            f"the best is {value_words(best.best.value, wanted)}{where},"
            f" with profile {study.label(best.line.link)}",
        )  # fmt: skip
    if study.x is None:
        names = [study.label(limit.line.link) for limit in holding]
        return Sentence(
            condition, who, f"with profile {_listed(names)}", _values(study, group, wanted)
        )
    best = holding[0]
    if best.edge:
        edge = [limit for limit in holding if limit.edge]
        reach = f"at least {_way(study)} {study.x.shown(best.at)}, where the sweep ends"
        note = _interval(study, best)
        if len(edge) > _MOST_NAMED:
            note = f"{_extremes(study, edge, wanted)}; {note}"
        return Sentence(condition, who, f"{reach}, with {_links(study, edge, group)}", note)
    reach = f"{_way(study)} {place_words(study, best)} with profile {study.label(best.line.link)}"
    notes = [_interval(study, best)]
    alike = [
        study.label(limit.line.link) for limit in holding[1:] if not _apart(study, best, limit)
    ]
    if alike:
        notes.append(f"the intervals do not tell it from {_listed(alike)}")
    return Sentence(condition, who, reach, "; ".join(filter(None, notes)))


def _links(study: Study, chosen: list[Limit], group: list[Limit]) -> str:
    """Their names, or how many there are where these would be too many."""
    if len(chosen) <= _MOST_NAMED:
        return f"profile {_listed([study.label(limit.line.link) for limit in chosen])}"
    if len(chosen) == len(group):
        return f"all {len(group)} links"
    return f"{len(chosen)} of {len(group)} links"


def _extremes(study: Study, chosen: list[Limit], wanted: Criterion) -> str:
    """Of links that reach as far: the best there, and the one that takes the least on the air."""

    def rate(limit: Limit) -> float:
        return study.figure(limit.line, limit.at, "on_air_rate") or 0.0

    best, least = chosen[0], min(chosen, key=rate)
    words = f"best there {study.label(best.line.link)} ({value_words(best.last.value, wanted)})"
    light = f"{study.label(least.line.link)} ({value_words(least.last.value, wanted)})"
    return f"{words}, with the lowest rate on the air, {rate(least):.0f} b/s, {light}"


def headlines(study: Study, found: list[Limit], wanted: Criterion) -> dict[Condition, str]:
    """For each condition the answer in one line: for the first codec, the others in brackets."""
    result = {}
    for condition, group in groupby(found, lambda limit: limit.line.condition):
        best: dict[str, list[Limit]] = {}
        for limit in group:
            best.setdefault(limit.line.codec, []).append(limit)
        (_, own), *others = best.items()
        what = "Usable" if wanted.measure == FER else "Understandable"
        text = f"{what} {_best_words(study, own)}"
        peers = [f"{codec}: {_best_words(study, limits)}" for codec, limits in others]
        result[condition] = f"{text} ({'; '.join(peers)})" if peers else text
    return result


def _best_words(study: Study, group: list[Limit]) -> str:
    """``down to an Eb/N0 of 0.5 dB with half`` for the one of a codec that reaches furthest."""
    holding = [limit for limit in group if limit.at is not None]
    if not holding:
        return "at no point" if study.x else "with no link"
    if study.x is None:
        return f"with {_listed([study.label(limit.line.link) for limit in holding])}"
    best, edge = holding[0], [limit for limit in holding if limit.edge]
    if len(edge) > _MOST_NAMED:
        at = f"at least {_way(study)} {place_words(study, best)}"
        return f"{at} with {_links(study, edge, group)}, best with {study.label(best.line.link)}"
    least = "at least " if best.edge else ""
    where = f"{least}{_way(study)} {place_words(study, best)}"
    return f"{where} with {study.label(best.line.link)}"


def place_words(study: Study, limit: Limit) -> str:
    """Where a limit lies, as finely as the sweep can tell."""
    if not limit.read:
        return study.x.shown(limit.at)
    return study.x.shown(limit.at, study.x.between(*limit.step))


def value_words(value: float, wanted: Criterion) -> str:
    """``ESTOI 0.61``, ``12 % of the frames failing``."""
    if wanted.measure == FER:
        return f"{percent(value)} of the frames failing"
    return f"ESTOI {value:.2f}"


def _way(study: Study) -> str:
    """``down to an Eb/N0 of``, ``up to a loss of``."""
    word = study.x.word
    article = "an" if word[0] in "aeiouE" else "a"
    return f"{'down' if study.easier > 0 else 'up'} to {article} {word} of"


def _interval(study: Study, limit: Limit) -> str:
    parts = []
    if study.x.is_ebn0:
        snr = study.x.between(*limit.step) if limit.read else 1
        at = limit.at + snr_offset(limit.line.link.payload_bits)
        parts.append(f"SNR in 3 kHz: {at:.{snr}f} dB")
    if not limit.known:
        parts.append("from one run, so without an interval")
    elif limit.read or limit.edge:
        parts.append(f"95 % interval {interval_words(study, limit)}")
    else:
        parts.append(f"the limit lies within {interval_words(study, limit)}")
    return "; ".join(parts)


def interval_words(study: Study, limit: Limit) -> str:
    """The interval of a limit; "" where there is none."""
    if not limit.known or limit.at is None:
        return ""
    digits = study.x.between(*limit.step) if limit.read else None
    hoped = study.x.shown(limit.hoped, digits)
    beyond = " or beyond" if limit.hoped_edge else ""
    if limit.sure is None:
        return f"from nowhere in this sweep to {hoped}{beyond}"
    sure = study.x.shown(limit.sure, digits)
    if sure == hoped:
        return f"{hoped}{beyond}"
    first, last = (limit.sure, limit.hoped) if beyond else sorted((limit.sure, limit.hoped))
    start = study.x.shown(first, digits).removesuffix(f" {study.x.unit}")
    return f"{start} to {study.x.shown(last, digits)}{beyond}"


def _apart(study: Study, best: Limit, other: Limit) -> bool:
    """Whether the intervals of two limits do not touch; without intervals nobody can say."""
    if not (best.known and other.known):
        return True
    if best.sure is None or other.hoped_edge:
        return False
    return study.easier * (other.hoped - best.sure) > 0


def _values(study: Study, group: list[Limit], wanted: Criterion) -> str:
    return ", ".join(
        f"{study.label(limit.line.link)} {value_words(limit.best.value, wanted)}" for limit in group
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def delay_headline(study: Study) -> str:
    """How long the channel holds packets up where it carries nearly all of them."""
    parts = []
    for line in study.series(study.conditions[0], FER):
        means = [
            study.figure(line, value, "latency_mean_ms")
            for value, estimate in study.curve(line, FER).items()
            if estimate.value <= FER_LIMIT
        ]
        means = [mean for mean in means if mean is not None]
        if means:
            least, most = f"{min(means):.0f}", f"{max(means):.0f}"
            span = most if least == most else f"{least} to {most}"
            parts.append(f"{study.label(line.link)} {span} ms")
    if not parts:
        return f"More than {percent(FER_LIMIT)} of the frames fail with any of them"
    return (
        f"Mean delay by the channel, where at most {percent(FER_LIMIT)} of the frames fail: "
        + ", ".join(parts)
    )
