"""Options that name several of a known set, as ``--codecs A,B``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from typing import Protocol, TypeVar

from voicelink.models.errors import ParameterError, one_of
from voicelink.models.evaluation.measures import Measure


class _Optional(Protocol):
    def absent(self) -> str | None: ...


_T = TypeVar("_T", bound=_Optional)


def chosen_names(option: str, wanted: str, known: Iterable[str]) -> list[str]:
    """The names in an option's text, in its order, each once.

    Raises:
        ParameterError: one of them is not known, or there is none.

    >>> chosen_names("--only", "b, a,b", ["a", "b", "c"])
    ['b', 'a']
    """
    known = list(known)
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if not names:
        raise ParameterError(f"{option} must name one at least of {', '.join(known)}")
    return [one_of(option, name, known) for name in dict.fromkeys(names)]


def chosen(option: str, wanted: str, known: Mapping[str, _T]) -> list[_T]:
    """The codecs or measures that an option names, each of them on this machine.

    Raises:
        ParameterError: one of them is not known or not here, or there is none.
    """
    found = [known[name] for name in chosen_names(option, wanted, known)]
    for each in found:
        if each.absent():
            raise ParameterError(f"{option}: {each.absent()}")
    return found


def require_transcripts(option: str, measures: Iterable[Measure], transcripts: Sized) -> None:
    """Raise `ParameterError` where a measure that an option names needs a transcript, and there is
    none."""
    for measure in measures:
        if measure.transcribed and not transcripts:
            raise ParameterError(
                f"{option}: {measure.name} needs to know what is said in one recording at"
                " least: --transcripts FILE, or a column text in the folder's manifest.tsv"
            )
