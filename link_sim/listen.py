"""Hearing live: packets to the loudspeaker, and what the stations say of themselves."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from voicelink.blocks.level import dbfs
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import CONFIRMED
from voicelink.blocks.playout import Playout, State
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.squelch import Squelch
from voicelink.blocks.status import Status
from voicelink.link_sim.other_model import of_another_model
from voicelink.models.sizes import SAMPLE_RATE

AHEAD, MOST_AHEAD = 0.06, 0.3
"""Seconds of sound that the card is given in advance: at first, and at most, where it runs dry."""

_STEP = 80  # samples that are made at a time, 10 ms
_BURST = 64  # packets taken at once


class Source(Protocol):
    """Where packets come from: a socket or a radio."""

    def receive(self, timeout_s: float) -> Packet | None: ...


class Speaker(Protocol):
    """Where sound goes, as `voicelink.blocks.sound_card.SoundOutput`."""

    running: bool
    underflows: int

    @property
    def waiting(self) -> float: ...

    def write(self, audio: np.ndarray) -> None: ...


class Announcer:
    """Says callsigns and texts as they arrive, each once until another comes, and once for each
    that frames of other models come.

    Args:
        receiver: whose station frames and headers tell them.
        note: called with a line for each.
        strangers: False to say nothing of other models.
    """

    def __init__(
        self, receiver: Receiver, note: Callable[[str], None], strangers: bool = True
    ) -> None:
        self._receiver = receiver
        self._note = note
        self._known: set[int | None] = {None}
        self._strangers = strangers
        self._heard = 0
        self._said: tuple[str | None, str] = None, ""
        self.callsign: str | None = None

    def look(self) -> None:
        """Say what is new."""
        stranger = self._receiver.stranger
        if self._strangers and stranger not in self._known:
            self._known.add(stranger)
            self._note(of_another_model(stranger))
        callsign, station = self._receiver.callsign, self._receiver.station
        if station.heard != self._heard:
            self._heard = station.heard
            callsign = station.callsign or callsign
            if station.text and (callsign, station.text) != self._said:
                self._said = callsign, station.text
                self._note(f"{callsign or 'no callsign'}: {station.text}")
                self.callsign = callsign or self.callsign
        if callsign and callsign != self.callsign:
            self.callsign = callsign
            self._note(f"{callsign} is heard")


class Listener:
    """Plays what comes on a loudspeaker; neither nonsense nor a card that is gone stops it.

    Args:
        receiver: decodes.
        source: where packets come from.
        speaker: where the sound goes.
        buffer: seconds that the first frame of an over waits.
        idle: seconds without anything to play that end an over.
        squelch: keeps noise silent.
        note: called with a line of what happens.
        clock: seconds, never going back.

    Attributes:
        playout: the jitter buffer.
        statuses: superframes by what became of them.
        latest: the statuses of the last ones.
        callsign: the last one heard.
        overs: that have ended.
        level: dBFS of what is heard now.
    """

    def __init__(
        self,
        receiver: Receiver,
        source: Source,
        speaker: Speaker,
        buffer: float = 0.1,
        idle: float = 3.0,
        squelch: Squelch | None = None,
        note: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.playout = Playout(receiver, buffer, idle, notify=self._played)
        self.squelch = squelch or Squelch()
        self._receiver = receiver
        self._source = source
        self._speaker = speaker
        self._note = note
        self._clock = clock
        self._announcer = Announcer(receiver, note)
        self._ahead = AHEAD
        self._dry = speaker.underflows
        self._over: Counter[Status] = Counter()
        self.statuses: Counter[Status] = Counter()
        self.latest: deque[Status] = deque(maxlen=120)
        self.callsign: str | None = None
        self.overs = 0
        self.level = dbfs(np.zeros(0))

    def step(self, wait: float = 0.01) -> None:
        """Take in what has come, waiting at most so long for it, and keep the card supplied."""
        packet = self._source.receive(wait if self._speaker.waiting > self._ahead / 2 else 0.0)
        for _ in range(_BURST):
            if packet is None:
                break
            self._take(packet)
            packet = self._source.receive(0.0)
        self._announcer.look()
        self.callsign = self._announcer.callsign or self.callsign
        self._supply()
        # Now there is time.
        self.playout.prepare()
        if self._over and self.playout.state is State.IDLE:
            self._end("lost")

    def as_dict(self) -> dict[str, Any]:
        """What was counted, for JSON."""
        playout, station = self.playout, self._receiver.station
        return self._receiver.counts.as_dict() | {
            "waited_for": playout.late,
            "inserted": playout.inserted,
            "dropped": playout.dropped,
            "squelched": self.squelch.kept,
            "overs": self.overs,
            "callsign": self.callsign,
            "text": station.text or None,
        }

    def _take(self, packet: Packet) -> None:
        confirmed = bool((packet.metadata or {}).get(CONFIRMED, False))
        for frame, number in self._receiver.decode(packet):
            if self.squelch.passes(frame, confirmed):
                self.playout.put(frame, number, self._clock())

    def _supply(self) -> None:
        speaker = self._speaker
        if speaker.underflows > self._dry:
            self._ahead = min(self._ahead + 0.02, MOST_AHEAD)
            self._dry = speaker.underflows
        waiting, made = speaker.waiting, []
        # When they are due here: so long before they are heard. What waits tells it more evenly
        # than the moment at which this is called.
        now = self._clock() - self._ahead
        while waiting < self._ahead:
            made.append(self.playout.take(_STEP, now + waiting))
            waiting += _STEP / SAMPLE_RATE
        if made:
            audio = np.concatenate(made)
            self.level = dbfs(audio)
            speaker.write(audio)
            speaker.running = True

    def _played(self, number: int, status: Status, end: bool, corrected: int | None) -> None:
        self.statuses[status] += 1
        self._over[status] += 1
        self.latest.append(status)
        if end:
            self._end("over")

    def _end(self, how: str) -> None:
        counts = ", ".join(f"{n} {status.value}" for status, n in self._over.items())
        who = self.playout.speaker
        self._note(f"{who or 'no callsign'}: {how}; superframes of 320 ms: {counts}")
        if not who:
            # Whoever was named before is named again when heard again.
            self._announcer.callsign = None
        self._over.clear()
        self.overs += 1
