"""The folder of a sweep's results: what is finished stays, whatever happens to the rest."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.link_sim.channels.parameters import shown
from voicelink.link_sim.sweeping.columns import AUDIO, DETAILS, SETTINGS, TABLE, columns
from voicelink.link_sim.sweeping.point import Result
from voicelink.link_sim.sweeping.sweep import Sweep
from voicelink.models.errors import FormatError, ParameterError, one_line
from voicelink.models.files import writing


def table_files(folder: str | Path) -> list[Path]:
    """The files that every sweep writes into its folder."""
    return [Path(folder) / TABLE, Path(folder) / SETTINGS]


def files_of_points(folder: str | Path) -> Iterator[Path]:
    """The files beside those that a sweep has left in its folder."""
    for name in (DETAILS, AUDIO):
        yield from (Path(folder) / name).glob("*")


class ResultsFolder:
    """Where a sweep's points go, one by one.

    A row is in the table, written through to the disk, before the next point is taken; what belongs
    to it lies there before. Use `open_folder`.

    Attributes:
        path: the folder.
        columns: of the table.
        rows: the cells of the finished points, text by column, by the point's id.
    """

    def __init__(self, path: Path, sweep: Sweep) -> None:
        self.path, self._sweep = path, sweep
        self.columns = columns(sweep.varied, sweep.measures)
        self.rows: dict[str, dict[str, str]] = {}
        self._table = path / TABLE
        self._read()

    def add(self, result: Result) -> None:
        """Keep what a point gave.

        Raises:
            ParameterError: it cannot be written, as on a full disk; the table is as before.
        """
        name = result.row["point"]
        if result.audio is not None:
            write_audio(self.path / AUDIO / f"{name}.flac", result.audio)
        if result.details is not None:
            with writing(self.path / DETAILS / f"{name}.json") as part:
                text = json.dumps(result.details, allow_nan=False, default=_number)
                part.write_text(text + "\n", encoding="utf-8")
        values = {"title": self._sweep.title, **result.row}
        row = {column: _cell(values.get(column)) for column in self.columns}
        self._append(_line([row[column] for column in self.columns]))
        self.rows[name] = row

    def keep_recordings(self) -> None:
        """Copy the recordings, so that what was heard can be compared with them."""
        for recordings in self._sweep.speech.values():
            for name, file in recordings:
                path = self.path / AUDIO / f"{name}.flac"
                if not path.exists():
                    try:
                        audio = read_audio(file)
                    except FormatError:  # the points with it will say so
                        continue
                    write_audio(path, audio)

    def sort(self, order: list[str]) -> None:
        """Write the table again with its rows in this order of points, as they came as they did."""
        self.rows = {name: self.rows[name] for name in order if name in self.rows}
        self._write()

    def forget_failed(self) -> None:
        """Take the points that failed out of the table, to try them again."""
        failed = [name for name, row in self.rows.items() if row["error"]]
        for name in failed:
            del self.rows[name]
        if failed:
            self._write()

    def check_inputs(self, changed: list[str]) -> None:
        """Go on though these inputs have changed, if nothing finished is of what they were.

        Raises:
            ParameterError: something is.
        """
        now = {point.id for point in self._sweep.points()}
        if any(name not in now and not row["error"] for name, row in self.rows.items()):
            raise ParameterError(
                f"{self.path} holds results of other inputs: {', '.join(changed)} changed since;"
                f" give another folder with -o"
            )
        for name in changed:
            kind, _, name = name.partition(" ")
            if kind == "speech":
                (self.path / AUDIO / f"{name}.flac").unlink(missing_ok=True)

    def _read(self) -> None:
        """Read the table, or begin it; a last line that a kill cut short is dropped."""
        try:
            content = self._table.read_bytes()
        except FileNotFoundError:
            self._write()
            return
        except OSError as error:
            raise ParameterError(f"cannot read {self._table}: {error.strerror}") from None
        whole = content[: content.rfind(b"\n") + 1]
        try:
            rows = list(csv.reader(io.StringIO(whole.decode("utf-8", "replace"), newline="")))
        except csv.Error as error:
            raise ParameterError(f"{self._table} is no CSV: {error}") from None
        if rows and rows[0] != self.columns:
            raise ParameterError(f"{self._table} is the table of another version or sweep")
        for number, cells in enumerate(rows[1:], 2):
            if len(cells) != len(self.columns):
                raise ParameterError(
                    f"{self._table}, line {number}, is damaged: it has {len(cells)} fields and not"
                    f" {len(self.columns)}"
                )
            row = dict(zip(self.columns, cells, strict=True))
            self.rows[row["point"]] = row
        if not rows:
            self._write()
        elif len(whole) < len(content):
            with self._written() as file:
                file.truncate(len(whole))

    def _write(self) -> None:
        with writing(self._table) as part:
            lines = [_line(self.columns)]
            lines += [_line([row[c] for c in self.columns]) for row in self.rows.values()]
            with part.open("wb") as file:
                file.write(b"".join(lines))
                file.flush()
                os.fsync(file.fileno())

    def _append(self, line: bytes) -> None:
        with self._written() as file:
            size = file.seek(0, os.SEEK_END)
            try:
                while line:  # a disk that is nearly full takes a part of it
                    line = line[file.write(line) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise

    @contextmanager
    def _written(self) -> Iterator[io.FileIO]:
        try:
            with self._table.open("r+b", buffering=0) as file:
                yield file
        except OSError as error:
            raise ParameterError(f"cannot write {self._table}: {error.strerror}") from None


@contextmanager
def open_folder(path: str | Path, sweep: Sweep) -> Iterator[ResultsFolder]:
    """Begin a folder of results, or go on with one.

    Raises:
        ParameterError: it cannot be written, holds another sweep's results, or another process is
            working on it.
    """
    path = Path(path)
    try:
        for part in (path, path / DETAILS, *((path / AUDIO,) if sweep.keep_audio else ())):
            part.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"cannot make the folder {path}: {error.strerror}") from None
    text = yaml.safe_dump(sweep.resolved, sort_keys=False, allow_unicode=True)
    settings = path / SETTINGS
    with _locked(path):
        begun = settings.exists() or (path / TABLE).exists()
        changed = _same_sweep(settings, text) if begun else []
        if not begun:
            _write_settings(settings, text)
        folder = ResultsFolder(path, sweep)
        if changed:
            folder.check_inputs(changed)
            _write_settings(settings, text)
        yield folder


def _write_settings(settings: Path, text: str) -> None:
    with writing(settings) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The folder itself, as the files in it are replaced.
    lock = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ParameterError(f"another process is working on {path}") from None
        yield
    finally:
        os.close(lock)


def _same_sweep(settings: Path, text: str) -> list[str]:
    """The inputs that have changed since.

    Raises:
        ParameterError: the folder belongs to another sweep; it names what differs.
    """
    try:
        found = yaml.safe_load(settings.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(f"cannot read {settings}: {one_line(error)}") from None
    wanted = yaml.safe_load(text)
    if not isinstance(found, dict):
        found = {}
    other = [key for key in {**wanted, **found} if found.get(key) != wanted.get(key)]
    known = isinstance(found.get("inputs"), dict)
    other = [key for key in other if key not in ("title", "about", *(("inputs",) if known else ()))]
    if other:
        raise ParameterError(
            f"{settings.parent} holds the results of another sweep: {', '.join(other)} differs in"
            f" {SETTINGS}; give another folder with -o"
        )
    before, now = found["inputs"], wanted["inputs"]
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def _line(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode("utf-8")


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, tuple):
        return shown(value)
    if isinstance(value, float):
        return f"{value:.7g}"
    # One line for each point, whatever the text.
    return " ".join(str(value).split()) if isinstance(value, str) else str(value)


def _number(value: Any) -> Any:
    """numpy's numbers in the details as Python's."""
    return value.item()
