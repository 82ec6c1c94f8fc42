"""The bitstream file: eight bytes that say what it is, the speaker's voice where it goes apart,
then whole payloads (see FORMAT.md)."""

from __future__ import annotations

from dataclasses import dataclass

from voicelink.models.errors import FormatError

MAGIC = b"VLNK"
VERSION = 1
HEADER_BYTES = 8


@dataclass(frozen=True)
class BitstreamHeader:
    """What the first eight bytes say.

    Attributes:
        model: number of the model, 1..15.
        voice_bytes: bytes of a voice between these and the payloads, 0..255.
    """

    model: int
    voice_bytes: int = 0

    def to_bytes(self) -> bytes:
        """Magic, version, model number, the length of the voice, and a byte of zero."""
        return MAGIC + bytes([VERSION, self.model, self.voice_bytes, 0])

    @classmethod
    def from_bytes(cls, content: bytes) -> BitstreamHeader:
        """The header that ``content`` begins with.

        Raises:
            FormatError: it is too short, no voicelink bitstream, or of another version.
        """
        if not content:
            raise FormatError("the bitstream is empty; `voicelink encode` makes one")
        start = content[: len(MAGIC)]
        if start != MAGIC:
            found = start.decode() if start.isalnum() else f"the bytes {start.hex(' ')}"
            raise FormatError(
                "this is no voicelink bitstream: it must begin with the letters"
                f" {MAGIC.decode()}, not with {found}"
            )
        if len(content) < HEADER_BYTES:
            raise FormatError(
                f"this is no voicelink bitstream: its header must have {HEADER_BYTES} bytes, and"
                f" has {len(content)}"
            )
        if content[4] != VERSION:
            raise FormatError(
                f"the bitstream is of version {content[4]}; this software reads version {VERSION}"
            )
        return cls(content[5], content[6])
