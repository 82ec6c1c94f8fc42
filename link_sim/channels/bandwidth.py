"""A link of so many bits per second, with a bounded queue before it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import number, whole
from voicelink.link_sim.channels.ticks import PER_SECOND, ticks
from voicelink.models.errors import ParameterError


@dataclass(kw_only=True, eq=False)
class Bandwidth(Channel):
    """A link that takes ``bits / rate`` seconds for a packet, one after the other.

    A packet that comes while another is on the link waits its turn (first in, first out). If
    ``queue_packets`` wait already, or if it would wait longer than ``queue_seconds``, it is lost
    (the tail of the queue is dropped); without either, 8 may wait. One packet is on the link at a
    time and does not count as waiting.

    Arrivals are taken to the nearest nanosecond and all else is exact (fractions), so that a link
    of 800 b/s carries a packet of 256 bits every 0.32 s for ever without ever making one wait. For
    times that do not drift, count packets and multiply; do not add 0.32 up.

    Source: the D/D/1/K queue, Kleinrock, Queueing Systems 1, 1975.
    """

    name = "bandwidth"
    help = "a link of so many bits per second, with a bounded queue"
    keeps_time = False

    rate: float = number("bits per second", low=1e-3, high=1e12, unit="b/s")
    queue_packets: int | None = whole(
        "packets that may wait; 8 if neither this nor queue_seconds is given",
        low=0, high=10**6, unit="packets", default=None,
    )  # fmt: skip
    queue_seconds: float | None = number(
        "how long a packet may wait", low=0, high=1e6, unit="s", default=None
    )

    def _check(self):
        if self.queue_packets is not None and self.queue_seconds is not None:
            raise ParameterError("bandwidth takes queue_packets or queue_seconds, not both")
        # By way of the decimal digits: 0.1 means a tenth, and the denominators stay small.
        self._ticks_per_bit = PER_SECOND / Fraction(repr(self.rate))
        self._places = self.queue_packets
        self._patience = None
        if self.queue_seconds is not None:
            self._patience = PER_SECOND * Fraction(repr(self.queue_seconds))
        elif self.queue_packets is None:
            self._places = 8

    def _start(self):
        self._free = Fraction(0)  # when the link has sent all that it took
        self._starts: deque[Fraction] = deque()  # when those that wait will start
        self._queue = self._queue_most = 0
        self._bits = 0
        self._waited = self._waited_most = Fraction(0)

    def _carry(self, time, packet):
        now = ticks(time)
        while self._starts and self._starts[0] <= now:
            self._starts.popleft()
        begin = max(self._free, Fraction(now))
        wait = begin - now
        if self._places is not None:
            full = wait > 0 and len(self._starts) >= self._places
        else:
            full = wait > self._patience
        if not full:
            if wait:
                self._starts.append(begin)
            self._free = begin + packet.bits * self._ticks_per_bit
            self._bits += packet.bits
            self._waited += wait
            self._waited_most = max(self._waited_most, wait)
        self._queue = len(self._starts)
        self._queue_most = max(self._queue_most, self._queue)
        if full:
            return []
        # The rounding of ``now`` must not let a short packet leave before it came.
        return [(max(time, float(self._free / PER_SECOND)), packet)]

    def _figures(self) -> dict[str, Any]:
        sent = self._in - self._lost
        return {
            "bits": self._bits,
            "queue": self._queue,
            "queue_most": self._queue_most,
            "wait_mean_s": float(self._waited / sent / PER_SECOND) if sent else 0.0,
            "wait_most_s": float(self._waited_most / PER_SECOND),
        }
