"""What was measured as rows, for files and people."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any


def rows(results: Iterable[Any]) -> list[dict[str, Any]]:
    """Each result as one flat dictionary; what is not known is None."""
    return [_flat(asdict(result)) for result in results]


def to_csv(results: Iterable[Any]) -> str:
    """The results as CSV, with the columns of all of them."""
    table = rows(results)
    columns = list(dict.fromkeys(name for row in table for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def show(results: Sequence[Any], columns: dict[str, str]) -> None:
    """Print a table.

    Args:
        results: dataclasses.
        columns: what to show, by the name of the flat column: the head of it and, behind a bar, how
            to format it, such as ``FER|.2e``.
    """
    import sys

    from rich.console import Console
    from rich.table import Table

    table = Table()
    for head in columns.values():
        table.add_column(head.partition("|")[0], overflow="fold")
    for row in rows(results):
        cells = []
        for name, head in columns.items():
            value, form = row.get(name), head.partition("|")[2]
            cells.append("" if value is None else format(value, form) if form else str(value))
        table.add_row(*cells)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= value
        elif is_dataclass(value):
            flat |= asdict(value)
        else:
            flat[name] = None if isinstance(value, float) and math.isnan(value) else value
    return flat
