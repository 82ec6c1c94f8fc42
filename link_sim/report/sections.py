"""Parts of the page as plain values, for the template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicelink.blocks.status import Status
from voicelink.link_sim.report.curves import draw_curves, has_bound, measure_label
from voicelink.link_sim.report.histograms import KINDS, constant, draw_histogram, together
from voicelink.link_sim.report.labels import Setting, condition_label, percent
from voicelink.link_sim.report.limits import Criterion, Limit
from voicelink.link_sim.report.results import Point
from voicelink.link_sim.report.study import DELAY, FER, Series, Study
from voicelink.link_sim.report.style import Sample, colour, sample
from voicelink.link_sim.report.svg import as_svg, drawing
from voicelink.link_sim.report.timeline import Timeline, timeline
from voicelink.link_sim.report.words import interval_words, place_words, value_words

MOST_PANELS = 12
MOST_STRIPS = 24
MOST_HISTOGRAMS = 8

_CURVE = (4.3, 3.5)  # inches: as wide as a phone at the size of its letters
_HISTOGRAM = (4.3, 2.1)


@dataclass(frozen=True)
class Panel:
    """A picture under a title, or words where there is nothing to draw; "" for none."""

    title: str
    svg: str
    words: str = ""


@dataclass(frozen=True)
class Figure:
    """A curve: its title, what to know of it, its lines and its pictures."""

    title: str
    caption: str
    legend: list[Sample]
    panels: list[Panel]
    more: int


@dataclass(frozen=True)
class Strip:
    """What became of the superframes of one run."""

    title: str
    timeline: Timeline


def setting_words(points: list[Point], name: str) -> str:
    """``Eb/N0: -1 dB, 0 dB, 1 dB``."""
    setting = Setting.of(name)
    values = {point.at[name] for point in points}
    shown = [setting.shown(v) for v in sorted(values, key=lambda v: (str(type(v)), v))]
    return f"{setting.word}: {', '.join(shown)}"


def limit_rows(study: Study, found: list[Limit], wanted: Criterion) -> list[dict[str, str]]:
    """How far each link and codec reaches, and what it takes."""
    rows = []
    for limit in found:
        line = limit.line
        # At the point that "measured" is of.
        figures = {
            name: study.figure(line, limit.step[0], name)
            for name in ("on_air_rate", "mouth_to_ear_ms", "times_real_time")
        }
        if limit.at is None:
            reach = "nowhere" if study.x else "no"
        elif study.x is None:
            reach = "yes"
        else:
            reach = f"{'at least ' if limit.edge else ''}{place_words(study, limit)}"
        rows.append(
            {
                "condition": condition_label(line.condition),
                "codec": line.codec,
                "link": study.label(line.link),
                "reach": reach,
                "interval": interval_words(study, limit) if study.x else "",
                "held": _held_words(study, limit, wanted),
                "rate": _round(figures["on_air_rate"]),
                "ear": _round(figures["mouth_to_ear_ms"]),
                "speed": _round(figures["times_real_time"]),
            }
        )
    return rows


def _held_words(study: Study, limit: Limit, wanted: Criterion) -> str:
    """What was measured at the last point of the sweep that meets the criterion, or at the easiest
    if none does."""
    words = value_words(limit.last.value, wanted)
    return f"{words} at {study.x.shown(limit.step[0])}" if study.x else words


def figures(study: Study, wanted: Criterion) -> list[Figure]:
    """The curves: intelligibility, frames that fail, delay, and the other measures."""
    names = ["estoi"] if study.has_speech else []
    names += [FER] + ([DELAY] if study.adds_delay else [])
    others = [name for name in study.results.measures if name != "estoi"]
    found = [_figure(study, name, wanted) for name in names + others]
    return [figure for figure in found if figure.panels]


def _figure(study: Study, measure: str, wanted: Criterion) -> Figure:
    from matplotlib.figure import Figure as Drawing

    conditions = [c for c in study.conditions if study.series(c, measure)]
    panels = []
    with drawing():
        for condition in conditions[:MOST_PANELS]:
            drawn = Drawing(figsize=_CURVE, layout="constrained")
            draw_curves(drawn.subplots(), study, condition, measure, wanted)
            name = condition_label(condition)
            said = f"{measure_label(measure)}{f' over {study.x.word}' if study.x else ''}"
            panels.append(
                Panel(name, as_svg(drawn, f"{measure}{len(panels)}",
                                   f"Curve: {said}{f', {name}' if name else ''}; the table of all"
                                   " points has its numbers"))
            )  # fmt: skip
    lines = [line for condition in conditions[:1] for line in study.series(condition, measure)]
    legend = [sample(study, line) for line in lines]
    bound = measure == FER and any(has_bound(study, line) for line in lines)
    return Figure(
        _TITLES.get(measure, measure_label(measure)), _caption(study, measure, bound, wanted),
        legend, panels, len(conditions) - len(panels),
    )  # fmt: skip


_TITLES = {"estoi": "Intelligibility", FER: "Frames that fail", DELAY: "Delay by the channel"}


def _caption(study: Study, measure: str, bound: bool, wanted: Criterion) -> str:
    if measure == FER:
        text = (
            "Lost, or not mended by error correction. Bars: 95 % Wilson intervals, wider where the"
            " seeds differ more than chance has it, as with bursts; of one seed that is not known."
        )
        if measure == wanted.measure:
            text += f" Dashed: {percent(wanted.limit)}."
        if study.x and study.x.unit == "dB":
            text += " Hollow: none failed; drawn at the interval's upper end."
        if bound:
            text += (
                " Dotted: what no code of this length and rate does better (normal approximation,"
                " Polyanskiy 2010)."
            )
        return text
    if measure == DELAY:
        return "Mean of the packets that arrive; bars reach up to the 95th percentile."
    recordings = {point.speech for point in study.points if measure in point.measures}
    over = "recordings" if len(recordings) > 1 else "seeds"
    text = f"Means with Student's 95 % intervals over the {over}."
    if measure == "estoi":
        text += f" 1 is the original; from {wanted.limit:g} on (dashed) taken as understandable."
    return text


def strips(study: Study, found: list[Limit]) -> tuple[list[Strip], int]:
    """What became of the frames of each link: where it still does, and one point further; and how
    many more there are than `MOST_STRIPS`."""
    result = []
    for line, values in _chosen(study, found).items():
        for value in values:
            letters = study.results.details(study.at(line, value)[0]).get("statuses")
            if letters:
                result.append(Strip(_place(study, line, value), timeline(letters)))
    return result[:MOST_STRIPS], max(0, len(result) - MOST_STRIPS)


def histograms(study: Study, found: list[Limit]) -> tuple[list[Panel], int]:
    """Delay and queue of each link, where it still does; and how many more there are than
    `MOST_HISTOGRAMS`."""
    wanted = []
    if study.adds_delay:
        for line, values in _chosen(study, found).items():
            runs = [study.results.details(p) for p in study.at(line, values[0])]
            for kind in KINDS:
                histogram = together([run[kind] for run in runs if run.get(kind)])
                if histogram is not None:
                    wanted.append((line, _place(study, line, values[0]), kind, histogram))
    panels = [_histogram(study, k, *one) for k, one in enumerate(wanted[:MOST_HISTOGRAMS])]
    return panels, len(wanted) - len(panels)


def _histogram(study: Study, number: int, line: Series, title: str, kind: str, histogram) -> Panel:
    from matplotlib.figure import Figure as Drawing

    if words := constant(kind, histogram):
        return Panel(title, "", words)
    with drawing():
        drawn = Drawing(figsize=_HISTOGRAM, layout="constrained")
        draw_histogram(drawn.subplots(), kind, histogram, colour(study, line.link))
        said = f"Histogram: {KINDS[kind][0]}, {title}"
        return Panel(title, as_svg(drawn, f"histogram{number}", said))


def _chosen(study: Study, found: list[Limit]) -> dict[Series, list[float]]:
    """For each link and condition the hardest point that does, and the next."""
    chosen: dict[Series, list[float]] = {}
    for limit in found:
        line = Series(limit.line.link, "", limit.line.condition)
        values = [v for v in study.towards_harder if study.at(line, v)]
        if line in chosen:
            continue
        if limit.at is None:
            chosen[line] = values[:1]
        else:
            held = [v for v in values if study.easier * (v - limit.at) >= -1e-9]
            chosen[line] = [held[-1], *values[len(held) : len(held) + 1]]
    return chosen


def _place(study: Study, line: Series, value: float) -> str:
    parts = [study.label(line.link)]
    if study.x:
        parts.append(f"{study.x.word} {study.x.shown(value)}")
    if line.condition:
        parts.append(condition_label(line.condition))
    return ", ".join(parts)


def table(study: Study) -> dict[str, Any]:
    """All finished points: the columns' names with whether they hold numbers, and the rows."""
    results = study.results
    settings = [Setting.of(name) for name in results.varied]
    speech = any(point.speech for point in results.points)
    columns = [(setting.label, True) for setting in settings]
    columns += [("profile", False), ("over", True), ("codec", False)]
    columns += [("speech", False)] if speech else []
    columns += [("seed", True), ("frames", True), ("failing", True)]
    columns += [(status.value, True) for status in Status]
    columns += [(measure_label(name), True) for name in results.measures]
    figures = {
        "latency_mean_ms": "delay ms", "latency_p95_ms": "95 % ms", "mouth_to_ear_ms": "to ear ms",
        "queue_most": "queue", "times_real_time": "times real time",
    }  # fmt: skip
    columns += [(name, True) for name in figures.values()]
    rows = []
    for point in results.points:
        row = [
            s.shown(point.at[s.name]).removesuffix(f" {s.unit}" if s.unit else "") for s in settings
        ]
        row += [point.link.profile, str(point.link.spread), point.codec]
        row += [point.speech] if speech else []
        row += [point.seed, str(point.frames), percent(point.fer)]
        row += [str(point.statuses[status.value]) for status in Status]
        row += [_decimals(point.measures.get(name)) for name in results.measures]
        row += [_round(point.figures.get(name)) for name in figures]
        rows.append(row)
    return {"columns": columns, "rows": rows}


def _decimals(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _round(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
