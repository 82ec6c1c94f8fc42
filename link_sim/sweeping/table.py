"""The results of a sweep for people: means over recordings and seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
    named = [*sweep.varied, "profile", "spread", "model", "codec"]
    # What is the same in all of them says nothing, but a table without any name says less.
    shown = [name for name in named if len({row[name] for row in good}) > 1] or ["profile"]
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in good:
        groups.setdefault(tuple(row[name] for name in shown), []).append(row)

    columns: dict[str, list[str]] = {
        "runs": [str(len(rows)) for rows in groups.values()],
        "frames": [f"{_sum(rows, 'frames'):.0f}" for rows in groups.values()],
        "FER %": [f"{_percent(rows, 'failed', _frames):.2f}" for rows in groups.values()],
        "lost %": [f"{_percent(rows, 'lost', _packets):.2f}" for rows in groups.values()],
    }
    for measure in (MEASURES[name] for name in sweep.measures):
        values = [_mean(rows, measure.name) for rows in groups.values()]
        columns[measure.label] = [_text(value, measure.digits) for value in values]
    for head, name, of in (
        ("delay\nms", "latency_mean_ms", _mean),
        ("most\nms", "latency_max_ms", _most),
        ("mouth\nto ear\nms", "mouth_to_ear_ms", _mean),
    ):
        columns[head] = [_text(of(rows, name), 0) for rows in groups.values()]
    speeds = [_sum(rows, "seconds") / max(_sum(rows, "cpu_s"), 1e-9) for rows in groups.values()]
    columns["x real\ntime"] = [_text(speed, 0) for speed in speeds]

    drawn = Table(title=sweep.title or None)
    for index, name in enumerate(shown):
        head = name.removeprefix("channel.").replace(".", "\n")
        drawn.add_column(head, justify="right" if index < len(sweep.varied) else "left")
    # Losses and delays only where there are any.
    kept = {
        head: cells
        for head, cells in columns.items()
        if head not in ("lost %", "delay\nms", "most\nms") or any(float(c or 0) for c in cells)
    }
    for head in kept:
        drawn.add_column(head, justify="right")
    for names, *cells in zip(groups, *kept.values(), strict=True):
        drawn.add_row(*names, *cells)
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


def _frames(row: dict[str, str]) -> int:
    return int(row["frames"])


def _packets(row: dict[str, str]) -> int:
    """Packets that carried its frames: spread over D, D - 1 more than these."""
    return _frames(row) + int(row["spread"]) - 1


def _percent(rows: list[dict[str, str]], name: str, of: Callable[[dict[str, str]], int]) -> float:
    return 100 * _sum(rows, name) / max(sum(map(of, rows)), 1)


def _most(rows: Iterable[dict[str, str]], name: str) -> float:
    return max(_numbers(rows, name), default=math.nan)


def _mean(rows: Iterable[dict[str, str]], name: str) -> float:
    found = _numbers(rows, name)
    return sum(found) / len(found) if found else math.nan


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else ""
