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
    """The rows of a file like a manifest by file name. Heads may be in capitals, and values in
    quotes, as spreadsheets write them.

    Raises:
        FormatError: it is not such a file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # A text may begin with a quotation that ends within it.
            lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except UnicodeDecodeError:
        raise FormatError(f"{path} must be text in UTF-8") from None
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from None
    except csv.Error as error:
        raise FormatError(f"cannot read {path}: {error}") from None
    head = [_bare(name).lower() for name in lines[0]] if lines else []
    if "file" not in head:
        raise FormatError(
            f"{path}: the first line must name columns, tab-separated, 'file' among them, and is"
            f" {' '.join(lines[0]) if lines else ''!r}"
        )
    found: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines[1:], 2):
        row = dict(zip(head, map(_bare, line), strict=False))
        if not any(row.values()):
            continue
        name = row.get("file")
        if not name or name in found:
            said = f"names {name} again" if name else "has no file"
            raise FormatError(f"{path}: line {number} {said}; each must name a file of its own")
        found[name] = row
    return found


def _bare(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('""', '"').strip()
    return value
