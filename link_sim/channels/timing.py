"""Channels that take time: the same for all packets, or now more and now less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import choice, number, switch


@dataclass(kw_only=True, eq=False)
class Delay(Channel):
    """Holds every packet for the same time."""

    name = "delay"
    help = "holds every packet for the same time"
    keeps_time = False

    seconds: float = number("the time", low=0, high=1e6, unit="s")

    def _carry(self, time, packet):
        return [(time + self.seconds, packet)]


@dataclass(kw_only=True, eq=False)
class Jitter(Channel):
    """Holds each packet for a random time, drawn independently.

    The time is ``mean + deviation * z`` with z of mean 0 and variance 1, drawn again until the
    time is at least 0: z ~ N(0, 1) for ``normal``, uniform within +-sqrt(3) for ``uniform``,
    Exp(1) - 1 for ``exponential``. Where the mean is well above the deviation, these are the
    moments that come out; with ``mean: 0`` the times are those of the half above 0: half-normal
    with mean ``deviation * sqrt(2 / pi)``, uniform up to ``sqrt(3) * deviation``, and exponential
    with mean ``deviation`` (as the distribution has no memory).

    Packets may overtake one another, unless ``keep_order`` holds each back until the one before
    has left, as a queue does.
    """

    name = "jitter"
    help = "holds each packet for a random time"
    keeps_time = False

    deviation: float = number("standard deviation of the time", low=0, high=1e6, unit="s")
    mean: float = number("mean of the time", low=0, high=1e6, unit="s", default=0.0)
    distribution: str = choice(
        "shape", ("normal", "uniform", "exponential"), default="normal"
    )  # fmt: skip
    keep_order: bool = switch("no packet overtakes another", default=False)

    def _start(self):
        self._last = 0.0
        self._total = self._longest = 0.0

    def _carry(self, time, packet):
        extra = self._extra()
        leaves = time + extra
        if self.keep_order:
            leaves = self._last = max(leaves, self._last)
        self._total += leaves - time
        self._longest = max(self._longest, leaves - time)
        return [(leaves, packet)]

    def _extra(self) -> float:
        while True:
            if self.distribution == "normal":
                z = self._random.standard_normal()
            elif self.distribution == "uniform":
                z = 3**0.5 * (2 * self._random.random() - 1)
            else:
                z = self._random.standard_exponential() - 1
            extra = self.mean + self.deviation * z
            if extra >= 0:
                return extra

    def _figures(self) -> dict[str, Any]:
        mean = self._total / self._in if self._in else 0.0
        return {"mean_s": mean, "longest_s": self._longest}
