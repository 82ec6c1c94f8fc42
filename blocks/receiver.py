"""The receiving side: link frames in, in whatever order they come; speech out, on the clock."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from voicelink.blocks.callsign import CallsignCollector
from voicelink.blocks.link import LinkDecoder, LinkFrame
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import profile_of_length
from voicelink.blocks.status import Status
from voicelink.models.card import DEFAULT
from voicelink.models.codec import SpeechDecoder
from voicelink.models.errors import FormatError
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SAMPLES

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

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What a receiver has seen.

    ``clean``, ``corrected``, ``soft`` and ``concealed`` count superframes given out and add up to
    all of them; the others count packets: ``late`` (its superframe had been given out, or it is
    numbered as none that is near), ``duplicate`` (its superframe was there already), ``malformed``
    (no link frame of ours), ``foreign`` (another model or version) and ``resyncs`` (moves to
    another numbering).
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


class Receiver:
    """Link decoder, reordering and speech decoder as one stage, which nothing that arrives stops.

    `push` whatever comes, `pull` a superframe every 320 ms: it is there always, concealed where
    nothing came. A packet finds its place by the sequence in its header; by the transport's number
    where it has none; else it counts as the next, and where nothing before knew its place, the
    first that does moves it along.

    Args:
        profile: the link profile by name, or "auto": by the length of each packet.
        model: a released model's id or a model folder.
        first: number of the superframe to begin with; None: whatever comes first.
        follow: go with a sender that starts again or skips. A simulation, where what is late is
            lost, wants False.
        speech: False to leave out the speech decoder: the audio is silence then.
    """

    def __init__(
        self,
        profile: str = "auto",
        model: str | Path = DEFAULT,
        first: int | None = None,
        follow: bool = True,
        speech: bool = True,
    ) -> None:
        self._decoder = SpeechDecoder(model)
        self._speech = speech
        self._auto = profile == "auto"
        self._links: dict[str, LinkDecoder] = {}
        if not self._auto:
            self._link(profile)
        self._profile = profile
        self._first = first
        self._follow = follow
        self.counts = Counts()
        self.reset()

    def reset(self) -> None:
        """Forget the over: the next packet begins another. Counts go on."""
        self._decoder.reset()
        self._waiting: dict[int, LinkFrame] = {}
        self._next = self._first
        self._highest = -1 if self._first is None else self._first - 1
        self._anchored = self._first is not None
        self._given: deque[int] = deque(maxlen=256)
        self._strays: deque[int] = deque(maxlen=FOLLOW)
        self._gap = 0
        self._collector = CallsignCollector()
        self._callsign: str | None = None
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
    def callsign(self) -> str | None:
        """The sender's callsign, once it is known."""
        return self._collector.callsign or self._callsign

    def push(self, packet: Packet) -> int | None:
        """Take in what arrived; the number of its superframe, or None where it is of no use."""
        try:
            frame = self._decode(packet)
        except FormatError as error:
            self.refuse(error)
            return None
        return self.accept(frame, packet.number)

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
            return None
        knows = frame.sequence is not None or number is not None
        number = self._place(frame, number)
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

    def pull(self) -> Superframe:
        """The next superframe, on the clock: decoded if it has arrived, concealed if not."""
        if self._next is None:
            self._next, self._highest = 0, -1
        number = self._next
        frame = self._waiting.pop(number, None)
        self._next = number + 1
        self._highest = max(self._highest, number)
        status = Status.CONCEALED if frame is None else frame.status
        if frame is not None:
            self._given.append(number)
        if status is Status.CONCEALED:
            self._gap += 1
            llrs = np.zeros(PAYLOAD_BITS, np.float32)
        else:
            self._gap = 0
            llrs = frame.payload_llr
        setattr(self.counts, status.value, getattr(self.counts, status.value) + 1)
        if self._speech:
            audio = self._decoder.decode_llrs(llrs)
        else:
            audio = np.zeros(SUPERFRAME_SAMPLES, np.float32)
        if self._gap > FADE:
            audio = audio * (np.linspace(1, 0, len(audio)) if self._gap == FADE + 1 else 0)
            audio = audio.astype(np.float32)
        end = frame is not None and frame.end
        self.ended = self.ended or end
        return Superframe(number, status, audio, end, None if frame is None else frame.corrected)

    def _link(self, profile: str) -> LinkDecoder:
        if profile not in self._links:
            self._links[profile] = LinkDecoder(profile, model=self._decoder.card.number)
        return self._links[profile]

    def _decode(self, packet: Packet) -> LinkFrame:
        name = profile_of_length(packet.bits // 8).name if self._auto else self._profile
        return self._link(name).decode(packet)

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

    def _stray(self, number: int, frame: LinkFrame) -> int | None:
        # A sender that began again sends numbers that were heard before: those count here too.
        if self._strays and number != self._strays[-1] + 1:
            self._strays.clear()
        self._strays.append(number)
        if not self._follow or len(self._strays) < FOLLOW:
            if number in self._given:
                self.counts.duplicate += 1
            else:
                self.counts.late += 1
            return None
        self.counts.resyncs += 1
        self._strays.clear()
        self._waiting.clear()
        self._given.clear()
        self._next, self._highest = number, number - 1
        return self._keep(number, frame)

    def _keep(self, number: int, frame: LinkFrame) -> int:
        self._waiting[number] = frame
        self._highest = max(self._highest, number)
        if frame.header is not None:
            self._collector.add(frame.header.sequence, frame.header.callsign_slice)
        self._callsign = frame.callsign or self._callsign
        return number
