"""The names in a folder of results: its files, and the columns of its table."""

from __future__ import annotations

from collections.abc import Iterable

from voicelink.blocks.status import Status

SETTINGS, TABLE, DETAILS, AUDIO = "sweep.yaml", "results.csv", "details", "audio"
"""The sweep as it was run, the table, and the folders of what belongs to its rows."""

NAMES = ("point", "title", "seed", "profile", "spread", "model", "codec", "speech")
"""What names a point; behind them are the varied settings of the channels."""

COUNTS = ("frames", "seconds", "lost", "failed", "fer", *(status.value for status in Status))
"""What became of the superframes; behind them are the measures of speech."""

FIGURES = (
    "payload_rate", "on_air_rate", "latency_mean_ms", "latency_p95_ms", "latency_max_ms",
    "mouth_to_ear_ms", "queue_most", "cpu_s", "times_real_time",
)  # fmt: skip
"""The other numbers."""

ORIGIN = ("version", "numpy", "model_hash")
"""What made it."""

ERROR = "error"
"""Why it failed."""


def columns(varied: Iterable[str], measures: Iterable[str]) -> list[str]:
    """The columns of a table, in order."""
    return [*NAMES, *varied, *COUNTS, *measures, *FIGURES, *ORIGIN, ERROR]


def varied_columns(columns: list[str]) -> list[str]:
    """Those of a table's columns that are varied settings of channels."""
    return columns[columns.index(NAMES[-1]) + 1 : columns.index(COUNTS[0])]


def measure_columns(columns: list[str]) -> list[str]:
    """Those of a table's columns that are measures of speech."""
    return columns[columns.index(COUNTS[-1]) + 1 : columns.index(FIGURES[0])]
