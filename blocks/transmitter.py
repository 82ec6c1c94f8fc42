"""The sending side: speech in, link frames out, spread over several packets where wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.link_framer import LinkFramer
from voicelink.blocks.packet import Packet
from voicelink.blocks.pauses import Pauses
from voicelink.blocks.spread import Spreader
from voicelink.blocks.station import Identifier
from voicelink.blocks.voice import VoiceSender
from voicelink.models.card import DEFAULT, Card
from voicelink.models.codec import SpeechEncoder
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import PAYLOAD_BYTES, SUPERFRAME_SAMPLES


class Transmitter:
    """Speech encoder and link encoder as one stage.

    Args:
        profile: the link profile, by name.
        model: a released model's id or a model folder.
        callsign: up to 9 characters, sent slice by slice; "" for none.
        spread: packets that each frame is spread over, 1, 2, 4, 8 or 16; see `Spreader`.
        identifier: sends station frames: one at once, while the first superframe is being spoken,
            one or more behind the last, and one in place of speech every ten minutes.
        voice: the speaker's voice, for models that send it apart: it goes in front of the speech.
            Without, it follows when the model has heard enough to know it.

    Attributes:
        speech: the `SpeechEncoder`.
        link: the `LinkEncoder`.
        framer: the `LinkFramer`.
        spreader: the `Spreader`.

    Raises:
        ParameterError: an argument is none of these, the profile has no station frames, or the
            model takes no such voice.
    """

    def __init__(
        self,
        profile: str = "checked",
        model: str | Path = DEFAULT,
        callsign: str = "",
        spread: int = 1,
        identifier: Identifier | None = None,
        voice: bytes | None = None,
    ) -> None:
        self.speech = SpeechEncoder(model, voice=voice)
        card = self.speech.card
        self.link = LinkEncoder(profile, card.number, callsign, card.payload_bits)
        self.spreader = Spreader(self.link.bits, spread)
        self.framer = LinkFramer(self.link, identifier, voice_sender(self.link, card, voice))
        self._pauses = Pauses() if self.framer.voice else None

    def reset(self) -> None:
        """Begin a new over: state and numbering start again."""
        self.speech.reset()
        self.framer.reset()
        self.spreader.reset()
        if self._pauses:
            self._pauses.reset()

    @property
    def lead(self) -> int:
        """Packets of the present over that went out before its first superframe had been spoken."""
        return self.framer.lead

    def send(self, audio: np.ndarray) -> list[Packet]:
        """The packets that became complete with ``audio`` (float32 (n,), any n)."""
        frames = self.framer.start()
        # Where the voice is learned it must not be known before it was heard.
        size = SUPERFRAME_SAMPLES if self._pauses else max(1, len(audio))
        for start in range(0, len(audio), size):
            part = audio[start : start + size]
            frames += self._frames(self._split(self.speech.encode(part)), part)
        return [self.spreader.push(frame) for frame in frames]

    def finish(self) -> list[Packet]:
        """The packets of what is still held; the last frame of speech says that the over ends."""
        frames = self.framer.start()
        *first, last = self._split(last_payloads(self.speech))
        frames += self._frames(first) + self.framer.finish(last)
        packets = [self.spreader.push(frame) for frame in frames] + self.spreader.flush()
        self.reset()
        return packets

    def _split(self, content: bytes) -> list[bytes]:
        return split_payloads(content, self.link.profile.payload_bytes)

    def _frames(self, payloads: list[bytes], audio: np.ndarray | None = None) -> list[Packet]:
        if self._pauses is None:
            return [self.framer.frame(payload) for payload in payloads]
        if audio is not None:
            self._pauses.push(audio)
        self.framer.voice.voice = self.speech.voice
        return [self.framer.frame(payload, silent=self._pauses.next()) for payload in payloads]


def voice_sender(link: LinkEncoder, card: Card, voice: bytes | None) -> VoiceSender | None:
    """What sends a model's voice in a link's frames; None where there is none to be sent.

    Raises:
        ParameterError: a voice was given that is none of the model's, or that the profile cannot
            carry.
    """
    if voice is not None and len(voice) != card.voice_bytes:
        raise ParameterError(
            f"voice must be {card.voice_bytes} bytes for {card.id}, not {len(voice)}"
            if card.voice_bytes
            else f"voice must be none with {card.id}, which does not send it apart"
        )
    if not card.voice_bytes:
        return None
    if link.profile.header:
        return VoiceSender(link.profile.payload_bytes, voice)
    if voice is not None:
        raise ParameterError(
            f"a voice needs a profile with a header to go with, not {link.profile.name}; take"
            " checked, half or third"
        )
    return None


def last_payloads(speech: SpeechEncoder) -> bytes:
    """The payloads of what an encoder still holds: one at least, to say that the over ends."""
    content = speech.flush()
    silence = np.zeros(SUPERFRAME_SAMPLES, np.float32)
    while not content:
        content = speech.encode(silence)
    speech.reset()
    return content


def split_payloads(content: bytes, size: int = PAYLOAD_BYTES) -> list[bytes]:
    """The payloads of ``size`` bytes each that follow one another in ``content``."""
    return [content[i : i + size] for i in range(0, len(content), size)]
