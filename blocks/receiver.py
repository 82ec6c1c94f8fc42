"""The receiving side: link frames in, in whatever order they come; speech out, on the clock."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from voicelink.blocks.auto_link import AUTO, AutoLinkDecoder
from voicelink.blocks.callsign import CallsignCollector
from voicelink.blocks.link import LinkFrame
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Gatherer
from voicelink.blocks.station import START, WITHIN, Station, StationReader
from voicelink.blocks.status import Status
from voicelink.blocks.strangers import Strangers, model_number
from voicelink.blocks.voice import MOST_PIECES, SILENCE, VoicePiece, VoiceReader
from voicelink.blocks.voice import START as IN_FRONT
from voicelink.models.card import DEFAULT
from voicelink.models.codec import SpeechDecoder
from voicelink.models.errors import FormatError
from voicelink.models.sizes import SUPERFRAME_SAMPLES

AHEAD = 64
"""So many superframes are kept at most (20 s)."""

JUMP = 16
"""A frame further on than this from the one expected is none of the present over (5 s)."""

LONGEST_BUFFER = 15.0
"""Seconds that a buffer may have, so that `AHEAD` leaves room for what comes early."""

FOLLOW = 3
"""So many frames in a row from elsewhere, in sequence, and the receiver goes with them."""

FADE = 1
"""Superframes that are concealed at full level; the next one fades out, and then there is silence:
what the decoder makes of nothing turns into a drone after that."""

STRAGGLERS = 8
"""So many of the last superframes of an over may still come, or come again, after its end."""

VOICES = 16
"""So many senders' voices are kept, by their callsigns."""

QUIET_SAMPLES = 320
"""Samples in which the sound fades away where nobody speaks, and comes back (40 ms)."""

WHOLE = Status.CLEAN, Status.CORRECTED
"""What a double may be told by: another copy of such a frame says the same to the bit."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What a receiver has seen.

    ``clean``, ``corrected``, ``soft`` and ``concealed`` count superframes given out and add up to
    all of them; the others count packets: ``late`` (its superframe had been given out, or it is
    numbered as none that is near), ``duplicate`` (its superframe was there already), ``malformed``
    (no link frame of ours), ``foreign`` (another model or version, or a damaged frame that is
    rather a station or voice frame than speech), ``station`` (a station frame), ``voice`` (a voice
    frame) and ``resyncs`` (moves to another numbering).
    """

    received: int = 0
    clean: int = 0
    corrected: int = 0
    soft: int = 0
    concealed: int = 0
    late: int = 0
    duplicate: int = 0
    malformed: int = 0
    foreign: int = 0
    station: int = 0
    voice: int = 0
    resyncs: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Superframe:
    """320 ms of output.

    Attributes:
        number: which superframe of the over it is; modulo 256 at first, where a header told it, and
            a guess until one did.
        status: what became of it.
        audio: float32 (2560,).
        end: whether it is the last of its over.
        corrected: coded bits that error correction changed; None where that is unknown.
    """

    number: int
    status: Status
    audio: np.ndarray
    end: bool = False
    corrected: int | None = None


@dataclass(frozen=True, slots=True)
class _Opening:
    """What came in front of an over since the last frame of speech.

    Attributes:
        sequence: of the latest such frame, where it is known.
        speech: number with which speech begins.
        callsign: the sender's, where it is known.
        voice: the speaker's, once it is whole.
    """

    sequence: int | None
    speech: int
    callsign: str | None = None
    voice: bytes | None = None


class Receiver:
    """Link decoder, reordering and speech decoder as one stage, which nothing that arrives stops.

    `push` whatever comes, `pull` a superframe every 320 ms: it is there always, concealed where
    nothing came. A packet finds its place by the sequence in its header; by the transport's number
    where it has none; else it counts as the next, and where nothing before knew its place, the
    first that does moves it along. Station frames begin no over and are not played: one inside of
    an over is a superframe of which nothing is known, and one behind it says that it has ended.
    Voice frames are not played either: from the moment when a voice is whole speech has it, also in
    later overs of the same callsign; those of others begin with a neutral one.

    Args:
        profile: the link profile by name, or "auto": by the length of each packet.
        model: a released model's id or a model folder.
        first: number of the superframe to begin with; None: whatever comes first.
        follow: go with a sender that starts again or skips. A simulation, where what is late is
            lost, wants False.
        speech: False to leave out the speech decoder: the audio is silence then.

    Attributes:
        counts: what has come.
        stranger: number of the model that the last frame of another one was of; None until then.
        station: what the station frames said so far.
        voice: the speaker's in whose voice speech is given out; None for a neutral one.
        ended: whether the last superframe of the over has been given out.
    """

    def __init__(
        self,
        profile: str = AUTO,
        model: str | Path = DEFAULT,
        first: int | None = None,
        follow: bool = True,
        speech: bool = True,
    ) -> None:
        self._decoder = SpeechDecoder(model)
        self._speech = speech
        card = self._decoder.card
        self._voiced = bool(card.voice_bytes)
        self._number = card.number
        self._strangers = Strangers(card.payload_bits)
        self.stranger: int | None = None
        self._link = AutoLinkDecoder.of(card, profile)
        self._gatherer = Gatherer(card.payload_bits)
        self._nothing = np.zeros(card.payload_bits, np.float32)
        self._first = first
        self._follow = follow
        self.counts = Counts()
        self.station = StationReader()
        self._pieces = VoiceReader(card.voice_bytes)
        self._voices: dict[str, bytes] = {}
        self._opening: _Opening | None = None
        self._end: int | None = None
        self._latest: deque[tuple[int, LinkFrame]] = deque(maxlen=STRAGGLERS)
        self.reset()

    def reset(self) -> None:
        """Forget the over: the next packet begins another. Counts go on.

        What still comes of an over that has ended, as a double or a straggler, begins none.
        """
        self._decoder.reset()
        # What is heard later by the decoder's delay fades later.
        whole = self._decoder.delay // SUPERFRAME_SAMPLES
        self._envelopes: deque[np.ndarray | None] = deque([None] * whole)
        self._quiet = False  # whether nobody spoke in the superframe before
        # The over that has ended: its last number, and payloads of the latest frames by number.
        self._before = self._end, {n: frame.payload_llr for n, frame in self._latest}
        self._end = None
        self._latest.clear()
        self._waiting: dict[int, LinkFrame] = {}
        self._next = self._first
        self._highest = -1 if self._first is None else self._first - 1
        self._anchored = self._first is not None
        self._given: deque[int] = deque(maxlen=256)
        self._strays: deque[int] = deque(maxlen=FOLLOW)
        self._gap = 0
        self._collector = CallsignCollector()
        self._open()
        self.ended = False

    @property
    def delay(self) -> int:
        """Samples by which the speech lags the encoder's, beside the superframe itself."""
        return self._decoder.delay

    @property
    def waiting(self) -> int:
        """Superframes that have arrived and were not given out yet."""
        return len(self._waiting)

    @property
    def ready(self) -> bool:
        """Whether the next superframe has arrived."""
        return self._next in self._waiting

    @property
    def next(self) -> int | None:
        """Number of the superframe that `pull` gives next; None before the first."""
        return self._next

    @property
    def numbers(self) -> list[int]:
        """Numbers of the superframes that have arrived and were not given out yet, in order."""
        return sorted(self._waiting)

    @property
    def callsign(self) -> str | None:
        """The sender's callsign, once it is known."""
        return self._collector.callsign or self._callsign

    def push(self, packet: Packet) -> int | None:
        """Take in what arrived; the number of the superframe that is complete with it.

        None where none is, or it is of no use. Of spread packets, that are told by their length,
        the frames count as received.
        """
        accepted = None
        for frame, number in self.decode(packet):
            place = self.accept(frame, number)
            accepted = accepted if place is None else place
        return accepted

    def decode(self, packet: Packet) -> list[tuple[LinkFrame, int | None]]:
        """The frames that are complete with a packet and their numbers, for `accept`.

        What is none of ours is counted, and gives none.
        """
        try:
            frames = self._gatherer.push(packet)
            return [(self._link.decode(frame), frame.number) for frame in frames]
        except FormatError as error:
            number = self._strangers.model_of(packet)
            if number is None:
                self.refuse(error)
            else:
                self.counts.received += 1
                self.counts.foreign += 1
                self.stranger = number
            return []

    def fetch(self) -> bool:
        """Whether the next superframe has come; of a spread one, what has come of it is taken."""
        if not self.ready and self._next is not None:
            packet = self._gatherer.take(self._next)
            if packet is not None:
                self.accept(self._link.decode(packet), self._next)
        return self.ready

    def refuse(self, error: FormatError) -> None:
        """Count what arrived and is no frame of ours; the first one is logged."""
        self.counts.received += 1
        self.counts.malformed += 1
        if self.counts.malformed == 1:
            _log.warning("packet dropped: %s (further ones are only counted)", error)

    def accept(self, frame: LinkFrame, number: int | None = None) -> int | None:
        """Take in a frame whose link is decoded, as `push` does.

        Args:
            frame: what a `LinkDecoder` made of a packet.
            number: the superframe's number where the transport carries one.
        """
        self.counts.received += 1
        if not frame.understood:
            self.counts.foreign += 1
            number = model_number(frame)
            if number not in (None, self._number):
                self.stranger = number
            return None
        other = self._unspoken(frame, number)
        if other is None:
            return None
        frame = other
        if self._next is None:
            self._compare(frame)
        knows = frame.sequence is not None or number is not None
        number = self._place(frame, number)
        if self._next is None and knows and self._ended_before(number, frame):
            return None
        if self._next is None:
            self._next = number
            self._highest = number - 1
        if knows:
            self._anchor(number)
        known = self._waiting.get(number)
        # A frame that was placed by guess makes way for one that knows its place.
        if known is not None and (known.sequence is not None or frame.sequence is None):
            self.counts.duplicate += 1
            return None
        # Whoever began again must not be taken for someone far ahead, and waited for.
        far = self._follow and number - self._expected > JUMP
        if far or not 0 <= number - self._next <= AHEAD:
            return self._stray(number, frame)
        self._strays.clear()
        return self._keep(number, frame)

    def follows(self, frame: LinkFrame, number: int | None = None) -> bool:
        """Whether the frame is of the next over, and the end of the present one still waits.

        `accept` takes it only after `pull` has given that end and `reset` was called.
        """
        last = next((n for n, waiting in self._waiting.items() if waiting.end), None)
        if last is None or (frame.sequence is None and number is None):
            return False
        if frame.station is not None:
            return frame.station.place == START
        if frame.voice is not None:
            return frame.voice.place == IN_FRONT
        place = self._place(frame, number)
        known = self._waiting.get(place) or dict(self._latest).get(place)
        if known is not None:
            # One that has not come, or not whole, says nothing else than this one.
            other = not np.array_equal(frame.payload_llr, known.payload_llr)
            return known.status in WHOLE and other
        if place >= self._next:
            return place > last
        return self._begins(place) or self._next - place > STRAGGLERS

    def pull(self) -> Superframe:
        """The next superframe, on the clock: decoded if it has arrived, concealed if not."""
        self.fetch()
        frame = self._waiting.pop(self._next, None)
        if frame is None:
            concealed = self.conceal()
            self.skip(concealed.number + 1)
            return concealed
        number = self._next
        self._next = number + 1
        self._given.append(number)
        if frame.status in WHOLE:
            self._latest.append((number, frame))
        setattr(self.counts, frame.status.value, getattr(self.counts, frame.status.value) + 1)
        if frame.voice is not None and frame.voice.place == SILENCE:
            audio = self._pause()
        elif frame.status is Status.CONCEALED:
            # What little is known of it makes a short gap shorter.
            audio = self._conceal(frame.payload_llr)
        else:
            self._gap = 0
            audio = self._sound(frame.payload_llr)
        if frame.end:
            self.ended, self._end = True, number
        return Superframe(number, frame.status, audio, frame.end, frame.corrected)

    def conceal(self) -> Superframe:
        """What is heard in place of the next superframe, which stays the next and may yet come."""
        if self._next is None:
            self._next, self._highest = 0, -1
        return Superframe(self._next, Status.CONCEALED, self._conceal())

    def skip(self, number: int) -> None:
        """Go on with the superframe of that number; those before it count as concealed."""
        if self._next is None or number <= self._next:
            return
        self.counts.concealed += number - self._next
        self._waiting = {n: frame for n, frame in self._waiting.items() if n >= number}
        self._next = number
        self._highest = max(self._highest, number - 1)

    def _conceal(self, llrs: np.ndarray | None = None) -> np.ndarray:
        self._gap += 1
        envelope = None
        if self._gap > FADE:
            last = 1 if self._gap == FADE + 1 else 0
            envelope = np.linspace(last, 0, SUPERFRAME_SAMPLES)
        return self._sound(self._nothing if llrs is None else llrs, envelope)

    def _pause(self) -> np.ndarray:
        """A superframe in which nobody speaks."""
        before = np.linspace(1, 0, QUIET_SAMPLES) if not self._quiet else np.zeros(QUIET_SAMPLES)
        audio = self._sound(self._nothing, self._shifted(before, 0))
        self._quiet, self._gap = True, FADE + 1
        return audio

    def _shifted(self, ramp: np.ndarray, after: float) -> np.ndarray:
        """A ramp for what is said from a superframe's begin on, which is heard after the delay."""
        rest = self._decoder.delay % SUPERFRAME_SAMPLES
        ends = np.full(rest, ramp[0]), np.full(SUPERFRAME_SAMPLES, after)
        return np.concatenate([ends[0], ramp, ends[1]])[:SUPERFRAME_SAMPLES]

    def _sound(self, llrs: np.ndarray, envelope: np.ndarray | None = None) -> np.ndarray:
        """What a superframe sounds like; of the one that comes after a pause, faded in."""
        if envelope is None and self._quiet:
            envelope = self._shifted(np.linspace(0, 1, QUIET_SAMPLES), 1)
        self._quiet = False
        self._envelopes.append(envelope)
        audio, envelope = self._speak(llrs), self._envelopes.popleft()
        return audio if envelope is None else (audio * envelope).astype(np.float32)

    def _speak(self, llrs: np.ndarray) -> np.ndarray:
        if self._speech:
            return self._decoder.decode_llrs(llrs)
        return np.zeros(SUPERFRAME_SAMPLES, np.float32)

    @property
    def _expected(self) -> int:
        return max(self._highest + 1, self._next or 0)

    def _place(self, frame: LinkFrame, number: int | None) -> int:
        expected, sequence = self._expected, frame.sequence
        if sequence is None:
            return expected if number is None else number
        # The transport's number where both agree, so that the frames whose header is lost, which
        # have nothing else, are counted alike.
        if number is not None and number % 256 == sequence:
            return number
        if not self._anchored:
            return sequence
        return expected + (sequence - expected + 128) % 256 - 128

    def _unspoken(self, frame: LinkFrame, number: int | None) -> LinkFrame | None:
        """Take in what is no speech; what stands in its place, if speech would."""
        if frame.station is not None:
            return self._identified(frame, frame.station, number)
        if frame.voice is not None:
            return self._heard_voice(frame, frame.voice)
        return frame

    def _identified(
        self, frame: LinkFrame, station: Station, number: int | None
    ) -> LinkFrame | None:
        """Take in a station frame; what stands in its place, if speech would."""
        self.counts.station += 1
        self.station.add(station)
        if station.place == START:
            self._opening = self._opened(station.callsign, frame, 1)
            if not self._given and not self._waiting:
                self._open()
        if self._next is None:
            return None
        if station.place == WITHIN:
            self._callsign = station.callsign
            return self._instead(frame)
        last = self._place(frame, number) - station.after
        if not station.after or self.ended or not -STRAGGLERS <= last - self._next <= JUMP:
            return None
        another = station.callsign and self.callsign and station.callsign != self.callsign
        # A double of one behind the over before names that one's last number.
        before = self._before[0]
        again = before is not None and (last - before) % 256 == 0 and last > self._next
        if not another and not again:
            self._end_at(max(last, self._next))
        return None

    def _heard_voice(self, frame: LinkFrame, piece: VoicePiece) -> LinkFrame | None:
        """Take in a voice frame; what stands in its place, if speech would."""
        self.counts.voice += 1
        voice = self._pieces.add(piece)
        if piece.place == IN_FRONT:
            # The station frame comes first, and then the pieces in their order.
            opening = self._opened(frame.callsign, frame, piece.pieces - piece.piece)
            self._opening = replace(opening, voice=voice or opening.voice)
            if not self._given and not self._waiting:
                self._open()
            return None
        if self._next is None:
            return None
        if voice:
            self._speak_as(voice)
        if piece.place == SILENCE:
            # Nothing is missing there.
            return replace(frame, payload_llr=self._nothing)
        return self._instead(frame)

    def _instead(self, frame: LinkFrame) -> LinkFrame:
        """A frame of which nothing is known, in the place of one that is no speech."""
        return replace(frame, status=Status.CONCEALED, payload_llr=self._nothing, corrected=None)

    def _opened(self, callsign: str | None, frame: LinkFrame, before: int) -> _Opening:
        """What has come in front of an over, with a frame that stands so many before speech."""
        before += frame.sequence or 0
        known = self._opening
        if known is None or (callsign and known.callsign and callsign != known.callsign):
            return _Opening(frame.sequence, before, callsign)
        callsign = known.callsign if callsign is None else callsign
        return _Opening(frame.sequence, max(before, known.speech), callsign, known.voice)

    def _open(self) -> None:
        """Begin an over, with what is known of it."""
        opening = self._opening
        self._callsign = self._speaker = opening.callsign if opening else None
        voice = opening.voice if opening else None
        self._speak_as(voice or self._voices.get(self._callsign or ""))

    def _speak_as(self, voice: bytes | None) -> None:
        """Go on in that voice; None for a neutral one."""
        self.voice = voice
        if self._voiced:
            self._decoder.set_voice(voice)

    def _recognise(self) -> None:
        """Keep the voice for the callsign, or take the one that was kept for it."""
        callsign = self.callsign
        if not self._voiced or not callsign:
            return
        another = self._speaker and callsign != self._speaker
        self._speaker = callsign
        if another:
            self._speak_as(self._voices.get(callsign))
        elif self.voice is None:
            if callsign in self._voices:
                self._speak_as(self._voices[callsign])
        elif self._voices.get(callsign) != self.voice:
            self._voices.pop(callsign, None)
            self._voices[callsign] = self.voice
            if len(self._voices) > VOICES:
                del self._voices[next(iter(self._voices))]

    def _end_at(self, number: int) -> None:
        """The over ends with this superframe, whether it has come or not."""
        if any(frame.end for frame in self._waiting.values()):
            return
        nothing = LinkFrame(Status.CONCEALED, self._nothing, corrected=None)
        frame = self._waiting.get(number, nothing)
        self._waiting[number] = replace(frame, end=True)
        self._highest = max(self._highest, number)

    def _compare(self, frame: LinkFrame) -> None:
        """Forget what came in front of an over, where speech of another one comes."""
        opening = self._opening
        if opening is None or frame.sequence is None or opening.sequence is None:
            return
        if (frame.sequence - opening.sequence) % 256 > JUMP:
            self._opening = None
            self._open()

    def _begins(self, number: int) -> bool:
        """Whether an over's first frame of speech has this number."""
        if self._opening is None:
            return number % 256 == 0
        # Of the frames in front of it the last may have been lost.
        return (number - self._opening.speech) % 256 <= MOST_PIECES

    def _ended_before(self, number: int, frame: LinkFrame) -> bool:
        """Whether the frame belongs to the over that has ended, and not to the one that begins."""
        last, given = self._before
        age = None if last is None else (last - number) % 256
        if age is None or age >= STRAGGLERS or (age and self._begins(number)):
            return False
        payload = given.get(last - age)
        if payload is None:
            self.counts.late += 1
            return True
        # Another over, whose first frames were lost, has such numbers too, but says something else.
        if np.array_equal(frame.payload_llr, payload):
            self.counts.duplicate += 1
            return True
        return False

    def _anchor(self, number: int) -> None:
        """The first frame that knows its place: those placed by guess came right before it."""
        if self._anchored:
            return
        self._anchored = True
        shift = number - self._expected
        self._next += shift
        self._highest += shift
        self._waiting = {n + shift: frame for n, frame in self._waiting.items()}
        self._given = deque((n + shift for n in self._given), maxlen=self._given.maxlen)
        shifted = ((n + shift, frame) for n, frame in self._latest)
        self._latest = deque(shifted, maxlen=STRAGGLERS)

    def _stray(self, number: int, frame: LinkFrame) -> int | None:
        # A sender that began again sends numbers that were heard before: those count here too.
        if self._strays and number != self._strays[-1] + 1:
            self._strays.clear()
        self._strays.append(number)
        # After a silence the first frame of another over is enough.
        begins = self._begins(number) and self._gap > FADE + 1
        if not self._follow or (len(self._strays) < FOLLOW and not begins):
            if number in self._given:
                self.counts.duplicate += 1
            else:
                self.counts.late += 1
            return None
        self.counts.resyncs += 1
        self._compare(frame)
        self._strays.clear()
        self._waiting.clear()
        self._given.clear()
        self._latest.clear()
        self._collector.reset()
        self._open()
        self._next, self._highest = number, number - 1
        return self._keep(number, frame)

    def _keep(self, number: int, frame: LinkFrame) -> int:
        self._waiting[number] = frame
        self._highest = max(self._highest, number)
        if frame.header is not None:
            self._collector.add(frame.header.sequence, frame.header.callsign_slice)
        self._callsign = frame.callsign or self._callsign
        self._opening = None
        self._recognise()
        return number
