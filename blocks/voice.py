"""Voice frames: what a speaker sounds like, beside the speech (FORMAT.md, "Voice frames").

For models that send the speaker's voice apart. It goes in pieces, each in a link frame of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from voicelink.blocks.crc import crc16
from voicelink.models.card import MOST_VOICE_BYTES
from voicelink.models.errors import FormatError, ParameterError, require

START = 0
"""Place of the frame in front of the first superframe of speech."""

SILENCE = 1
"""Place of a frame inside an over where nobody spoke."""

SPEECH = 2
"""Place of a frame inside an over where a superframe of speech would be."""

MOST_PIECES = 7

MARK = bytes.fromhex("03E2")
"""The last bytes of the payload, by which a frame that could not be mended is told from speech;
those of a station frame's mark, each bit inverted."""

LIKE_MARK = 2.0
"""A frame that failed its CRC is taken for a voice frame where its known bits make that so likely,
in bits, against speech, which has anything there."""

QUIET, LATEST = 16, 47
"""Superframes, 5 and 15 s, after which the whole voice has gone out again: with pauses to put it
in, and at the latest."""

SOON = 3
"""Superframes that a voice which has just become known waits for a pause."""

_HEAD_BYTES = 2
_KNOWN = np.concatenate([[2, 3], np.arange(-8 * len(MARK), 0)])
_SIGNS = 1 - 2.0 * np.concatenate([[1, 1], np.unpackbits(np.frombuffer(MARK, np.uint8))])


def read_voice(path: str | Path | None) -> bytes | None:
    """The voice in a file, as `voicelink models voice` writes it; None where none is named.

    Raises:
        FormatError: it cannot be read, or is far too long for a voice.
    """
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_VOICE_BYTES + 1)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from None
    if not 0 < len(content) <= MOST_VOICE_BYTES:
        raise FormatError(
            f"{path} must hold a voice of 1 to {MOST_VOICE_BYTES} bytes, as `voicelink models"
            " voice` writes it"
        )
    return content


def piece_bytes(payload_bytes: int) -> int:
    """Bytes of a voice that go into one payload."""
    return payload_bytes - _HEAD_BYTES - len(MARK)


@dataclass(frozen=True, slots=True)
class VoicePiece:
    """What one voice frame says.

    Attributes:
        data: a piece of the voice; the last one filled up with zeros.
        piece: which piece it is, 0 .. ``pieces`` - 1.
        pieces: in how many the voice is sent, 1 .. `MOST_PIECES`.
        tag: eight bits of the whole voice's CRC: pieces of one voice have the same.
        place: `START`, `SILENCE` or `SPEECH`.
    """

    data: bytes
    piece: int = 0
    pieces: int = 1
    tag: int = 0
    place: int = START

    def pack(self) -> bytes:
        """The payload, 4 bytes longer than the piece.

        Raises:
            ParameterError: a field is out of its range.
        """
        require("pieces", self.pieces, 1, MOST_PIECES)
        require("piece", self.piece, 0, self.pieces - 1)
        require("tag", self.tag, 0, 255)
        require("place", self.place, START, SPEECH)
        head = bytes([self.place << 6 | self.piece << 3 | self.pieces, self.tag])
        return head + self.data + MARK

    @classmethod
    def unpack(cls, payload: bytes) -> VoicePiece:
        """What a payload says.

        Raises:
            FormatError: it has bytes that no voice frame has.
        """
        if len(payload) <= _HEAD_BYTES + len(MARK) or payload[-len(MARK) :] != MARK:
            raise FormatError(f"a voice frame must end with {MARK.hex()}, not {payload.hex()}")
        place, piece, pieces = payload[0] >> 6, payload[0] >> 3 & 7, payload[0] & 7
        if place > SPEECH or piece >= pieces:
            raise FormatError(f"a voice frame must not hold piece {piece} of {pieces} at {place}")
        return cls(payload[_HEAD_BYTES : -len(MARK)], piece, pieces, payload[1], place)


def pieces_of(voice: bytes, payload_bytes: int) -> list[VoicePiece]:
    """A voice in pieces for payloads of so many bytes.

    Raises:
        ParameterError: it is empty, or too long for them.
    """
    size = piece_bytes(payload_bytes)
    count = -(-len(voice) // size)
    if not 0 < count <= MOST_PIECES:
        raise ParameterError(
            f"voice must be 1 to {MOST_PIECES * size} bytes in payloads of {payload_bytes} bytes,"
            f" not {len(voice)}"
        )
    parts = [voice[i * size : (i + 1) * size].ljust(size, b"\0") for i in range(count)]
    tag = crc16(voice) & 0xFF
    return [VoicePiece(part, i, count, tag) for i, part in enumerate(parts)]


def like_voice(information_llr: np.ndarray) -> bool:
    """Whether LLRs of header, payload and CRC that failed are rather a voice frame's.

    As `voicelink.blocks.station.like_station`, of the two bits of the frame type and the 16 of
    `MARK`.

    Args:
        information_llr: (payload bits + 24,) or more: those of header and payload.
    """
    known = np.asarray(information_llr, np.float64)[_KNOWN] * _SIGNS
    return bool(np.sum(1 - np.logaddexp(0, -known) / np.log(2)) > LIKE_MARK)


class VoiceSender:
    """When which piece of the speaker's voice is to be sent.

    Whole in front of an over, if it is known then. Again piece by piece inside of it, for those who
    come late: in place of silence where there is some, and seldom in place of speech.

    Args:
        payload_bytes: of the link's payloads.
        voice: if it is known from the start.

    Attributes:
        voice: the newest that is known, to be set when it is; None before.
        instead: pieces that took the place of speech so far.

    Raises:
        ParameterError: it is too long for the payloads.
    """

    def __init__(self, payload_bytes: int, voice: bytes | None = None) -> None:
        self._payload_bytes = payload_bytes
        self.voice = voice
        self.instead = 0
        self._renew()
        self.reset()

    def reset(self) -> None:
        """Begin another over."""
        self._since = self._sent = self._piece = 0

    def start(self) -> list[VoicePiece]:
        """What goes in front of the first superframe."""
        self._renew()
        self._sent = len(self._pieces)
        return list(self._pieces)

    def within(self, silent: bool) -> VoicePiece | None:
        """Asked for each superframe: what is to be sent in its place.

        Args:
            silent: whether nobody speaks in it.
        """
        if self._piece == 0:
            known = len(self._pieces)
            self._renew()
            if not known:
                self._since = 0
        self._since += 1
        count = len(self._pieces)
        if not count:
            return None
        first = self._sent < count
        latest = SOON if first else LATEST // count
        if self._since < (latest if not silent else 1 if first else QUIET // count):
            return None
        piece = self._pieces[self._piece]
        self._piece = (self._piece + 1) % count
        self._since, self._sent = 0, self._sent + 1
        self.instead += not silent
        return replace(piece, place=SILENCE if silent else SPEECH)

    def _renew(self) -> None:
        known = self.voice is not None
        self._pieces = pieces_of(self.voice, self._payload_bytes) if known else []


class VoiceReader:
    """Puts a voice together of its pieces, whichever of them are lost.

    Args:
        voice_bytes: of a voice of the model.
    """

    def __init__(self, voice_bytes: int) -> None:
        self._bytes = voice_bytes
        self._key: tuple[int, int] | None = None
        self._pieces: list[bytes | None] = []

    def add(self, piece: VoicePiece) -> bytes | None:
        """Take in a voice frame; the voice, if it is whole."""
        key = piece.pieces, piece.tag
        if key != self._key:
            self._key, self._pieces = key, [None] * piece.pieces
        if self._pieces[piece.piece] not in (None, piece.data):
            # Another voice, that happens to have the same tag.
            self._pieces = [None] * piece.pieces
        self._pieces[piece.piece] = piece.data
        if None in self._pieces:
            return None
        voice = b"".join(self._pieces)[: self._bytes]
        if len(voice) == self._bytes and crc16(voice) & 0xFF == piece.tag:
            return voice
        self._key = None
        return None
