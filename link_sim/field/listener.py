"""A receiver for signals: samples in, and what became of each frame, with its speech, out.

It goes by the signal's own time and nothing else, so that a recording gives the same frames as the
live signal did, at any pace and in any pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicelink.blocks.link import LinkFrame
from voicelink.blocks.modem import BURST_SAMPLES, MODEM_RATE, Burst, Demodulator
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import CONFIRMED
from voicelink.blocks.receiver import JUMP, Receiver
from voicelink.blocks.spread import Gatherer
from voicelink.blocks.squelch import Squelch
from voicelink.blocks.station import START
from voicelink.blocks.status import Status
from voicelink.link_sim.field.baseband import ToBaseband
from voicelink.link_sim.field.testframes import ErrorCounter, Errors
from voicelink.models.card import DEFAULT, card

SAME_GRID = 0.1
"""Packets of one over begin whole bursts apart, but for so much of one."""

STATION, VOICE, FOREIGN, STRAY = "station", "voice", "foreign", "stray"
"""What is said of frames that are no speech, of another model or version, or doubles, or late."""


@dataclass(frozen=True)
class Frame:
    """What became of one frame.

    Attributes:
        start: number of its first sample, counted in the signal from the last gap on.
        count: samples that it takes.
        over: which over since the start it belongs to, from 1.
        status: a `Status`'s value, or `STATION`, `VOICE`, `FOREIGN` or `STRAY`, which are not
            heard.
        sequence: the superframe's number modulo 256, as far as it is known.
        callsign: the sender's, once it is known.
        text: the sender's, as far as it has come; None where the frame is no station frame's.
        end: whether it is the last of its over.
        found: whether the modem found a packet there; the next fields are None where not.
        snr_db, esn0_db: in 3 kHz, and for each symbol.
        offset_hz: of the frequency.
        corrected: coded bits that error correction changed; None where it failed.
        errors: bit errors, of test frames.
        audio: float32 (2560,); empty where nothing is heard of it.
    """

    start: int
    count: int
    over: int
    status: str
    sequence: int | None
    callsign: str | None
    text: str | None
    end: bool
    found: bool
    snr_db: float | None
    esn0_db: float | None
    offset_hz: float | None
    corrected: int | None
    errors: Errors | None
    audio: np.ndarray

    @property
    def heard(self) -> bool:
        """Whether it is a superframe of speech."""
        return self.status not in (STATION, VOICE, FOREIGN, STRAY)

    @property
    def failed(self) -> bool:
        """Whether it was lost, or not mended by error correction."""
        return self.status in (Status.SOFT.value, Status.CONCEALED.value)


class SignalListener:
    """Demodulator, link decoder and speech decoder on a stream of samples.

    Args:
        rate: samples/s.
        real: a passband signal around 1500 Hz; else I/Q.
        mode, spread: of the modem.
        offset: Hz by which the signal lies above the middle.
        frequency_range: Hz to either side in which it is looked for.
        model: a released model's id or a model folder.
        speech: False to leave out the speech decoder.
        testframes: count the bit errors of test frames, which are no speech.
        tap: called with each packet as soon as the modem has found it.

    Raises:
        ParameterError: an argument is none of these.
    """

    def __init__(
        self,
        rate: float,
        real: bool = False,
        mode: str = "bpsk",
        spread: int = 1,
        offset: float = 0.0,
        frequency_range: float = 250.0,
        model: str | Path = DEFAULT,
        speech: bool = True,
        testframes: bool = False,
        tap: Callable[[Packet], object] = lambda _: None,
    ) -> None:
        self._baseband = ToBaseband(rate, real, offset)
        bits = card(model).payload_bits
        self._demodulator = Demodulator(mode, spread, frequency_range, bits)
        self._receiver = Receiver(model=model, speech=speech and not testframes)
        self._errors = ErrorCounter(self._demodulator.mode, bits) if testframes else None
        self._gatherer = Gatherer(bits)
        self._squelch = Squelch()
        self._tap = tap
        self._speech = speech and not testframes
        self._waiting: list[Frame] = []
        self._over = 0
        self._open = False
        self._samples = 0
        self._forget()

    def _forget(self) -> None:
        self._last: Burst | None = None
        self._known = False  # whether a header has told the place of the over's frames

    @property
    def skip(self) -> int:
        """Samples by which speech lags the speaker's, beside the superframe itself."""
        return self._receiver.delay

    @property
    def stranger(self) -> int | None:
        """Number of the model that the last frame of another one was of; None until then."""
        return self._receiver.stranger

    @property
    def position(self) -> int:
        """Samples taken in since the start, or the last gap."""
        return self._samples

    def push(self, samples: np.ndarray) -> list[Frame]:
        """The frames that became complete with samples (n,), float32 or complex64, any n."""
        self._samples += len(samples)
        return self._settled(self._take(self._demodulator.push(self._baseband.push(samples))))

    def end(self) -> list[Frame]:
        """The frames that are still held; whatever comes next comes after a gap."""
        bursts = self._demodulator.push(self._baseband.finish()) + self._demodulator.flush()
        frames = self._settled(self._take(bursts) + self._end_over())
        self._demodulator.reset()
        self._waiting.clear()
        self._samples = 0
        return frames

    def _settled(self, frames: list[Frame]) -> list[Frame]:
        """The frames without those behind the last one that came of an over.

        A demodulator that follows an over goes on for a while where it was cut off.
        """
        settled = []
        for frame in frames:
            if self._waiting and frame.over != self._waiting[0].over:
                self._waiting.clear()
            if frame.heard and not frame.found and not frame.end:
                self._waiting.append(frame)
                continue
            if frame.heard:
                settled += self._waiting
                self._waiting.clear()
            settled.append(frame)
        return settled

    def _take(self, bursts: list[Burst]) -> list[Frame]:
        return [frame for burst in bursts for frame in self._burst(burst)]

    def _burst(self, burst: Burst) -> list[Frame]:
        frames, slots = [], 1
        self._tap(Packet(burst.packet.data, metadata={CONFIRMED: bool(burst.confirmed)}))
        if self._last is not None:
            apart = (burst.position - self._last.position) / BURST_SAMPLES
            slots = round(apart)
            if not 1 <= slots < JUMP or abs(apart - slots) > SAME_GRID:
                frames += self._end_over()
        for packet in self._gatherer.push(burst.packet):
            frames += self._packet(packet, burst, slots)
        if self._open or burst.confirmed:
            self._last = burst
        if self._receiver.ended:
            self._begin_again()
        return frames

    def _packet(self, packet: Packet, burst: Burst | None, slots: int = 1) -> list[Frame]:
        frames = []
        for frame, number in self._receiver.decode(packet):
            # Behind an over the demodulator goes on for a while with what may be none.
            if not self._squelch.passes(frame, bool(burst and burst.confirmed)):
                continue
            if number is None and self._known:
                # Packets between that were not found leave their places in time.
                number = self._receiver.next + slots - 1
                if frame.sequence is not None and frame.sequence != number % 256:
                    # Another station, or this one anew.
                    frames += self._end_over()
                    number = None
            # What is said behind an over belongs to it.
            behind = frame.station is not None and frame.station.place != START
            if not self._open and not behind:
                self._open, self._over = True, self._over + 1
            place = self._receiver.accept(frame, number)
            if place is not None:
                self._known |= frame.sequence is not None
            errors = None
            if self._errors and _unspoken(frame) is None:
                sequence = place % 256 if self._known and place is not None else None
                errors = self._errors.count(packet, frame, sequence)
            frames += self._pull(place, frame, burst, errors)
            if place is None:
                frames.append(self._unheard(frame, burst))
        return frames

    def _pull(
        self, place: int | None, frame: LinkFrame, burst: Burst | None, errors: Errors | None
    ) -> list[Frame]:
        """All that is due with the frame at ``place``: first those before it that never came."""
        frames = []
        while self._receiver.waiting and not self._receiver.ended:
            got = self._receiver.pull()
            here = got.number == place
            other = _unspoken(frame) if here else None
            before = 1 if place is None else place - got.number
            frames.append(
                self._frame(
                    other or got.status.value,
                    got.number % 256 if self._known else None, got.end, burst, before,
                    got.corrected if here else None, errors if here else None, got.audio,
                )
            )  # fmt: skip
        return frames

    def _unheard(self, frame: LinkFrame, burst: Burst | None) -> Frame:
        status = STRAY if frame.understood else FOREIGN
        return self._frame(
            _unspoken(frame) or status,
            frame.sequence,
            frame.end,
            burst,
            0,
            frame.corrected,
            None,
            None,
        )

    def _frame(self, status, sequence, end, burst, before, corrected, errors, audio) -> Frame:
        scale = self._baseband.rate / MODEM_RATE
        burst_at = burst or self._last
        at = burst_at.position - self._baseband.delay - before * BURST_SAMPLES
        here = burst if before == 0 else None
        if here is not None and status == Status.CONCEALED.value and not here.confirmed:
            here = None  # it says nothing, and nothing tells it from noise
        station = self._receiver.station
        if audio is None or not self._speech:
            audio = np.zeros(0, np.float32)
        return Frame(
            start=max(0, round(at * scale)),
            count=round(BURST_SAMPLES * scale),
            over=self._over,
            status=status,
            sequence=sequence,
            callsign=(station.callsign if status == STATION else self._receiver.callsign) or None,
            text=station.text or None if status == STATION else None,
            end=end,
            found=here is not None,
            snr_db=_rounded(here and here.snr_db),
            esn0_db=_rounded(here and here.esn0_db),
            offset_hz=_rounded(here and here.frequency),
            corrected=corrected,
            errors=errors,
            audio=audio,
        )

    def _end_over(self) -> list[Frame]:
        """The over is over: what was spread and has come in part is taken as it is."""
        frames = []
        while self._last is not None and not self._receiver.ended:
            packet = self._gatherer.take(self._receiver.next or 0)
            if packet is None:
                break
            frames += self._packet(packet, None)
        self._begin_again()
        self._gatherer.reset()
        return frames

    def _begin_again(self) -> None:
        # Twice, by which it forgets what was said last: on the air nothing comes again by itself,
        # and test frames say the same in each over.
        self._receiver.reset()
        self._receiver.reset()
        self._squelch.reset()
        self._open = False
        self._forget()


def _unspoken(frame: LinkFrame) -> str | None:
    """What is said of a frame that is no speech by what it is for."""
    if frame.station is not None:
        return STATION
    return None if frame.voice is None else VOICE


def _rounded(value: float | None) -> float | None:
    """Two decimals are more than is known; 0 has no sign."""
    return None if value is None or not np.isfinite(value) else round(float(value), 2) + 0.0
