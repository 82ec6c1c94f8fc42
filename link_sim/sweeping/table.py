"""The results of a sweep for people: means over recordings and seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from voicelink.models.evaluation.measures import MEASURES

if TYPE_CHECKING:
    from rich.table import Table

    from voicelink.link_sim.sweeping.run import Outcome
    from voicelink.link_sim.sweeping.sweep import Sweep


def table(sweep: Sweep, outcome: Outcome) -> Table:
    """One line for each combination of settings, in the order of the grid."""
    from rich.table import Table

    good = [row for row in outcome.rows if not row["error"]]
    named = [*sweep.varied, "profile", "interleaver", "model", "codec"]
    # What is the same in all of them says nothing, but a table without any name says less.
    shown = [name for name in named if len({row[name] for row in good}) > 1] or ["profile"]
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in good:
        groups.setdefault(tuple(row[name] for name in shown), []).append(row)

    drawn = Table(title=sweep.title or None)
    for name in shown:
        drawn.add_column(name.removeprefix("channel.").replace(".", "\n"), justify="right")
    measures = [MEASURES[name] for name in sweep.measures]
    heads = ["runs", "frames", "FER %", "lost %", *(m.label for m in measures)]
    for head in (*heads, "delay ms\nmean", "largest", "mouth to\near ms", "x real\ntime"):
        drawn.add_column(head, justify="right")
    for names, rows in groups.items():
        frames = _sum(rows, "frames")
        drawn.add_row(
            *names,
            str(len(rows)),
            f"{frames:.0f}",
            f"{100 * _sum(rows, 'failed') / frames:.2f}",
            f"{100 * _sum(rows, 'lost') / frames:.2f}",
            *(_text(_mean(rows, m.name), m.digits) for m in measures),
            _text(_mean(rows, "latency_mean_ms"), 0),
            _text(max(_numbers(rows, "latency_max_ms"), default=math.nan), 0),
            _text(_mean(rows, "mouth_to_ear_ms"), 0),
            _text(_sum(rows, "seconds") / max(_sum(rows, "cpu_s"), 1e-9), 0),
        )
    return drawn


def values(row: dict[str, str]) -> dict[str, str | int | float | None]:
    """A row with its numbers as numbers, and None where there is nothing."""
    words = {"point", "title", "profile", "model", "codec", "speech", "version", "numpy"}
    words |= {"model_hash", "error"}
    return {name: text if name in words else _plain(text) for name, text in row.items()}


def _plain(text: str) -> str | int | float | None:
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _numbers(rows: Iterable[dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in rows if row[name]]


def _sum(rows: Iterable[dict[str, str]], name: str) -> float:
    return sum(_numbers(rows, name))


def _mean(rows: Iterable[dict[str, str]], name: str) -> float:
    found = _numbers(rows, name)
    return sum(found) / len(found) if found else math.nan


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
