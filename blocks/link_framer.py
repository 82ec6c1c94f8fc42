"""The frames of an over: speech, and between it what the station says of itself and whose voice
it is."""

from __future__ import annotations

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.station import Identifier
from voicelink.blocks.voice import VoiceSender
from voicelink.models.errors import ParameterError


class LinkFramer:
    """Link frames of payloads, with station frames where an `Identifier` asks for them and voice
    frames where a `VoiceSender` does.

    Each frame of an over has a number of its own, so that with a station frame in front speech
    begins with 1.

    Args:
        link: makes the frames.
        identifier: None for no station frames.
        voice: None for no voice frames.

    Attributes:
        link, identifier, voice: as given.
        lead: frames that went in front of the present over.

    Raises:
        ParameterError: the profile has no station frames.
    """

    def __init__(
        self,
        link: LinkEncoder,
        identifier: Identifier | None = None,
        voice: VoiceSender | None = None,
    ) -> None:
        if identifier and not link.profile.header:
            raise ParameterError(
                f"a station with the profile {link.profile.name} cannot identify itself, as that"
                " has no header; take checked, half or third"
            )
        if identifier and identifier.payload_bytes != link.profile.payload_bytes:
            raise ParameterError(
                f"identifier must be made for payloads of {link.profile.payload_bytes} bytes, not"
                f" {identifier.payload_bytes}"
            )
        self.link = link
        self.identifier = identifier
        self.voice = voice
        self.lead = 0
        self.reset()

    def reset(self) -> None:
        """Begin another over."""
        self.link.reset()
        self._begun = False
        if self.identifier:
            self.identifier.reset()
        if self.voice:
            self.voice.reset()

    def start(self, identify: bool = True) -> list[Packet]:
        """What goes in front of the first superframe of an over, once; none where it has begun.

        Args:
            identify: False to leave out the station frame.
        """
        if self._begun:
            return []
        self._begun = True
        frames = []
        if self.identifier and identify:
            frames.append(self.link.encode_station(self.identifier.start()))
        if self.voice:
            frames += map(self.link.encode_voice, self.voice.start())
        self.lead = len(frames)
        return frames

    def frame(self, payload: bytes, number: int | None = None, silent: bool = False) -> Packet:
        """The frame of a superframe, which is not the last, or what is sent in its place.

        Args:
            payload: of the model.
            number: of the frame, if it is not the next.
            silent: whether nobody speaks in it, so that something else may rather take its place.
        """
        self._begun = True
        station = self.identifier.within() if self.identifier else None
        if station:
            return self.link.encode_station(station, number)
        piece = self.voice.within(silent) if self.voice else None
        if piece:
            return self.link.encode_voice(piece, number)
        return self.link.encode(payload, number=number)

    def finish(self, payload: bytes, number: int | None = None) -> list[Packet]:
        """The frame of the last superframe, those behind it, and another over begins."""
        frames = [self.link.encode(payload, end=True, number=number)]
        if self.identifier:
            frames += map(self.link.encode_station, self.identifier.finish())
        self.reset()
        return frames
