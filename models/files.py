"""Output files that are whole or not there at all."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from voicelink.models.errors import ParameterError


def check_folder(path: str | Path) -> None:
    """Raise `ParameterError` where ``path`` cannot be written: it is a folder, or has none."""
    path = Path(path)
    try:
        if not path.absolute().parent.is_dir():
            raise ParameterError(f"cannot write {path}: its folder does not exist")
        if path.is_dir():
            raise ParameterError(f"cannot write {path}: it is a folder")
    except OSError as error:
        raise ParameterError(f"cannot write {path}: {error.strerror}") from None


def check_apart(
    outputs: Iterable[str | Path | None], inputs: Iterable[str | Path | None] = ()
) -> None:
    """Raise `ParameterError` where an output is an input, or two outputs are one file, by whatever
    names: one would be lost.

    None and ``-`` are no files, and what is not there yet is no input.
    """
    outputs, inputs = (
        [path for path in paths if path is not None and str(path) != "-"]
        for paths in (outputs, inputs)
    )
    for output, path in itertools.product(outputs, inputs):
        if _same(output, path):
            raise ParameterError(
                f"cannot write {output}: it is the input {path}; name another file"
            )
    for one, other in itertools.combinations(outputs, 2):
        if _same(one, other) or _real(one) == _real(other):
            raise ParameterError(
                f"cannot write {other}: the output {one} goes there too; name another file"
            )


def _same(one: str | Path, other: str | Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):  # one is not there, or no name of a file
        return False


def _real(path: str | Path) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # no name of a file
        return str(path)


def check_no_terminal(path: str | Path) -> None:
    """Raise `ParameterError` where ``path`` is ``-`` and standard output a terminal: what is no
    text would garble it."""
    if str(path) == "-" and sys.stdout.isatty():
        raise ParameterError(
            "standard output is a terminal, and what would go there is no text: name a file, or put"
            " | and a program behind the command"
        )


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, renamed to it when the block ends without an error.

    Raises:
        ParameterError: the folder is missing or may not be written to, the name is a folder's or a
            device's, or the disk is full.
    """
    path = Path(path)
    check_folder(path)
    if path.exists() and not path.is_file():
        # Renaming would put a file in its place, and nothing into it.
        raise ParameterError(f"cannot write {path}: it is a device or a pipe")
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent or "."
        )
    except OSError as error:
        raise ParameterError(f"cannot write {path}: {error.strerror}") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        # mkstemp makes files for their owner only; an output file has the usual rights.
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(path)
    except OSError as error:
        raise ParameterError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
