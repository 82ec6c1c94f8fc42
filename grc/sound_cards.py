"""What flowgraphs say of a sound card that cannot be opened: GNU Radio raises its block's name."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from voicelink.models.errors import VoiceLinkError


def explain_sound_cards() -> None:
    """From now on GNU Radio's audio sinks and sources raise what is wrong, and what to do.

    Nothing is changed where the program has not imported them; twice is fine.
    """
    audio = sys.modules.get("gnuradio.audio")
    for name, way in (("sink", "output"), ("source", "input")):
        make = getattr(audio, name, None)
        if make is not None and not hasattr(make, "explained"):
            setattr(audio, name, _explained(make, way))


def _explained(make: Callable[..., Any], way: str) -> Callable[..., Any]:
    def explained(rate: int, device: str = "", *more: Any) -> Any:
        with tempfile.TemporaryFile() as said:
            try:
                with _said_into(said):
                    return make(rate, device, *more)
            # Whatever the backend raises; what it says of it goes to the console.
            except RuntimeError as error:
                said.seek(0)
                reason = _reason(said.read().decode(errors="replace")) or str(error)
        which = f" {device!r}" if device else ""
        raise VoiceLinkError(
            f"the sound card{which} cannot be opened for {way} at {rate:g} samples/s ({reason}):"
            " plug one in, or use the form without one, which has WAV files in its place:"
            " `voicelink grc compile FLOWGRAPH --headless`, without --speaker"
        )

    explained.explained = True
    return explained


@contextmanager
def _said_into(file: BinaryIO) -> Iterator[None]:
    """Take what is written to standard output and error, by libraries in C too, into a file."""
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        for stream, _ in kept:
            os.dup2(file.fileno(), stream)
        yield
    finally:
        for stream, copy in kept:
            os.dup2(copy, stream)
            os.close(copy)


def _reason(said: str) -> str:
    """What GNU Radio's block says is wrong, of all the lines there are.

    >>> _reason("audio_alsa_sink :error: [default]: No such file or directory")
    '[default]: No such file or directory'
    """
    lines = [line.partition(":error: ")[2].strip() for line in said.splitlines()]
    return next(filter(None, lines), "")[:200]
