"""Channels that lose packets: one by one, in bursts, or for a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import number, times
from voicelink.link_sim.channels.ticks import ticks
from voicelink.models.errors import ParameterError


@dataclass(kw_only=True, eq=False)
class Loss(Channel):
    """Loses each packet with the same probability, whatever became of the others.

    Losses in a row have the mean length ``1 / (1 - probability)``.
    """

    name = "loss"
    help = "loses each packet independently"

    probability: float = number("share of the packets that is lost", low=0, high=1)

    def _carry(self, time, packet):
        return [] if self._random.random() < self.probability else [(time, packet)]


@dataclass(kw_only=True, eq=False)
class GilbertElliott(Channel):
    """Loses packets in bursts: a two-state Markov chain that steps once a packet.

    In the good state a packet is lost with probability ``good_loss``, in the bad one with
    ``bad_loss``. With p = P(good -> bad) and r = P(bad -> good), the share of time in the bad
    state is ``b = p / (p + r)`` and its mean stay ``1 / r`` packets. From the mean ``loss`` and the
    mean ``burst``::

        b = (loss - good_loss) / (bad_loss - good_loss),  r = 1 / burst,  p = r b / (1 - b)

    With the default 0 and 1 (Gilbert's case, state visible) ``burst`` is the mean number of
    packets lost in a row. The first state is drawn from the stationary distribution.

    Source: E. N. Gilbert, Bell Syst. Tech. J. 39, 1960; E. O. Elliott, Bell Syst. Tech. J. 42,
    1963; G. Hasslinger, O. Hohlfeld, "The Gilbert-Elliott model for packet loss in real time
    services on the Internet", MMB 2008.
    """

    name = "gilbert-elliott"
    help = "loses packets in bursts (two-state Markov chain)"

    loss: float = number("share of the packets that is lost, on the whole", low=0, high=1)
    burst: float = number("mean stay in the bad state", low=1, high=1e6, unit="packets")
    good_loss: float = number("probability of a loss in the good state", low=0, high=1, default=0.0)
    bad_loss: float = number("probability of a loss in the bad state", low=0, high=1, default=1.0)

    def _check(self):
        if not self.good_loss < self.bad_loss:
            raise ParameterError(
                f"gilbert-elliott.good_loss must be below bad_loss ({self.bad_loss:g}), "
                f"not {self.good_loss:g}"
            )
        # p must be at most 1: b <= burst / (1 + burst).
        highest = self.good_loss + (self.bad_loss - self.good_loss) * self.burst / (1 + self.burst)
        if not self.good_loss <= self.loss <= highest:
            raise ParameterError(
                f"gilbert-elliott.loss must be from {self.good_loss:g} to {highest:g} "
                f"with these good_loss, bad_loss and burst, not {self.loss:g}"
            )
        self._bad_share = (self.loss - self.good_loss) / (self.bad_loss - self.good_loss)
        self._to_good = 1 / self.burst
        self._to_bad = self._to_good * self._bad_share / (1 - self._bad_share)

    def _start(self):
        self._bad = bool(self._random.random() < self._bad_share)
        self._bad_packets = 0

    def _carry(self, time, packet):
        self._bad_packets += self._bad
        lost = self._random.random() < (self.bad_loss if self._bad else self.good_loss)
        if self._random.random() < (self._to_good if self._bad else self._to_bad):
            self._bad = not self._bad
        return [] if lost else [(time, packet)]

    def _figures(self) -> dict[str, Any]:
        return {"bad_packets": self._bad_packets}


@dataclass(kw_only=True, eq=False)
class Outage(Channel):
    """Loses everything for a time: at given times, or again and again.

    A packet that goes in at t is lost if ``start <= t < stop`` for one of ``times``, or if
    ``(t - first) mod period < length`` with ``t >= first``, all to the nearest nanosecond. Time
    counts from the start of the run.
    """

    name = "outage"
    help = "loses everything during some stretches of time"

    times: tuple | None = times("the stretches; without period", default=None)
    period: float | None = number(
        "from one outage's start to the next's", low=1e-3, unit="s", default=None
    )
    length: float | None = number("length of each outage", low=0, unit="s", default=None)
    first: float = number("when the first one starts", low=0, unit="s", default=0.0)

    def _check(self):
        periodic = self.period is not None and self.length is not None
        if (self.period is None) != (self.length is None) or (self.times is None) != periodic:
            raise ParameterError("outage needs either times, or both period and length")
        if periodic and self.length > self.period:
            raise ParameterError(
                f"outage.length must be at most the period, {self.period:g}, not {self.length:g}"
            )
        if self.times is not None and self.first:
            raise ParameterError("outage.first goes with period, not with times")

    def _carry(self, time, packet):
        now = ticks(time)
        if self.times is not None:
            out = any(ticks(start) <= now < ticks(stop) for start, stop in self.times)
        else:
            since = now - ticks(self.first)
            out = since >= 0 and since % ticks(self.period) < ticks(self.length)
        return [] if out else [(time, packet)]
