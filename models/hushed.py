"""What libraries in C say by themselves on standard error or output, kept from being seen."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO


@contextlib.contextmanager
def hushed(streams: Sequence[int] = (2,)) -> Iterator[bytearray]:
    """Nothing that is written meanwhile to the process's standard error is seen.

    Args:
        streams: file descriptors that are kept silent: 1 standard output, 2 standard error.

    Yields:
        What was written to them, in its order; empty until all is over.

    >>> import os
    >>> with hushed() as said:
    ...     _ = os.write(2, b"greetings from a library")
    >>> bytes(said)
    b'greetings from a library'
    """
    said = bytearray()
    with _file() as file:
        try:
            # The last is given back first: a copy may have the number of one that is not there.
            with contextlib.ExitStack() as back:
                for number in streams:
                    back.enter_context(_led_into(file, number))
                yield said
        finally:
            file.seek(0)
            said += file.read()


def _file() -> BinaryIO:
    try:
        return tempfile.TemporaryFile()
    except OSError:  # there is no place for one: what is said is lost
        return open(os.devnull, "r+b", buffering=0)


@contextlib.contextmanager
def _led_into(file: BinaryIO, number: int) -> Iterator[None]:
    # What Python holds back was written before.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        {1: sys.stdout, 2: sys.stderr}[number].flush()
    try:
        before = os.dup(number)
    except OSError:  # there is no such stream
        yield
        return
    try:
        os.dup2(file.fileno(), number)
        yield
    finally:
        os.dup2(before, number)
        os.close(before)
