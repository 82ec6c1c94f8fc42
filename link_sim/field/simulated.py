"""The simulation's curves of frames that fail, to put beside what was measured in the field.

``curves.csv`` is what ``voicelink modem curve --csv`` writes, a line for each point; of its columns
mode, spread, path, snr_db (of the mean signal in 3 kHz), frames and errors are read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from voicelink.models.errors import FormatError, ParameterError, require

COLUMNS = ("mode", "spread", "path", "snr_db", "frames", "errors")


@dataclass(frozen=True)
class Curve:
    """One mode over one path.

    Attributes:
        mode: with the depth of spreading behind a slash where there is one, as ``bpsk/4``.
        path: its name.
        points: SNR in 3 kHz, dB, and share of frames that fail, by rising SNR.
    """

    mode: str
    path: str
    points: tuple[tuple[float, float], ...]


def read_curves(path: str | Path | None = None) -> list[Curve]:
    """The curves of a file, or those that come with this software.

    Raises:
        FormatError: the file is missing, or has other columns, or a line that cannot be.
    """
    try:
        if path is None:
            text = (resources.files(__package__) / "curves.csv").read_text(encoding="utf-8")
        else:
            text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{path} is no CSV: it is no text") from None
    rows = csv.DictReader(io.StringIO(text))
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise FormatError(f"{path} must have the columns {','.join(COLUMNS)}")
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number, row in enumerate(_read(rows, path), start=2):
        if not row["mode"]:  # another system's, measured beside
            continue
        try:
            if not row["path"]:
                raise ValueError("the path is missing")
            snr, frames, errors = (float(row[name]) for name in COLUMNS[3:])
            require("snr_db", snr, -100, 100)
            require("frames", frames, 1)
            require("errors", errors, 0, frames)
            name = mode_name(row["mode"], int(row["spread"]))
        except (TypeError, ValueError, ParameterError) as error:
            raise FormatError(f"{path}, line {number}: {error}") from None
        found.setdefault((name, row["path"]), []).append((snr, errors / frames))
    return [Curve(*key, tuple(sorted(points))) for key, points in found.items()]


def _read(rows: csv.DictReader, path: str | Path | None) -> Iterator[dict[str, str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise FormatError(f"{path}: {error}") from None


def mode_name(mode: str, spread: int) -> str:
    """A mode with the depth of its spreading.

    >>> mode_name("bpsk", 1), mode_name("qpsk", 4)
    ('bpsk', 'qpsk/4')
    """
    return f"{mode}/{spread}" if spread > 1 else mode
