"""Speaking live: who may speak when, and the transmitter's line around each over."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.ptt import WatchedPtt
from voicelink.blocks.transmit import TimeOutTimer
from voicelink.blocks.transmitter import Transmitter
from voicelink.models.errors import TransportError
from voicelink.models.sizes import SAMPLE_RATE

BEFORE = 0.2
"""Seconds of sound from before the switch closed that are sent too, where it is VOX."""

RETRY = 1.0
"""Seconds until a transmitter that could not be keyed is tried again."""


class Talking(str, Enum):
    """What a `Talker` is doing."""

    READY = "ready"
    """Nothing is sent."""

    LEAD = "keying"
    """The transmitter is keyed and comes up."""

    OVER = "on air"
    """Speech is sent."""

    TAIL = "ending"
    """The last frames leave, and the transmitter is let go."""


class Sink(Protocol):
    """Where packets go: a socket or a radio."""

    @property
    def open(self) -> bool: ...

    @property
    def waiting(self) -> float: ...

    def begin(self, silence: float) -> None: ...

    def send(self, packet: Packet) -> object: ...

    def finish(self) -> None: ...


class Talker:
    """Makes overs of the sound that comes in, as a switch says.

    Args:
        transmitter: makes the link frames.
        sink: where they go.
        ptt: the transmitter's line.
        timer: ends an over that is too long.
        lead: seconds from keying the transmitter to the first frame; the speech waits as long.
        tail: seconds from the last of the signal until the transmitter is let go.
        note: called with a line of what happens.
        before: seconds of sound from before the switch closed that are sent too.

    Attributes:
        state: what it is doing.
        sent: packets so far.
        overs: that were begun.
    """

    def __init__(
        self,
        transmitter: Transmitter,
        sink: Sink,
        ptt: WatchedPtt,
        timer: TimeOutTimer,
        lead: float = 0.0,
        tail: float = 0.0,
        note: Callable[[str], None] = lambda _: None,
        before: float = 0.0,
    ) -> None:
        self._transmitter = transmitter
        self._sink = sink
        self._ptt = ptt
        self._timer = timer
        self._lead, self._tail = lead, tail
        self._note = note
        self._keep = round(before * SAMPLE_RATE)
        self._before = np.zeros(0, np.float32)
        self._until = self._retry = 0.0
        self._lost = False
        self.state = Talking.READY
        self.sent = self.overs = 0

    @property
    def refused(self) -> bool:
        """Whether nothing is sent until the switch is let go."""
        return self._timer.timed_out or self._lost

    def step(self, audio: np.ndarray, wanted: bool, now: float) -> None:
        """Take in what was heard since the last step, float32 (n,).

        Args:
            audio: at 8 kHz.
            wanted: whether the switch is closed.
            now: seconds of a monotonic clock.
        """
        self._ptt.alive()
        timed_out = self._timer.timed_out
        on = self._timer.update(wanted, now)
        if self._timer.timed_out and not timed_out:
            self._note("time-out: the over is ended; let go of the switch to speak again")
        lost = self.state is Talking.OVER and not (self._sink.open and self._ptt.keyed)
        if lost:
            what = "the transmitter was let go" if self._sink.open else "the radio is gone"
            self._note(f"{what}: the over is ended; let go of the switch to speak again")
        self._lost = (self._lost or lost) and wanted
        on = on and not self._lost
        if self.state is Talking.READY:
            if self._ptt.keyed and now >= self._retry:
                # It could not be let go when keying it failed.
                self._retry = now + RETRY
                self._ptt.let_go(0)
            heard = np.concatenate([self._before, audio])
            self._before = heard[max(0, len(heard) - max(self._keep, len(audio))) :]
            if on and now >= self._retry and self._sink.open:
                self._key(now)
        elif self.state is Talking.LEAD:
            self._before = np.concatenate([self._before, audio])
        if self.state is Talking.LEAD and now >= self._until:
            audio, self._before = self._before, np.zeros(0, np.float32)
            self.state = Talking.OVER
        if self.state is Talking.OVER:
            self._speak(audio, on)
        if self.state is Talking.TAIL:
            # Nothing leaves a radio that is gone.
            if self._sink.open and self._sink.waiting > 0:
                self._until = now + self._tail
            elif now >= self._until:
                self._let_go()

    def end(self, now: float) -> bool:
        """Take no more sound, end the over; whether all is done. To be called until it is."""
        self.step(np.zeros(0, np.float32), False, now)
        return self.state is Talking.READY

    def _key(self, now: float) -> None:
        try:
            self._ptt.key(True)
        except TransportError as error:
            self._note(f"not sent: {error}")
            self._ptt.let_go(0)
            self._retry = now + RETRY
            return
        self._sink.begin(self._lead)
        self._until = now + self._lead
        self.state = Talking.LEAD
        self.overs += 1

    def _speak(self, audio: np.ndarray, on: bool) -> None:
        packets = self._transmitter.send(audio)
        if not on:
            packets += self._transmitter.finish()
        for packet in packets:
            self._sink.send(packet)
        self.sent += len(packets)
        if not on:
            self._sink.finish()
            self._until = 0.0
            self.state = Talking.TAIL

    def _let_go(self) -> None:
        if not self._ptt.let_go(RETRY):
            return  # tried again with the next step
        self.state = Talking.READY
