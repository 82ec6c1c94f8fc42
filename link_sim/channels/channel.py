"""What all channels have in common."""

from __future__ import annotations

import dataclasses
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.parameters import Parameter, shown
from voicelink.models.errors import ParameterError


class Channel:
    """One impairment of a link: packets go in at a time, and come out later, changed, or never.

    A subclass is a dataclass, with its parameters as fields (see `parameters`), that has a
    ``name`` (as in YAML), a line of ``help``, and overrides `_carry` and, where it has state or
    rules beyond its parameters, `_start`, `_check` and `_figures`.

    A new channel is as after ``reset(0)``. Arrays of a packet are never changed in place.
    """

    name: ClassVar[str]
    help: ClassVar[str]

    takes_soft: ClassVar[bool] = True
    """Whether soft packets may go in."""

    keeps_time: ClassVar[bool] = True
    """Whether what comes out of a packet comes at once and once, if it comes at all."""

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

    def gives_soft(self, soft: bool) -> bool:
        """Whether soft packets come out if what goes in is ``soft``."""
        return soft

    def reset(self, seed: int | np.random.SeedSequence) -> None:
        """Back to the beginning; the same seed gives the same run again."""
        self._random = np.random.default_rng(seed_sequence(seed))
        self._in = self._out = self._lost = self._copies = 0
        self._start()

    def send(self, time: float, packet: Packet) -> list[tuple[float, Packet]]:
        """What becomes of one packet that goes in at ``time``.

        Args:
            time: seconds, not before that of the call before (`ChannelChain` sees to it).
            packet: the packet.

        Returns:
            Each packet that comes out, with its time, at least ``time``; none if it is lost.
        """
        self._in += 1
        out = self._carry(time, packet)
        self._out += len(out)
        self._lost += not out
        self._copies += max(0, len(out) - 1)
        return out

    def stats(self) -> dict[str, Any]:
        """Counts since the reset: ``in``, ``out``, ``lost``, and what the channel adds.

        ``in + copies = out + lost`` holds; ``copies`` is there where there are any.
        """
        counts = {"in": self._in, "out": self._out, "lost": self._lost}
        if self._copies:
            counts["copies"] = self._copies
        return counts | self._figures()

    def _check(self) -> None:
        """`ParameterError` for parameters that do not go together."""

    def _start(self) -> None:
        """Set the state, with the seed's generator in ``self._random``."""

    def _carry(self, time: float, packet: Packet) -> list[tuple[float, Packet]]:
        raise NotImplementedError

    def _figures(self) -> dict[str, Any]:
        """What `stats` gives beside the counts."""
        return {}


def seed_sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    """A fresh sequence of seeds; `ParameterError` if ``seed`` is no whole number of at least 0."""
    if isinstance(seed, np.random.SeedSequence):
        # A copy, because a sequence counts its children: spawning again would give others.
        return np.random.SeedSequence(
            seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size
        )
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise ParameterError(f"seed must be a whole number of at least 0, not {seed!r}")
    return np.random.SeedSequence(int(seed))
