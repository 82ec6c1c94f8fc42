"""The header of a link frame: 24 bits in front of the payload."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from voicelink.models.errors import FormatError, require

HEADER_BITS = 24
HEADER_BYTES = HEADER_BITS // 8

FORMAT_VERSION = 0
"""The version of the on-air format that FORMAT.md describes."""


class FrameType(IntEnum):
    """What a frame is."""

    VOICE = 0
    END = 1
    """The last frame of speech in an over; its payload is speech as well."""

    STATION = 2
    """Who sends, and a short text; its payload is no speech (station.py)."""

    SPEAKER = 3
    """A piece of the speaker's voice; its payload is no speech (voice.py)."""


SPEECH = (FrameType.VOICE, FrameType.END)
"""The types of frames whose payload is speech."""


@dataclass(frozen=True)
class Header:
    """The fields of a header.

    Attributes:
        sequence: number of the superframe modulo 256.
        model: number of the codec's model, 0..15.
        frame_type: 0..3, see `FrameType`.
        callsign_slice: byte (sequence mod 8) of the callsign's eight, see callsign.py.
        version: 0..3, see `FORMAT_VERSION`.
    """

    sequence: int
    model: int = 1
    frame_type: int = FrameType.VOICE
    callsign_slice: int = 0
    version: int = FORMAT_VERSION

    @property
    def end(self) -> bool:
        """Whether it ends the over."""
        return self.frame_type == FrameType.END

    def pack(self) -> bytes:
        """The three bytes on the air.

        Raises:
            ParameterError: a field is out of its range.
        """
        require("version", self.version, 0, 3)
        require("frame_type", self.frame_type, 0, 3)
        require("model", self.model, 0, 15)
        require("sequence", self.sequence, 0, 255)
        require("callsign_slice", self.callsign_slice, 0, 255)
        first = self.version << 6 | self.frame_type << 4 | self.model
        return bytes([first, self.sequence, self.callsign_slice])

    @classmethod
    def unpack(cls, data: bytes) -> Header:
        """The header in the first three bytes of ``data``; any values are taken.

        Raises:
            FormatError: there are fewer than three bytes.
        """
        if len(data) < HEADER_BYTES:
            raise FormatError(f"a header must have {HEADER_BYTES} bytes, not {len(data)}")
        first, sequence, callsign_slice = data[:HEADER_BYTES]
        return cls(
            sequence=sequence,
            model=first & 15,
            frame_type=first >> 4 & 3,
            callsign_slice=callsign_slice,
            version=first >> 6,
        )
