"""A channel's parameters, each declared once: for the constructor, its checks, YAML and help.

A channel is a dataclass (`Configured`) whose fields are made by the functions here::

    probability: float = number("share of the packets that is lost", low=0, high=1)

The field carries a `Parameter` in its metadata; without ``default`` it must be given.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

from voicelink.models.errors import ParameterError, one_of, require

if TYPE_CHECKING:
    import numpy as np

REQUIRED: Any = object()
"""The default of a parameter that has none."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a channel.

    Attributes:
        help: what it means, in a few words.
        kind: ``number``, ``whole number``, ``switch``, ``choice``, ``times`` or ``file``.
        unit: of a number; empty for a pure one.
        low: smallest number allowed, or None.
        high: largest number allowed, or None.
        choices: the words of a choice.
        default: its value when not given; `REQUIRED` if it must be given. A parameter
            with the default None may be None, meaning that it is not used.
        name: as in the constructor and in YAML.
    """

    help: str
    kind: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    default: Any = REQUIRED
    name: str = ""

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED

    @property
    def range(self) -> str:
        """What it may be, in words: ``0 to 1``, ``at least 0 s``, ``soft | hard``."""
        if self.kind == "choice":
            return " | ".join(self.choices)
        if self.kind == "switch":
            return "true | false"
        if self.kind == "times":
            return "[[start, stop], ...] in s"
        if self.kind == "file":
            return "file"
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}{unit}"
        if self.low is not None:
            return f"at least {self.low:g}{unit}"
        return f"any{unit}"

    def check(self, where: str, value: Any) -> Any:
        """``value`` as the channel keeps it; `ParameterError` names ``where`` if it is wrong."""
        if value is None and self.default is None:
            return None
        if self.kind == "choice":
            return one_of(where, value, self.choices)
        if self.kind == "switch":
            if not isinstance(value, bool):
                raise ParameterError(f"{where} must be true or false, not {value!r}")
            return value
        if self.kind == "times":
            return _times(where, value)
        if self.kind == "file":
            if not isinstance(value, (str, os.PathLike)) or not str(value):
                raise ParameterError(f"{where} must be the name of a file, not {value!r:.60}")
            return str(value)
        wanted = Integral if self.kind == "whole number" else Real
        if not isinstance(value, wanted) or isinstance(value, bool):
            words = isinstance(value, str) and self.unit  # perhaps "2 dB", or "100 ms"
            unit = f" in {self.unit}, written without the unit" if words else ""
            raise ParameterError(f"{where} must be a {self.kind}{unit}, not {value!r:.60}")
        convert = int if wanted is Integral else float
        return convert(require(where, value, self.low, self.high))


class Configured:
    """A dataclass with a ``name`` whose fields are parameters, checked when it is made."""

    name: ClassVar[str]

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """The parameters, in the order of the constructor."""
        return tuple(
            dataclasses.replace(field.metadata["parameter"], name=field.name)
            for field in dataclasses.fields(cls)
        )

    def __post_init__(self) -> None:
        for parameter in self.parameters():
            value = getattr(self, parameter.name)
            setattr(self, parameter.name, parameter.check(f"{self.name}.{parameter.name}", value))
        self._check()
        self.reset(0)

    def __str__(self) -> str:
        """Its name, and the settings that are not the default ones."""
        words = [self.name]
        for parameter in self.parameters():
            value = getattr(self, parameter.name)
            if value != parameter.default:
                words.append(f"{parameter.name}={shown(value)}")
        return " ".join(words)

    def reset(self, seed: int | np.random.SeedSequence) -> None:
        """Back to the beginning; the same seed gives the same run again."""
        raise NotImplementedError

    def _check(self) -> None:
        """`ParameterError` for parameters that do not go together."""


def number(
    help: str, *, low: float | None = None, high: float | None = None, unit: str = "",
    default: Any = REQUIRED,
) -> Any:  # fmt: skip
    """A field that holds a finite number within [low, high]."""
    return _field(Parameter(help, "number", unit, low, high, default=default))


def whole(
    help: str, *, low: int | None = None, high: int | None = None, unit: str = "",
    default: Any = REQUIRED,
) -> Any:  # fmt: skip
    """A field that holds a whole number within [low, high]."""
    return _field(Parameter(help, "whole number", unit, low, high, default=default))


def switch(help: str, *, default: bool) -> Any:
    """A field that is true or false."""
    return _field(Parameter(help, "switch", default=default))


def choice(help: str, choices: Sequence[str], *, default: Any = REQUIRED) -> Any:
    """A field that is one of some words."""
    return _field(Parameter(help, "choice", choices=tuple(choices), default=default))


def times(help: str, *, default: Any = REQUIRED) -> Any:
    """A field of stretches of time: ``[[start, stop], ...]`` in seconds, rising."""
    return _field(Parameter(help, "times", "s", default=default))


def file(help: str, *, default: Any = REQUIRED) -> Any:
    """A field that names a file; in a YAML file, from that file's folder."""
    return _field(Parameter(help, "file", default=default))


def shown(value: Any) -> str:
    """A parameter's value as a flag has it.

    >>> shown(((1.0, 2.5),))
    '[[1, 2.5]]'
    """
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _field(parameter: Parameter) -> Any:
    default = dataclasses.MISSING if parameter.required else parameter.default
    return dataclasses.field(default=default, metadata={"parameter": parameter})


def _times(where: str, value: Any) -> tuple[tuple[float, float], ...]:
    wanted = f"{where} must be a list of [start, stop] in seconds"
    if not isinstance(value, (list, tuple)) or not value:
        raise ParameterError(f"{wanted}, not {value!r}")
    stretches = []
    last = 0.0
    for pair in value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ParameterError(f"{wanted}; {pair!r} is not a pair")
        for time in pair:
            if not isinstance(time, Real) or isinstance(time, bool) or not 0 <= time < 1e300:
                raise ParameterError(f"{wanted}; {time!r} is not a time of at least 0")
        start, stop = float(pair[0]), float(pair[1])
        if not last <= start < stop:
            raise ParameterError(f"{wanted}, each after the one before; {pair!r} is not")
        stretches.append((start, stop))
        last = stop
    return tuple(stretches)
