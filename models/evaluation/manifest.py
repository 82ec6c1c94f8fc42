"""What a ``manifest.tsv`` beside recordings says of them."""

from __future__ import annotations

import csv
from pathlib import Path

from voicelink.models.errors import FormatError

NAME = "manifest.tsv"


def read_manifest(folder: Path) -> dict[str, dict[str, str]]:
    """The manifest's rows by file name; empty where the folder has none.

    It is tab-separated with a head; ``file`` names the recording; ``sex`` (M or F) and ``speaker``,
    if there, let results be told apart by them; ``text`` is what is said.

    Raises:
        FormatError: it is not such a file.
    """
    path = Path(folder) / NAME
    return read_table(path) if path.exists() else {}


def read_table(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a file like a manifest by file name.

    Raises:
        FormatError: it is not such a file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"cannot read {path}: {error}") from None
    if any(not row.get("file") for row in rows):
        raise FormatError(f"{path} must be tab-separated with a column 'file' in every line")
    return {row["file"]: row for row in rows}
