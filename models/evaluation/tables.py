"""The results of an evaluation as text, CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator

from voicelink.models.evaluation.evaluate import WORST, Mean, Results
from voicelink.models.evaluation.measures import TOPICS, Measure

_TITLES = {"all": "All recordings", "men": "Men", "women": "Women"}
_WIDEST = 7
"""Measures that stand in one table; more are told apart by topic."""
_NAMED = 10
"""Words that a note names."""


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _cell(mean: Mean, digits: int) -> str:
    if not mean.count:
        return "-"
    error = f" ±{mean.error:.{digits}f}" if math.isfinite(mean.error) else ""
    return _number(mean.value, digits) + error


def _blocks(results: Results) -> list[list[Measure]]:
    """The measures of each of the tables that a group's results are shown in."""
    if len(results.measures) <= _WIDEST:
        return [results.measures]
    blocks = [[m for m in results.measures if m.topic == topic] for topic in TOPICS]
    return [block for block in blocks if block]


def _head(measures: list[Measure], last: bool) -> list[str]:
    labels = [f"{m.label} (lower)" if m.better == "lower" else m.label for m in measures]
    return ["codec", "b/s", *labels, *(("CPU s/s", "delay ms") if last else ())]


def _lines(
    results: Results, group: str, measures: list[Measure], last: bool
) -> Iterator[list[str]]:
    for codec in results.codecs:
        line = [codec, _number(results.bit_rate(codec), 0)]
        line += [_cell(results.mean(codec, m.name, group), m.digits) for m in measures]
        if last:
            line += [_number(results.cpu(codec), 4), _number(results.delays_ms[codec], 0)]
        yield line


def _tables(results: Results, group: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Heads and lines of a group's tables."""
    blocks = _blocks(results)
    for number, measures in enumerate(blocks, 1):
        last = number == len(blocks)
        yield _head(measures, last), list(_lines(results, group, measures, last))


def _title(results: Results, group: str) -> str:
    rows = results.of(results.codecs[0], group)
    minutes = sum(row.seconds for row in rows) / 60
    if group == WORST:
        speakers = len(results.speakers(results.codecs[0]))
        title = f"Each speaker's worst recording: {speakers} of {len(rows)}"
    else:
        title = f"{_TITLES[group]}: {len(rows)}, {minutes:.1f} minutes"
    return title if results.condition.plain else f"{title} ({results.condition})"


def notes(results: Results) -> list[str]:
    """What a reader of the tables must know: what is absent, what could not be measured."""
    lines = [f"absent: {text}" for text in results.absent]
    lines += unheard_note(results.unheard)
    for measure in results.measures:
        gaps = sum(not math.isfinite(row.values[measure.name]) for row in results.rows)
        if gaps:
            lines.append(f"{measure.label}: not measurable in {gaps} of {len(results.rows)} rows")
    return lines


def unheard_note(words: list[str]) -> list[str]:
    """A line on the words that a recogniser never hears, where there are any."""
    if not words:
        return []
    some = ", ".join(words[:_NAMED]) + f" and {len(words) - _NAMED} more" * (len(words) > _NAMED)
    numbers = any(letter.isdigit() for word in words for letter in word)
    hint = " (write numbers as words)" if numbers else ""
    return [f"not in the recogniser's dictionary, so never heard: {some}{hint}"]


def text(results: Results, width: int | None = None) -> str:
    """Tables for a terminal, one for each group, with rich.

    Args:
        width: columns of the terminal; None for as wide as the tables are.
    """
    from rich.console import Console
    from rich.table import Table

    buffer = io.StringIO()
    console = Console(file=buffer, width=width or 400)
    for group in results.groups():
        # Not as the table's own title, which would be wrapped to its width.
        console.print(_title(results, group), markup=False, highlight=False)
        for head, lines in _tables(results, group):
            table = Table()
            for index, name in enumerate(head):
                heading = name.replace(" ", "\n")  # numbers are narrower
                table.add_column(heading, justify="left" if index == 0 else "right")
            for line in lines:
                table.add_row(*line)
            console.print(table)
    for note in notes(results):
        console.print(note, markup=False, highlight=False)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def markdown(results: Results) -> str:
    """Tables in Markdown, one for each group."""
    parts = []
    for group in results.groups():
        parts.append(f"**{_title(results, group)}**\n")
        for head, lines in _tables(results, group):
            rule = ["---", *["---:"] * (len(head) - 1)]
            parts.append("".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *lines)))
    if notes(results):
        parts.append("".join(f"- {note}\n" for note in notes(results)))
    return "\n".join(parts)


def to_csv(results: Results) -> str:
    """One line for each codec and recording; a cell is empty where nothing could be measured."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = [m.name for m in results.measures]
    facts = ["codec", "file", "sex", "speaker", "condition"]
    writer.writerow([*facts, "seconds", "bit_rate", "cpu", "lag_ms", *names])
    for row in results.rows:
        values = [row.values[name] for name in names]
        writer.writerow(
            [
                row.codec,
                row.file,
                row.sex,
                row.speaker,
                results.condition,
                f"{row.seconds:.3f}",
                f"{row.bit_rate:.1f}",
                f"{row.cpu:.5f}",
                f"{row.lag_ms:.2f}",
                *(f"{v:.4f}" if math.isfinite(v) else "" for v in values),
            ]
        )
    return buffer.getvalue()


def to_json(results: Results) -> str:
    """Means by codec and group, each recording's values, and what is absent; null for NaN."""

    def plain(value: float) -> float | None:
        return round(value, 5) if math.isfinite(value) else None

    def mean(value: Mean) -> dict:
        return {"mean": plain(value.value), "error": plain(value.error), "count": value.count}

    document = {
        "condition": str(results.condition),
        "input": results.condition.settings(),
        "measures": {
            m.name: {"label": m.label, "better": m.better, "unit": m.unit} for m in results.measures
        },
        "codecs": {
            codec: {
                "bit_rate": plain(results.bit_rate(codec)),
                "cpu": plain(results.cpu(codec)),
                "lag_ms": plain(results.lags_ms[codec]),
                "delay_ms": plain(results.delays_ms[codec]),
                "groups": {
                    group: {
                        m.name: mean(results.mean(codec, m.name, group)) for m in results.measures
                    }
                    for group in results.groups()
                },
            }
            for codec in results.codecs
        },
        "rows": [
            {
                "codec": row.codec,
                "file": row.file,
                "sex": row.sex,
                "speaker": row.speaker,
                "seconds": plain(row.seconds),
                "bit_rate": plain(row.bit_rate),
                "cpu": plain(row.cpu),
                "lag_ms": plain(row.lag_ms),
                "values": {name: plain(value) for name, value in row.values.items()},
            }
            for row in results.rows
        ],
        "absent": results.absent,
        "unheard": results.unheard,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
