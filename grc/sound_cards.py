"""What flowgraphs say of a sound card that cannot be opened: GNU Radio raises its block's name."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

from voicelink.models.errors import VoiceLinkError
from voicelink.models.hushed import hushed


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
    def explained(*args: Any, **named: Any) -> Any:
        try:
            with hushed((1, 2)) as said:
                made = make(*args, **named)
        # Whatever the backend raises; what it says of it goes to the console.
        except RuntimeError as error:
            reason = _reason(said.decode(errors="replace")) or str(error)
        else:
            with contextlib.suppress(OSError):  # there is no standard error
                os.write(2, said)
            return made
        rate, device = _asked(*args, **named)
        which = f" {device!r}" if device else ""
        raise VoiceLinkError(
            f"the sound card{which} cannot be opened for {way} at {rate:g} samples/s ({reason}):"
            " plug one in, or use the form without one, which has WAV files in its place:"
            " `voicelink grc compile FLOWGRAPH --headless`, without --speaker"
        )

    explained.explained = True
    return explained


def _asked(sampling_rate: int, device_name: str = "", *_: Any, **__: Any) -> tuple[int, str]:
    """Rate and device of a call, by the names that GNU Radio's sinks and sources have for them."""
    return sampling_rate, device_name


def _reason(said: str) -> str:
    """What GNU Radio's block says is wrong, of all the lines there are.

    >>> _reason("audio_alsa_sink :error: [default]: No such file or directory")
    '[default]: No such file or directory'
    """
    lines = [line.partition(":error: ")[2].strip() for line in said.splitlines()]
    return next(filter(None, lines), "")[:200]
