"""The frames of an over: speech, and between it what the station says of itself."""

from __future__ import annotations

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.station import Identifier
from voicelink.models.errors import ParameterError


class LinkFramer:
    """Link frames of payloads, with station frames where an `Identifier` asks for them.

    Each frame of an over has a number of its own, so that with a station frame in front speech
    begins with 1.

    Args:
        link: makes the frames.
        identifier: None for frames of speech alone.

    Attributes:
        link: as given.
        identifier: as given.

    Raises:
        ParameterError: the profile has no station frames.
    """

    def __init__(self, link: LinkEncoder, identifier: Identifier | None = None) -> None:
        if identifier and not link.profile.header:
            raise ParameterError(
                f"a station with the profile {link.profile.name} cannot identify itself, as that"
                " has no header; take checked, half or third"
            )
        self.link = link
        self.identifier = identifier
        self.reset()

    def reset(self) -> None:
        """Begin another over."""
        self.link.reset()
        self._begun = False
        if self.identifier:
            self.identifier.reset()

    def start(self) -> list[Packet]:
        """What goes in front of the first superframe of an over, once: a frame or none."""
        begun, self._begun = self._begun, True
        if begun or not self.identifier:
            return []
        return [self.link.encode_station(self.identifier.start())]

    def frame(self, payload: bytes, number: int | None = None) -> Packet:
        """The frame of a superframe, which is not the last, or what is sent in its place.

        Args:
            payload: 32 bytes.
            number: of the frame, if it is not the next.
        """
        self._begun = True
        station = self.identifier.within() if self.identifier else None
        if station:
            return self.link.encode_station(station, number)
        return self.link.encode(payload, number=number)

    def finish(self, payload: bytes, number: int | None = None) -> list[Packet]:
        """The frame of the last superframe, those behind it, and another over begins."""
        frames = [self.link.encode(payload, end=True, number=number)]
        if self.identifier:
            frames += map(self.link.encode_station, self.identifier.finish())
        self.reset()
        return frames
