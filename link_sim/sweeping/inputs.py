"""What a sweep reads beside its own file, known by content: recordings, traces, models."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from voicelink.link_sim.channels.registry import CHANNELS
from voicelink.models.card import card
from voicelink.models.errors import ParameterError


def input_names(model: str, speech: str, channel: Iterable[dict]) -> list[str]:
    """What a point reads: its model, its recording if it has one, the files of its channels."""
    files = [
        settings[key]
        for item in channel
        for name, settings in item.items()
        for key in _file_settings(name)
        if key in settings
    ]
    speech = [f"speech {speech}"] if speech else []
    return [f"model {model}", *speech, *(f"file {file}" for file in files)]


@functools.cache
def _file_settings(channel: str) -> list[str]:
    return [each.name for each in CHANNELS[channel].parameters() if each.kind == "file"]


def file_hash(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits.

    Raises:
        ParameterError: it cannot be read.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror or error}") from None


def model_hash(model: str) -> str:
    """The first digits of the SHA-256 of each of the model's files, as its card has them."""
    return "-".join(file["sha256"][:8] for file in card(model).text["files"].values())
