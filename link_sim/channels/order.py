"""Channels that change the sequence of packets: late ones and doubled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.parameters import number, whole
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SUPERFRAME_SECONDS


@dataclass(kw_only=True, eq=False)
class Reorder(Channel):
    """Holds some packets back, so that later ones overtake them.

    Held back by ``packets``: for ``(packets + 1/2) * 0.32 s``, so that of a stream of one packet a
    superframe exactly so many get ahead; at another spacing give ``seconds``.
    """

    name = "reorder"
    help = "holds some packets back, so that later ones overtake them"
    keeps_time = False

    probability: float = number("share of the packets that is held back", low=0, high=1)
    packets: int | None = whole(
        "how many get ahead; 1 if neither this nor seconds is given",
        low=1, high=1000, unit="packets", default=None,
    )  # fmt: skip
    seconds: float | None = number("how long instead", low=0, high=1e6, unit="s", default=None)

    def _check(self):
        if self.packets is not None and self.seconds is not None:
            raise ParameterError("reorder takes packets or seconds, not both")
        behind = 1 if self.packets is None else self.packets
        self._hold = (behind + 0.5) * SUPERFRAME_SECONDS if self.seconds is None else self.seconds

    def _start(self):
        self._held = 0

    def _carry(self, time, packet):
        if self._random.random() < self.probability:
            self._held += 1
            time += self._hold
        return [(time, packet)]

    def _figures(self) -> dict[str, Any]:
        return {"held": self._held}


@dataclass(kw_only=True, eq=False)
class Duplicate(Channel):
    """Sends some packets twice, the second time with some delay."""

    name = "duplicate"
    help = "sends some packets twice"
    keeps_time = False

    probability: float = number("share of the packets that is doubled", low=0, high=1)
    delay: float = number(
        "how much later the copy leaves", low=0, high=1e6, unit="s", default=0.0
    )  # fmt: skip

    def _carry(self, time, packet):
        if self._random.random() < self.probability:
            return [(time, packet), (time + self.delay, packet)]
        return [(time, packet)]
