"""A chain whose channels change while packets are under way."""

from __future__ import annotations

import heapq
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.channels.channel import Channel


class ChangingChain:
    """A `ChannelChain`, until `change` puts another in its place for the packets that follow.

    What is under way in the channels before leaves them when it would have left, so that packets
    may overtake others at the change. The first chain is the same as ``ChannelChain(channels,
    seed)``; each later one has a seed of its own, and counts and queues that begin at 0.

    Args:
        channels: as of `ChannelChain`.
        seed: a whole number of at least 0.

    Raises:
        ParameterError: as `ChannelChain`.
    """

    def __init__(self, channels: Iterable[Channel] = (), seed: int = 0) -> None:
        self._seed = seed
        self._changes = 0
        self._before: list[ChannelChain] = []
        self._chain = ChannelChain(channels, seed)

    def change(self, channels: Iterable[Channel]) -> None:
        """Other channels from here on.

        Raises:
            ParameterError: they do not go together; nothing is changed then.
        """
        chain = ChannelChain(channels, np.random.SeedSequence([self._seed, self._changes + 1]))
        self._changes += 1
        self._before.append(self._chain)
        self._chain = chain

    @property
    def takes_soft(self) -> bool:
        """Whether soft packets may go in."""
        return self._chain.takes_soft

    @property
    def waiting(self) -> int:
        """How many packets are under way."""
        return sum(chain.waiting for chain in (*self._before, self._chain))

    def push(self, time: float, packet: Packet) -> None:
        """As `ChannelChain.push`."""
        self._chain.push(time, packet)

    def pop(self, until: float) -> list[tuple[float, Packet]]:
        """As `ChannelChain.pop`."""
        out = [chain.pop(until) for chain in (*self._before, self._chain)]
        self._before = [chain for chain in self._before if chain.waiting]
        return list(heapq.merge(*out, key=operator.itemgetter(0)))

    def next_time(self) -> float | None:
        """As `ChannelChain.next_time`."""
        times = [chain.next_time() for chain in (*self._before, self._chain)]
        return min((time for time in times if time is not None), default=None)

    def stats(self) -> list[dict[str, Any]]:
        """As `ChannelChain.stats`, of the channels since the last change."""
        return self._chain.stats()
