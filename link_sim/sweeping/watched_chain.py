"""A chain of channels that notes when each packet came out, and how long its queues were."""

from __future__ import annotations

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.bandwidth import Bandwidth
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.simulation import TICK, spoken_at
from voicelink.models.sizes import SUPERFRAME_SECONDS

_BINS = 40


class WatchedChain(ChannelChain):
    """As `ChannelChain`.

    Attributes:
        arrived: the time and the number of each packet that came out, in order.
        queue: packets that waited before all bandwidth channels together, after each step.
    """

    def reset(self, seed: int | np.random.SeedSequence) -> None:
        super().reset(seed)
        self.arrived: list[tuple[float, int]] = []
        self.queue: list[int] = []
        self._queues = [c for c in self.channels if isinstance(c, Bandwidth)]

    def pop(self, until: float) -> list[tuple[float, Packet]]:
        out = super().pop(until)
        self.arrived += [(time, packet.number) for time, packet in out]
        if self._queues:
            self.queue.append(sum(channel.stats()["queue"] for channel in self._queues))
        return out

    def lost(self, packets: int, start: float) -> int:
        """How many of the first ``packets`` never came, or came after their moment.

        Args:
            packets: how many were sent.
            start: when superframe 0 is given out, in seconds.
        """
        in_time = {
            number
            for time, number in self.arrived
            if time <= start + number * SUPERFRAME_SECONDS + TICK
        }
        return packets - len(in_time)

    def latencies(self) -> np.ndarray:
        """How long each packet that came out was under way, in ms."""
        return np.array([1000 * (time - spoken_at(number)) for time, number in self.arrived])

    def histograms(self) -> dict[str, dict[str, list]]:
        """``latency_ms``, and ``queue`` where there is one: ``edges`` and ``counts``."""
        result = {"latency_ms": _histogram(self.latencies())}
        if self._queues:
            edges = np.arange(max(self.queue, default=0) + 2) - 0.5
            result["queue"] = _histogram(np.array(self.queue), edges)
        return result

    @property
    def queue_most(self) -> int | None:
        """The most packets that waited in one queue; None without one."""
        return max((c.stats()["queue_most"] for c in self._queues), default=None)


def _histogram(values: np.ndarray, edges: np.ndarray | None = None) -> dict[str, list]:
    if edges is None:
        low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
        # A constant within rounding is one value.
        if high - low < 1e-6:
            low, high = low - 0.5, high + 0.5
        edges = np.linspace(low, high, _BINS + 1)
    counts, edges = np.histogram(values, edges)
    return {"edges": [round(float(e), 6) for e in edges], "counts": counts.tolist()}
