"""Output files that are whole or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
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
