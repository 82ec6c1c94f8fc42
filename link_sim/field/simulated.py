"""The simulation's curves of frames that fail, to put beside what was measured in the field.

``curves.csv`` holds them, a line for each point: ``mode,channel,snr_db,frames,failed``; the SNR is
that of the mean signal in 3 kHz.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from voicelink.models.errors import FormatError, ParameterError, require

COLUMNS = ("mode", "channel", "snr_db", "frames", "failed")


@dataclass(frozen=True)
class Curve:
    """One mode over one channel.

    Attributes:
        mode, channel: their names.
        points: SNR in 3 kHz, dB, and share of frames that fail, by rising SNR.
    """

    mode: str
    channel: str
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
    for number, row in enumerate(rows, start=2):
        try:
            snr, frames, failed = (float(row[name]) for name in COLUMNS[2:])
            require("snr_db", snr, -100, 100)
            require("frames", frames, 1)
            require("failed", failed, 0, frames)
        except (TypeError, ValueError, ParameterError) as error:
            raise FormatError(f"{path}, line {number}: {error}") from None
        found.setdefault((row["mode"], row["channel"]), []).append((snr, failed / frames))
    return [Curve(*key, tuple(sorted(points))) for key, points in found.items()]
