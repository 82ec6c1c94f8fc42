"""A folder that `voicelink sweep` wrote, read."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from voicelink.blocks.status import Status
from voicelink.link_sim.sweeping.columns import (
    AUDIO,
    COUNTS,
    DETAILS,
    FIGURES,
    ORIGIN,
    SETTINGS,
    TABLE,
    columns,
    measure_columns,
    varied_columns,
)
from voicelink.models.card import card
from voicelink.models.errors import FormatError, VoiceLinkError
from voicelink.models.sizes import PAYLOAD_BITS


@dataclass(frozen=True)
class Link:
    """What carries the speech, whatever the codec.

    Attributes:
        profile: of the error correction.
        spread: superframes that a frame is spread over; 1 for none.
        model: the speech model's id.
    """

    profile: str
    spread: int
    model: str

    @property
    def payload_bits(self) -> int:
        """Of the model; 256 where it is not on this machine."""
        try:
            return card(self.model).payload_bits
        except VoiceLinkError:
            return PAYLOAD_BITS


@dataclass(frozen=True)
class Point:
    """One finished run.

    Attributes:
        name: of its files in ``details`` and ``audio``.
        codec: whose speech it is, over the same packets.
        speech: the recording's name; "" where the link alone was simulated.
        at: the channel settings that the sweep varies, by name.
        statuses: how many superframes had each status.
        measures: of the speech, by name; those that could not be measured are left out.
        figures: the other numbers of the table, by name; those that are not there are left out.
        origin: versions and the model's hash.
        error: why it failed; "" where it did not.
    """

    name: str
    seed: str
    link: Link
    codec: str
    speech: str
    at: dict[str, Any]
    frames: int
    fer: float
    statuses: dict[str, int]
    measures: dict[str, float]
    figures: dict[str, float]
    origin: dict[str, str]
    error: str

    @property
    def errors(self) -> int:
        """Frames that were lost or not mended."""
        return round(self.fer * self.frames)


@dataclass
class Results:
    """All of a folder but its audio.

    Attributes:
        folder: where it is.
        title, about: for people.
        channel: the stages as the sweep has them.
        varied: names of the channel settings that vary, in the sweep's order.
        measures: names of the measures of speech, in the table's order.
        points: finished ones.
        failed: the others.
        notes: what was left out, one line each.
    """

    folder: Path
    title: str
    about: str
    channel: Any
    varied: list[str]
    measures: list[str]
    points: list[Point]
    failed: list[Point]
    notes: list[str] = field(default_factory=list)

    def details(self, point: Point) -> dict[str, Any]:
        """The point's statuses in order, and its histograms; empty where they are not there."""
        path = self.folder / DETAILS / f"{point.name}.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise FormatError(f"{path} cannot be read: {error}") from None
        if not isinstance(found, dict):
            raise FormatError(f"{path} must hold a JSON object")
        if not isinstance(found.get("statuses", ""), str):
            raise FormatError(f"{path}: statuses must be a text, a letter for each superframe")
        return found

    def audio(self, name: str) -> Path | None:
        """The file of a point's or a recording's audio, if it was kept."""
        path = self.folder / AUDIO / f"{name}.flac"
        return path if path.is_file() else None


def read_results(folder: str | Path) -> Results:
    """Read a folder of `voicelink sweep`.

    A last line that was cut short by a kill is left out, and said in ``notes``.

    Raises:
        FormatError: no such folder, no table in it, a table of other columns, a line of it that is
            damaged, or no finished point.
    """
    folder = Path(folder)
    path = folder / TABLE
    if not folder.is_dir():
        raise FormatError(f"{folder} is no folder; one that `voicelink sweep` wrote is wanted")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FormatError(
            f"{folder} has no {TABLE}; a folder that `voicelink sweep` wrote is wanted"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} cannot be read: {error}") from None
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise FormatError(f"{path} is no CSV: {error}") from None
    found = rows[0] if rows else []
    missing = [name for name in columns((), ()) if name not in found]
    if missing:
        raise FormatError(
            f"{path} has no column {missing[0]}; a table of `voicelink sweep` is wanted"
        )
    varied, measures = varied_columns(found), measure_columns(found)
    notes = []
    points: dict[str, Point] = {}
    for number, row in enumerate(rows[1:], start=2):
        last = number == len(rows)
        if last and (len(row) < len(found) or not text.endswith("\n")):
            notes.append(f"the last line of {TABLE} was cut short, and is left out")
            break
        if len(row) != len(found):
            raise FormatError(f"{path}, line {number}, has {len(row)} fields, and not {len(found)}")
        cells = dict(zip(found, row, strict=True))
        point = _point(cells, varied, measures, f"{path}, line {number}")
        points[point.name, point.codec] = point
    finished = [point for point in points.values() if not point.error]
    failed = [point for point in points.values() if point.error]
    if not finished:
        why = f": {failed[0].error}" if failed else ""
        raise FormatError(f"{path} has no finished point{why}")
    sweep = _sweep(folder / SETTINGS)
    title = str(sweep.get("title") or next((r[1] for r in rows[1:] if len(r) > 1), ""))
    return Results(
        folder, title or folder.name, str(sweep.get("about") or ""), sweep.get("channel"),
        varied, measures, finished, failed, notes,
    )  # fmt: skip


def _sweep(path: Path) -> dict:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise FormatError(f"{path} cannot be read: {reason}") from None
    return found if isinstance(found, dict) else {}


def _point(cells: dict[str, str], varied: list[str], measures: list[str], where: str) -> Point:
    def number(name: str) -> float | None:
        text = cells[name].strip()
        try:
            value = float(text or "nan")
        except ValueError:
            raise FormatError(f"{where}: {name} must be a number, not {text!r}") from None
        return value if math.isfinite(value) else None

    def found(names) -> dict[str, float]:
        return {name: value for name in names if (value := number(name)) is not None}

    error = cells["error"].strip()
    counts = found(COUNTS)
    if not error and (lacking := [name for name in ("frames", "fer") if name not in counts]):
        raise FormatError(f"{where}: {lacking[0]} must be a number, not nothing")
    spread = number("spread")
    return Point(
        name=cells["point"],
        seed=cells["seed"],
        link=Link(cells["profile"], int(spread or 1), cells["model"]),
        codec=cells["codec"],
        speech=cells["speech"],
        at={name: _value(cells[name]) for name in varied},
        frames=int(counts.get("frames", 0)),
        fer=counts.get("fer", 0.0),
        statuses={s.value: int(counts.get(s.value, 0)) for s in Status},
        measures=found(measures),
        figures=found(FIGURES),
        origin={name: cells[name] for name in ORIGIN},
        error=error,
    )


def _value(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
