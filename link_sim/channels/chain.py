"""Channels one after another, each seeing its packets in the order of time."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.awgn import Awgn
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.radio import STEADY_HZ, RadioEffect
from voicelink.link_sim.channels.seeds import seed_sequence
from voicelink.models.errors import ParameterError, require


def order_problem(channels: Sequence[Channel]) -> tuple[int, str] | None:
    """Why ``channels`` cannot follow one another, and at which index; None if they can.

    The one place with these rules: a channel that sends hard bits cannot follow one that gives soft
    ones; one that acts on a radio signal needs a demodulator after it, with echoes one of many
    carriers, and not too fast for those; and each place needs a channel object of its own.
    """
    if len({id(channel) for channel in channels}) < len(channels):
        return 0, "the same channel object is in the chain twice"
    maker = None
    waiting: list[tuple[int, RadioEffect]] = []
    for index, channel in enumerate(channels):
        here = f"channel {index + 1}, {channel.name}"
        if maker and not channel.takes_soft:
            return index, (
                f"{here}, sends hard bits and cannot follow {maker}, "
                "which gives soft ones (decisions: hard there makes them hard)"
            )
        if isinstance(channel, RadioEffect):
            waiting.append((index, channel))
        elif isinstance(channel, Awgn):
            for place, effect in waiting:
                problem = _misfit(effect, channel)
                if problem:
                    return place, f"channel {place + 1}, {effect.name}, {problem}"
            waiting = []
        if not channel.gives_soft(maker is not None):
            maker = None
        elif maker is None:
            maker = here
    for place, effect in waiting:
        return place, (
            f"channel {place + 1}, {effect.name}, acts on a radio signal and needs an awgn after "
            "it, which demodulates"
        )
    return None


def _misfit(effect: RadioEffect, modem: Awgn) -> str:
    """Why a modem cannot do with an effect; "" if it can."""
    if effect.echoes_ms and not modem.multicarrier:
        return (
            f"has an echo of {effect.echoes_ms:g} ms, for which the awgn after it needs "
            "waveform: multicarrier"
        )
    if modem.multicarrier and effect.doppler_deviation_hz > STEADY_HZ:
        return (
            f"has a Doppler spectrum of {effect.doppler_deviation_hz:g} Hz standard deviation, "
            f"and waveform: multicarrier of the awgn after it bears {STEADY_HZ:g} Hz"
        )
    return ""


def check_order(channels: Sequence[Channel]) -> None:
    """`ParameterError` if ``channels`` cannot follow one another (`order_problem`)."""
    problem = order_problem(channels)
    if problem:
        raise ParameterError(problem[1])


class ChannelChain:
    """Channels in a row, with all that is under way between them.

    The same for simulation, where time is that of the packets, and for a live channel, where it is
    the clock's: `push` what goes in, `pop` what has come out. Inside, one heap of events lets every
    channel see its packets in the order of time, whatever the channels before did to it; packets of
    the same time keep the order in which they were sent.

    Deterministic: the same seed and packets give the same output, however the calls of `push` and
    `pop` are mixed. Each channel draws from a stream of its own (`SeedSequence.spawn` of numpy), so
    a channel added at the end leaves what the others do unchanged.

    Args:
        channels: any number of channels; none carries packets unchanged.
        seed: an integer of at least 0, or a `numpy.random.SeedSequence`.
        title: what people may call it; by default its channels with their settings.

    Raises:
        ParameterError: channels that do not go together, or a bad seed.

    >>> import numpy as np
    >>> from voicelink.link_sim.channels.timing import Delay
    >>> chain = ChannelChain([Delay(seconds=0.25)])
    >>> chain.push(1.0, Packet(np.zeros(32, np.uint8), number=7))
    >>> chain.pop(until=1.2)
    []
    >>> [(time, packet.number) for time, packet in chain.pop(until=1.25)]
    [(1.25, 7)]
    """

    def __init__(
        self,
        channels: Iterable[Channel] = (),
        seed: int | np.random.SeedSequence = 0,
        title: str = "",
    ):
        self.channels = tuple(channels)
        check_order(self.channels)
        self.title = title or ", ".join(map(str, self.channels)) or "no impairment"
        self.reset(seed)

    @property
    def takes_soft(self) -> bool:
        """Whether soft packets may go in."""
        for channel in self.channels:
            if not channel.takes_soft:
                return False
            if not channel.gives_soft(True):
                return True
        return True

    def gives_soft(self, soft: bool = False) -> bool:
        """Whether soft packets come out if what goes in is ``soft``."""
        for channel in self.channels:
            soft = channel.gives_soft(soft)
        return soft

    @property
    def waiting(self) -> int:
        """How many packets are under way; those in a channel that `due` speaks of count once."""
        return len(self._events)

    def reset(self, seed: int | np.random.SeedSequence) -> None:
        """Drop what is under way and begin again with ``seed``."""
        sequence = seed_sequence(seed)
        for channel, child in zip(self.channels, sequence.spawn(len(self.channels)), strict=True):
            channel.reset(child)
        # (time, number of the event, place of the channel that is next, packet; None: its `wake`)
        self._events: list[tuple[float, int, int, Packet | None]] = []
        self._due: list[float | None] = [None] * len(self.channels)
        self._number = itertools.count()
        self._now = -math.inf

    def carry(self, payload_bits: int) -> None:
        """Say how many bits of payload are in each packet: 256 where nothing is said."""
        for channel in self.channels:
            channel.payload_bits = payload_bits

    def push(self, time: float, packet: Packet) -> None:
        """A packet goes in at ``time`` (seconds, at least 0).

        Raises:
            ParameterError: ``time`` is before that of an event already worked through, or
                ``packet`` is soft and the channels send hard bits.
        """
        require("time", time, 0)
        if time < self._now:
            raise ParameterError(
                f"time must be at least {self._now:g}, which the chain has reached, not {time:g}"
            )
        if packet.soft and not self.takes_soft:
            raise ParameterError("the channels send hard bits, and got a soft packet")
        self._add(float(time), 0, packet)

    def pop(self, until: float) -> list[tuple[float, Packet]]:
        """All packets that come out at ``until`` or before, in the order of time."""
        out = []
        while self._events and self._events[0][0] <= until:
            time, _, place, packet = heapq.heappop(self._events)
            self._now = time
            if place == len(self.channels):
                out.append((time, packet))
                continue
            channel = self.channels[place]
            results = channel.wake(time) if packet is None else channel.send(time, packet)
            for later, result in results:
                self._add(later, place + 1, result)
            due = channel.due()
            if due is not None and due != self._due[place]:
                self._due[place] = due
                self._add(due, place, None)
        return out

    def flush(self) -> list[tuple[float, Packet]]:
        """All packets that are still under way, in the order of time."""
        return self.pop(math.inf)

    def next_time(self) -> float | None:
        """When something happens next: `pop` is of no use before; None if nothing is under way."""
        return self._events[0][0] if self._events else None

    def stats(self) -> list[dict[str, Any]]:
        """For each channel its name as ``channel``, and its counts (`Channel.stats`)."""
        return [{"channel": channel.name, **channel.stats()} for channel in self.channels]

    def _add(self, time: float, place: int, packet: Packet | None) -> None:
        heapq.heappush(self._events, (time, next(self._number), place, packet))
