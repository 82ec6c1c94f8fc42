"""A channel between two sockets, in real time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.models.errors import VoiceLinkError, require

LONGEST_WAIT = 0.1
"""Seconds after which the loop looks whether it should stop, if nothing happens before."""

_BURST = 100
"""Packets taken in one go, so that a flood at the entry cannot hold up what is due to leave."""


class PacketSource(Protocol):
    """Where packets come from, such as `voicelink.blocks.zeromq.FrameReceiver`."""

    def receive(self, timeout_s: float) -> Packet | None:
        """The next packet, or None if none has come within ``timeout_s`` seconds."""


class PacketSink(Protocol):
    """Where packets go, such as `voicelink.blocks.zeromq.FrameSender`."""

    def send(self, packet: Packet) -> Any:
        """Send it without waiting; False if nobody took it."""


@dataclass
class LiveReport:
    """What has passed through a live channel so far.

    Attributes:
        seconds: since the start.
        packets_in: received.
        packets_out: sent on.
        bits_in: bits of the link received.
        bits_out: bits of the link sent on.
        waiting: packets under way in the channel.
        refused: packets that this channel or the sending socket cannot carry, as soft ones where
            only hard bits go.
        untaken: packets that nobody took at the exit.
        overflowed: packets dropped because too many were under way.
        receive_errors: failures of the receiving socket.
        late_most_ms: the longest time that a packet left after its due time.
        channels: for each channel its counts (`ChannelChain.stats`).
    """

    seconds: float = 0.0
    packets_in: int = 0
    packets_out: int = 0
    bits_in: int = 0
    bits_out: int = 0
    waiting: int = 0
    refused: int = 0
    untaken: int = 0
    overflowed: int = 0
    receive_errors: int = 0
    late_most_ms: float = 0.0
    channels: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rate_in(self) -> float:
        """Bits per second received, on average."""
        return self.bits_in / self.seconds if self.seconds else 0.0

    @property
    def rate_out(self) -> float:
        """Bits per second sent on, on average."""
        return self.bits_out / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values, with the average rates in bit/s."""
        values = asdict(self)
        channels = values.pop("channels")
        rates = {
            "bits_per_second_in": round(self.rate_in, 1),
            "bits_per_second_out": round(self.rate_out, 1),
        }
        for name in ("seconds", "late_most_ms"):
            values[name] = round(values[name], 3)
        return values | rates | {"channels": channels}


def run_live(
    receiver: PacketSource,
    sender: PacketSink,
    chain: ChannelChain,
    *,
    clock: Callable[[], float] = time.monotonic,
    stop: Callable[[], bool] = lambda: False,
    seconds: float | None = None,
    on_status: Callable[[LiveReport], None] | None = None,
    status_every: float = 1.0,
    most_waiting: int = 100_000,
) -> LiveReport:
    """Move packets from ``receiver`` through ``chain`` to ``sender`` until told to stop.

    The chain's time is that since the start, so that outages come when they should. Between
    packets the loop sleeps in ``receiver.receive`` until the next is due to leave; whole
    milliseconds, as sockets wait no finer, so a packet may leave up to about one late
    (``late_most_ms``). Neither nonsense that comes in nor a peer that goes away ends it: both are
    counted.

    Args:
        receiver: where packets come from.
        sender: where they go.
        chain: the channels; reset it before, for another run of the same.
        clock: seconds, never going back.
        stop: asked at least every tenth of a second.
        seconds: stop after so long; None for no limit.
        on_status: called every ``status_every`` seconds with the report so far.
        status_every: seconds, at least 0.01.
        most_waiting: packets that may be under way; more are dropped.

    Returns:
        The report at the end; what is still under way then is dropped, and counted as waiting.

    Raises:
        ParameterError: for an argument out of range.
    """
    require("status_every", status_every, 0.01)
    require("most_waiting", most_waiting, 1)
    if seconds is not None:
        require("seconds", seconds, 0)
    loop = _Loop(receiver, sender, chain, clock, most_waiting)
    end = math.inf if seconds is None else seconds
    next_status = status_every
    while loop.now() < end and not stop():
        loop.deliver()
        now = loop.now()
        if now >= next_status:
            next_status = now + status_every
            if on_status is not None:
                on_status(loop.update())
        loop.take_in(min(now + LONGEST_WAIT, end, next_status))
    loop.deliver()
    return loop.update()


class _Loop:
    def __init__(self, receiver, sender, chain, clock, most_waiting):
        self._receiver = receiver
        self._sender = sender
        self._chain = chain
        self._clock = clock
        self._most_waiting = most_waiting
        self._start = clock()
        self._report = LiveReport()

    def now(self) -> float:
        return self._clock() - self._start

    def update(self) -> LiveReport:
        self._report.seconds = self.now()
        self._report.waiting = self._chain.waiting
        self._report.channels = self._chain.stats()
        return self._report

    def deliver(self) -> None:
        """Send all that is due."""
        report = self._report
        now = self.now()
        for due, packet in self._chain.pop(now):
            report.late_most_ms = max(report.late_most_ms, 1000 * (now - due))
            try:
                taken = self._sender.send(packet)
            except VoiceLinkError:
                report.refused += 1
                continue
            if taken is False:
                report.untaken += 1
            else:
                report.packets_out += 1
                report.bits_out += packet.bits

    def take_in(self, until: float) -> None:
        """Wait until a packet comes, the next one is due, or ``until``; take in what has come."""
        due = self._chain.next_time()
        wait = (until if due is None else min(until, due)) - self.now()
        # Upwards to the next millisecond: rounded down, the loop would spin for the rest of it.
        wait = math.ceil(1000 * max(0.0, wait)) / 1000
        for _ in range(_BURST):
            try:
                packet = self._receiver.receive(wait)
            except VoiceLinkError:
                self._report.receive_errors += 1
                time.sleep(0.01)  # a socket that fails at once, again and again, must not spin
                return
            if packet is None:
                return
            self._accept(packet)
            wait = 0.0

    def _accept(self, packet: Packet) -> None:
        report = self._report
        report.packets_in += 1
        report.bits_in += packet.bits
        if packet.soft and not self._chain.takes_soft:
            report.refused += 1
        elif self._chain.waiting >= self._most_waiting:
            report.overflowed += 1
        else:
            self._chain.push(self.now(), packet)
