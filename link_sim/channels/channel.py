"""What all channels have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.parameters import Configured
from voicelink.link_sim.channels.seeds import seed_sequence
from voicelink.models.sizes import PAYLOAD_BITS


class Channel(Configured):
    """One impairment of a link: packets go in at a time, and come out later, changed, or never.

    A subclass is a dataclass, with its parameters as fields (see `parameters`), that has a
    ``name`` (as in YAML), a line of ``help``, and overrides `_carry` and, where it has state or
    rules beyond its parameters, `_start`, `_check` and `_figures`.

    A new channel is as after ``reset(0)``. Arrays of a packet are never changed in place.
    """

    help: ClassVar[str]

    takes_soft: ClassVar[bool] = True
    """Whether soft packets may go in."""

    payload_bits = PAYLOAD_BITS
    """Bits of payload in each packet, for channels that count energy by them."""

    keeps_time: ClassVar[bool] = True
    """Whether what comes out of a packet comes at once and once, if it comes at all."""

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

    def due(self) -> float | None:
        """When something may come out without anything going in; None while nothing will."""
        return None

    def wake(self, time: float) -> list[tuple[float, Packet]]:
        """What comes out at ``time``, a moment that `due` gave; as `send` gives it."""
        return []

    def stats(self) -> dict[str, Any]:
        """Counts since the reset: ``in``, ``out``, ``lost``, and what the channel adds.

        ``in + copies = out + lost`` holds once nothing is under way; ``copies`` is there where
        there are any.
        """
        counts = {"in": self._in, "out": self._out, "lost": self._lost}
        if self._copies:
            counts["copies"] = self._copies
        return counts | self._figures()

    def _start(self) -> None:
        """Set the state, with the seed's generator in ``self._random``."""

    def _carry(self, time: float, packet: Packet) -> list[tuple[float, Packet]]:
        raise NotImplementedError

    def _figures(self) -> dict[str, Any]:
        """What `stats` gives beside the counts."""
        return {}
