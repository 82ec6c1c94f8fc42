"""What became of each superframe, as stretches of a strip."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from voicelink.blocks.status import LETTERS
from voicelink.link_sim.picture import COLOURS
from voicelink.models.errors import FormatError
from voicelink.models.sizes import SUPERFRAME_SECONDS

_STATUSES = {letter: status for status, letter in LETTERS.items()}

MOST = 150
"""Superframes that a strip shows; more would be thinner than a line."""


@dataclass(frozen=True)
class Stretch:
    """Superframes in a row of the same status: the first, how many, and which status."""

    start: int
    length: int
    status: str
    colour: str


@dataclass(frozen=True)
class Timeline:
    """A strip.

    Attributes:
        stretches: from left to right.
        shown, all: superframes.
        words: what is read out in its place.
    """

    stretches: list[Stretch]
    shown: int
    all: int
    words: str

    @property
    def seconds(self) -> float:
        """Length of what is shown."""
        return self.shown * SUPERFRAME_SECONDS


def timeline(letters: str) -> Timeline:
    """The strip of statuses as a sweep writes them; `FormatError` for another letter."""
    unknown = set(letters) - set(_STATUSES)
    if unknown:
        raise FormatError(f"statuses are letters of {''.join(_STATUSES)}, not {min(unknown)!r}")
    shown = letters[:MOST]
    stretches, at = [], 0
    for letter, run in groupby(shown):
        length = len(list(run))
        status = _STATUSES[letter]
        stretches.append(Stretch(at, length, status.value, COLOURS[status]))
        at += length
    counts = Counter(letters)
    words = ", ".join(f"{counts[k]} {status.value}" for k, status in _STATUSES.items() if counts[k])
    return Timeline(stretches, len(shown), len(letters), words or "no superframes")
