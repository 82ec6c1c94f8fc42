"""What a receiver would make of the packets that leave a live channel."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from voicelink.blocks.auto_link import AUTO, AutoLinkDecoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Gatherer
from voicelink.blocks.status import Status
from voicelink.link_sim.live import PacketSink
from voicelink.models.card import DEFAULT, card
from voicelink.models.errors import FormatError

LATEST = 120
"""Frames whose statuses are kept."""

SHARE = 0.2
"""Of the time that reading may take: it must not hold up what is due to leave."""

_AHEAD_S = 1.0  # for the first frame, whose code has to be made


class ReadingSink:
    """Sends packets on, and then decodes the link frames in them, as long as there is time.

    A channel knows packets and not speech. What was lost in it never gets here, so a receiver
    conceals that besides; and what is late for a receiver is known there only.

    Args:
        sink: where packets go.
        profile: of the frames; `AUTO` tells it from each packet's length.
        clock: seconds, never going back.
        model: whose frames they are.

    Attributes:
        statuses: how many frames had each status.
        latest: the statuses of the last `LATEST` frames.
        unknown: packets that hold no frame of this format.
        unread: packets that there was no time for.
    """

    def __init__(
        self,
        sink: PacketSink,
        profile: str = AUTO,
        clock: Callable[[], float] = time.monotonic,
        model: str | Path = DEFAULT,
    ) -> None:
        found = card(model)
        self._sink = sink
        self._decoder = AutoLinkDecoder.of(found, profile)
        self._gatherer = Gatherer(found.payload_bits)
        self._clock = clock
        self._start = clock()
        self._spent = 0.0
        self.statuses: Counter[Status] = Counter()
        self.latest: deque[Status] = deque(maxlen=LATEST)
        self.unknown = 0
        self.unread = 0

    def send(self, packet: Packet) -> Any:
        """As the sink's; the packet is read when it has left."""
        taken = self._sink.send(packet)
        begin = self._clock()
        if self._spent > SHARE * (begin - self._start) + _AHEAD_S:
            self.unread += 1
            return taken
        try:
            for frame in self._gatherer.push(packet):
                status = self._decoder.decode(frame).status
                self.statuses[status] += 1
                self.latest.append(status)
        except FormatError:
            self.unknown += 1
        self._spent += self._clock() - begin
        return taken
