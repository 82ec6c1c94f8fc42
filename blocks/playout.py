"""Speech at the listener's pace, whatever the pace at which it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from statistics import median

import numpy as np

from voicelink.blocks.link import LinkFrame
from voicelink.blocks.packet import Packet
from voicelink.blocks.receiver import AHEAD, LONGEST_BUFFER, Receiver, Superframe
from voicelink.blocks.resampler import TAPS, Resampler
from voicelink.blocks.shorten import shorten
from voicelink.blocks.status import Status
from voicelink.models.errors import require
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES, SUPERFRAME_SECONDS

WINDOW = 16
"""So many arrivals tell how late a frame may come (5 s)."""

BAND = 0.005
"""Seconds by which the spare time may differ from what is wanted before the speed changes."""

FULL_SPEED = 0.02
"""Seconds beyond the band at which the speed differs most."""

MOST = 0.003
"""The speed differs by this part at most: a twentieth of a semitone, 3 ms for each second."""

EXCESS = 0.06
"""Seconds too much from which a pitch period is taken out of each superframe as well."""

PIECE = 80
"""Samples that are made at a time; so often is looked whether what is missing has come."""

FADE_SAMPLES = 80
"""Samples that a change from one sound to another takes (10 ms)."""


class State(str, Enum):
    """What a `Playout` is doing."""

    IDLE = "idle"
    """No over: silence."""

    BUFFERING = "buffering"
    """The first frame of an over has come and waits for the moment to begin."""

    PLAYING = "playing"
    """An over is heard."""


class Playout:
    """A `Receiver` on the listener's clock: frames go in as they come, samples out as needed.

    `take` always gives exactly what is asked: silence between overs, what was said, and what
    conceals a frame that has not come when it is due. Such a frame is played when it comes after
    all: from then on all is heard later by so much, and that is how the buffer grows. It is given
    up when the one after it is due and has come. Where frames keep coming earlier than they need
    to, the speech is made shorter until the spare time of the latest of them is a third of
    ``buffer`` again: by up to 0.3 % by a change of speed, which also follows a sender whose clock
    is fast or slow, beyond `EXCESS` by cutting out pitch periods, and beyond ``longest`` by leaving
    out superframes.

    All times are of one clock of the listener's, in seconds, such as ``time.monotonic()``. Methods
    must be called from one thread at a time.

    Args:
        receiver: orders, decodes, conceals and counts.
        buffer: seconds that the first frame of an over waits, so that later ones may be later.
        idle: seconds without anything to play that end an over whose last frame was lost.
        longest: seconds that speech may lie waiting at most; no less than ``buffer`` and two
            superframes.
        notify: called for each superframe that has been played or given up, with its number, its
            status, whether it ends the over, and the coded bits corrected or None.

    Attributes:
        receiver: as given.
        state: what it is doing, a `State`.
        late: superframes that came after they were due and were played nonetheless.
        inserted: samples that were heard in addition, waiting for late frames or for a slow sender.
        dropped: samples that were left out to catch up, or for a fast sender.
        depth: seconds that a frame, the median of the latest, lies waiting before it is played.
        callsign: the last sender's, once it is known; None again when an over begins.
        speaker: the same of whom was heard last: another over may have begun to arrive.

    Raises:
        ParameterError: a time is out of range.
    """

    def __init__(
        self,
        receiver: Receiver,
        buffer: float = 0.03,
        idle: float = 3.0,
        longest: float = 1.0,
        notify: Callable[[int, Status, bool, int | None], object] | None = None,
    ) -> None:
        self.receiver = receiver
        self._buffer = float(require("buffer", buffer, 0, LONGEST_BUFFER))
        self._idle = float(require("idle", idle, SUPERFRAME_SECONDS, 1e6))
        # With less, what was never too early would be left out of a burst.
        least = self._buffer + 2 * SUPERFRAME_SECONDS
        self._longest = max(float(require("longest", longest, 0, 1e6)), least)
        self._notify = notify or (lambda *_: None)
        self._resampler = Resampler()
        self._step = 0.0
        self.late = self.inserted = self.dropped = 0
        self.callsign: str | None = None
        self.speaker: str | None = None
        self.reset()

    def reset(self) -> None:
        """Fall silent and wait for another over. What was counted stays."""
        self.receiver.reset()
        # Frames of the next over, number and time of arrival, until the end of this one is pulled.
        self._held: list[tuple[LinkFrame, int | None, float]] = []
        self._fall_silent()

    def put(self, frame: LinkFrame, number: int | None, now: float) -> None:
        """Take in a frame that arrives now, as `Receiver.accept` does."""
        if len(self._held) < AHEAD and self.receiver.follows(frame, number):
            self._held.append((frame, number, now))
        else:
            self._arrive(frame, number, now)

    def push(self, packet: Packet, now: float) -> None:
        """Take in a packet that arrives now, as `Receiver.push` does."""
        for frame, number in self.receiver.decode(packet):
            self.put(frame, number, now)

    def take(self, samples: int, now: float) -> np.ndarray:
        """The next samples, to be heard from about now on: float32 (samples,)."""
        parts, missing = [np.zeros(0, np.float32)], samples
        self._step = max(samples / SAMPLE_RATE, 0.9 * self._step)
        while missing > 0:
            if not len(self._made):
                self._made = self._make(missing, now + (samples - missing) / SAMPLE_RATE)
            parts.append(self._made[:missing])
            self._made = self._made[missing:]
            missing -= len(parts[-1])
        return np.concatenate(parts)

    def prepare(self) -> bool:
        """Decode the next superframe if it has come, to have it when it is due.

        Decoding takes a while: where the time of `take` matters, call this while nothing is urgent.

        Returns:
            whether there was something to decode.
        """
        left_out = self._spare is not None and self._spare > self._longest
        if self.state is State.IDLE or self._last or self._hole is not None or left_out:
            return False
        if self._prepared is not None or not self.receiver.ready:
            return False
        self._prepared = self._pull()
        return True

    def _arrive(self, frame: LinkFrame, number: int | None, now: float) -> None:
        receiver = self.receiver
        resyncs, following = receiver.counts.resyncs, receiver.next
        number = receiver.accept(frame, number)
        if number is None:
            return
        again = receiver.counts.resyncs > resyncs
        if again or following is None:
            self.callsign = None
        self.callsign = receiver.callsign or self.callsign
        if again:
            self._begin_again(now)
        elif following is None:
            # The first of an over; the one before may still be sounding.
            self._start = now + max(self._buffer, self._wanted)
            if self.state is State.IDLE:
                self.state = State.BUFFERING
        elif receiver.next != following:
            # The numbers so far were guesses; the arrivals were not.
            shift = receiver.next - following
            seconds = shift * SUPERFRAME_SECONDS
            self._arrivals = deque((a - seconds for a in self._arrivals), maxlen=WINDOW)
            if self._prepared is not None:
                self._prepared = replace(self._prepared, number=self._prepared.number + shift)
        self._arrivals.append(now - number * SUPERFRAME_SECONDS)

    def _make(self, missing: int, now: float) -> np.ndarray:
        """Some samples, the first of them to be heard now; none where the state has changed."""
        if self.state is State.IDLE:
            return np.zeros(missing, np.float32)
        if self.state is State.BUFFERING:
            wait = int(np.ceil((self._start - now) * SAMPLE_RATE))
            if wait > 0:
                return np.zeros(min(wait, missing), np.float32)
            self.state = State.PLAYING
        if self._hole is None and not len(self._source):
            self._follow(now)
        if self._hole is not None:
            self._fill(now)
        # In a hole a little at a time, so that what comes late is played at once.
        size = max(PIECE, missing) if self._hole is None else PIECE
        piece, self._source = self._source[:size], self._source[size:]
        if self._hole is not None:
            self._hole += len(piece)
        made = self._resampler.process(piece, self._ratio)
        self._count(len(made) - len(piece))
        return made

    def _follow(self, now: float) -> None:
        """What comes after the superframe that has been played."""
        if self._last:
            self._fall_silent()
        elif self._prepared is not None or self.receiver.fetch():
            self._play(now)
        else:
            self._hole = 0

    def _fill(self, now: float) -> None:
        """Conceal, unless what is missing has come or is no longer waited for."""
        target = self._target()
        if target is not None:
            ahead = (target - self.receiver.next) * SUPERFRAME_SAMPLES
            self._skip(target)
            if self._hole > ahead:
                self.late += 1
            self._count(self._hole - ahead)
            self._play(now)
        elif self._hole >= self._idle * SAMPLE_RATE and not self.receiver.waiting:
            self.reset()
        elif not len(self._source):
            self._source = self.receiver.conceal().audio

    def _target(self) -> int | None:
        """Number of the superframe to go on with now, if there is one."""
        numbers = self.receiver.numbers
        if not numbers:
            return None
        longest = self._longest / SUPERFRAME_SECONDS
        target = next(n for n in numbers if numbers[-1] - n <= longest)
        wait = (target - self.receiver.next) * SUPERFRAME_SAMPLES - self._hole
        return target if wait <= 0 or wait > self._longest * SAMPLE_RATE else None

    def _play(self, now: float) -> None:
        """Begin the next superframe, which has come."""
        silent = self._fresh or (self._hole or 0) > 2 * SUPERFRAME_SAMPLES
        before = np.zeros(FADE_SAMPLES, np.float32) if silent else self._source[:FADE_SAMPLES]
        self._hole, self._fresh = None, False
        spare = self._adapt(now)
        superframe, self._prepared = self._prepared or self._pull(), None
        audio = superframe.audio
        if spare > EXCESS:
            audio = shorten(audio)
            self._count(len(audio) - len(superframe.audio))
        if len(before):
            ramp = np.linspace(0, 1, len(before), dtype=np.float32)
            audio = audio.copy()
            audio[: len(before)] = before + ramp * (audio[: len(before)] - before)
        if superframe.end:
            audio = np.concatenate([audio[:-FADE_SAMPLES], _faded(audio[-FADE_SAMPLES:])])
            self._last = True
        self._source = audio
        self._notify(superframe.number, superframe.status, superframe.end, superframe.corrected)

    def _pull(self) -> Superframe:
        superframe = self.receiver.pull()
        self.speaker = self.callsign
        if superframe.end:
            # Whatever comes now belongs to another over.
            self.receiver.reset()
            self._arrivals.clear()
            held, self._held = self._held, []
            for arrival in held:
                self.put(*arrival)
        return superframe

    def _adapt(self, now: float) -> float:
        """Set the speed for the superframe that begins; the seconds that are too many."""
        if not self._arrivals or self.receiver.next is None:
            return 0.0
        prepared = self._prepared is not None
        if prepared and self._prepared.end:
            return 0.0  # what has arrived since is of another over
        number = self._prepared.number if prepared else self.receiver.next
        began = now - number * SUPERFRAME_SECONDS
        spare = began - max(self._arrivals) - self._wanted
        if len(self._arrivals) < WINDOW:
            # Too few to tell that none comes later.
            spare = min(spare, 0.0)
        if spare > self._longest and not prepared:
            target = self.receiver.next + int(spare // SUPERFRAME_SECONDS)
            target = next((n for n in self.receiver.numbers if n >= target), self.receiver.next)
            left_out = target - self.receiver.next
            self._skip(target)
            self._count(-left_out * SUPERFRAME_SAMPLES)
            seconds = left_out * SUPERFRAME_SECONDS
            began, spare, self._spare = began - seconds, spare - seconds, None
        self.depth = began - median(self._arrivals)
        # The calls may come unevenly.
        self._spare = spare if self._spare is None else self._spare + (spare - self._spare) / 4
        excess = np.sign(self._spare) * max(0.0, abs(self._spare) - BAND)
        self._ratio = 1 - MOST * float(np.clip(excess / FULL_SPEED, -1, 1))
        return min(spare, self._spare)

    @property
    def _wanted(self) -> float:
        """Seconds that the latest frame should come early."""
        # What is heard at the end of a step must be there at its beginning.
        return self._buffer / 3 + self._step

    def _skip(self, target: int) -> None:
        for number in range(self.receiver.next, target):
            self._notify(number, Status.CONCEALED, False, None)
        self.receiver.skip(target)

    def _begin_again(self, now: float) -> None:
        """The sender has begun again: fade out, and begin as with an over."""
        self._start = now + max(self._buffer, self._wanted)
        if self.state is State.PLAYING:
            self._source = _faded(self._source[:FADE_SAMPLES])
            self._last, self._hole = True, None
        self._prepared = None
        self._held = []
        self._arrivals.clear()

    def _fall_silent(self) -> None:
        self.state = State.BUFFERING if self.receiver.waiting else State.IDLE
        if self.state is State.IDLE:
            self._start = 0.0
            self._arrivals: deque[float] = deque(maxlen=WINDOW)
            self.depth = 0.0
        self._resampler.reset()
        self._made = self._source = np.zeros(0, np.float32)
        self._hole: int | None = None
        self._prepared: Superframe | None = None
        self._spare: float | None = None
        self._ratio = 1.0
        self._last, self._fresh = False, True

    def _count(self, samples: int) -> None:
        """That so many samples are heard in addition, or left out where it is negative."""
        self.inserted += max(samples, 0)
        self.dropped += max(-samples, 0)


def _faded(audio: np.ndarray) -> np.ndarray:
    """The audio faded out; the last samples, which stay in the resampler, are silent."""
    ramp = np.clip(np.linspace(1, 0, max(len(audio) - TAPS, 0)), 0, 1)
    out = np.zeros_like(audio)
    out[: len(ramp)] = audio[: len(ramp)] * ramp
    return out
