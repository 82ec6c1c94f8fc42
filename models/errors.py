"""The errors of the project. Each message names what was wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VoiceLinkError(Exception):
    """Base of all. The command line prints its one line and leaves with status 2."""


class ParameterError(VoiceLinkError, ValueError):
    """An argument, an option or a key of a YAML file has no meaning or is out of range."""


class FormatError(VoiceLinkError, ValueError):
    """A file, a bitstream or a frame is not what it should be."""


class ModelError(VoiceLinkError):
    """A model is missing, damaged, or of another version."""


class TransportError(VoiceLinkError, OSError):
    """A socket could not be opened, or its settings do not go together."""


def one_line(error: object) -> str:
    """What somebody else's error says, in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200]


def require(name: str, value: float, low: float | None = None, high: float | None = None) -> float:
    """``value`` as given, if it is a finite number within [low, high]; else `ParameterError`."""
    try:
        number = float(value)
        good = number - number == 0 and not isinstance(value, bool)
    except (TypeError, ValueError, OverflowError):
        good = False
    if good and (low is None or number >= low) and (high is None or number <= high):
        return value
    if low is not None and high is not None:
        wanted = f"a number from {low:g} to {high:g}"
    elif low is not None:
        wanted = f"a number of at least {low:g}"
    elif high is not None:
        wanted = f"a number of at most {high:g}"
    else:
        wanted = "a finite number"
    raise ParameterError(f"{name} must be {wanted}, not {value!r:.60}")


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """``value``, if it is one of ``choices``; else `ParameterError` with the near matches."""
    choices = list(choices)
    if value in choices:
        return str(value)
    near = difflib.get_close_matches(str(value), choices, n=2, cutoff=0.5)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    raise ParameterError(f"{name} must be one of {', '.join(choices)}, not {value!r}{hint}")


def true_or_false(name: str, value: object) -> bool:
    """``value``, if it is a bool (numpy's too, and 0 and 1); else `ParameterError`."""
    if type(value).__name__ in ("bool", "bool_", "int") and value in (0, 1):
        return bool(value)
    raise ParameterError(f"{name} must be True or False, not {value!r:.60}")
