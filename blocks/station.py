"""Station frames: who sends, and a short text, in place of speech (FORMAT.md, "Station frames")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.callsign import pack_callsign, unpack_callsign
from voicelink.blocks.crc import crc16
from voicelink.models.errors import FormatError, ParameterError, require
from voicelink.models.sizes import PAYLOAD_BYTES

MOST_PIECES = 15
"""So many frames a text may take: 300 bytes with the usual payloads."""

START = 0
"""Place of the frame in front of the first superframe of speech."""

WITHIN = 15
"""Place of a frame inside an over, where a superframe of speech would be."""

MOST_AFTER = 14
"""The places 1 to this one are behind the last superframe of speech."""

MARK = bytes.fromhex("1ACFFC1D")
"""The last bytes of the payload, by which a frame that could not be mended is told from speech."""

LIKE_MARK = 6.0
"""A payload that failed its CRC is taken for a station frame's where its last bits make that so
likely, in bits, against speech, which has anything there."""

EVERY = 1800
"""Slots of 320 ms after which a sender identifies itself again inside of an over: 9.6 minutes, so
that spreading, which delays a frame, leaves it under ten."""

_CALLSIGN_BYTES = 6
_HEAD_BYTES = _CALLSIGN_BYTES + 2
_SIGNS = 1 - 2.0 * np.unpackbits(np.frombuffer(MARK, np.uint8))


def text_bytes(payload_bytes: int = PAYLOAD_BYTES) -> int:
    """Bytes of the text in one frame: 20 in payloads of 32 bytes."""
    return payload_bytes - _HEAD_BYTES - len(MARK)


@dataclass(frozen=True, slots=True)
class Station:
    """What one station frame says.

    Attributes:
        callsign: the sender's; "" for none.
        text: a piece of its text, at most `text_bytes` of UTF-8 without control characters.
        piece: which piece it is, 0 .. ``pieces`` - 1.
        pieces: in how many the text is sent, 0 .. `MOST_PIECES`; 0 where there is none.
        tag: four bits of the whole text's CRC: pieces of one text have the same.
        place: `START`, `WITHIN`, or how many frames after the last superframe of the over it is.
    """

    callsign: str = ""
    text: str = ""
    piece: int = 0
    pieces: int = 0
    tag: int = 0
    place: int = START

    @property
    def after(self) -> int:
        """How many frames after the last superframe of an over it is; 0 if it is not after it."""
        return self.place if START < self.place < WITHIN else 0

    def pack(self, payload_bytes: int = PAYLOAD_BYTES) -> bytes:
        """The payload of so many bytes.

        Raises:
            ParameterError: a field is out of its range.
        """
        require("pieces", self.pieces, 0, MOST_PIECES)
        require("piece", self.piece, 0, max(0, self.pieces - 1))
        require("tag", self.tag, 0, 15)
        require("place", self.place, START, WITHIN)
        text, most = self.text.encode(), text_bytes(payload_bytes)
        if len(text) > most or not self.text.isprintable():
            raise ParameterError(
                f"text must be at most {most} bytes of printable UTF-8, not {self.text!r}"
            )
        numbers = bytes([self.piece << 4 | self.pieces, self.place << 4 | self.tag])
        return pack_callsign(self.callsign) + numbers + text.ljust(most, b"\0") + MARK

    @classmethod
    def unpack(cls, payload: bytes) -> Station:
        """What a payload says.

        Raises:
            FormatError: it is too short, or has bytes that no station frame has. What is no text
                that can be shown is replaced, not refused.
        """
        if len(payload) < _HEAD_BYTES + len(MARK) or payload[-len(MARK) :] != MARK:
            raise FormatError(f"a station frame must end with {MARK.hex()}, not {payload.hex()}")
        callsign = unpack_callsign(payload[:_CALLSIGN_BYTES])
        text = payload[_HEAD_BYTES : -len(MARK)].rstrip(b"\0").decode(errors="replace")
        # It is shown on terminals.
        text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
        piece, pieces = divmod(payload[_CALLSIGN_BYTES], 16)
        place, tag = divmod(payload[_CALLSIGN_BYTES + 1], 16)
        if piece >= max(pieces, 1):
            raise FormatError(f"a station frame must not hold piece {piece} of {pieces}")
        return cls(callsign, text, piece, pieces, tag, place)


def like_station(payload_llr: np.ndarray) -> bool:
    """Whether LLRs (bits,) of a payload that failed its CRC are rather a station frame's.

    The likelihood ratio of the last 32 bits L_i, in bits: sum(log2(2 / (1 + exp(-s_i L_i)))) with
    the signs s_i of `MARK`.
    """
    known = np.asarray(payload_llr, np.float64)[-len(_SIGNS) :] * _SIGNS
    return bool(np.sum(1 - np.logaddexp(0, -known) / np.log(2)) > LIKE_MARK)


class Identifier:
    """What a sender has to say of itself, and when: at the ends of an over and every ten minutes.

    Args:
        callsign: up to nine characters; "" for none.
        text: what else is to be read at the other end, up to 300 bytes of UTF-8 in payloads of 32.
        payload_bytes: of the link's payloads.

    Attributes:
        callsign, payload_bytes: as given.

    Raises:
        ParameterError: not a callsign, or a text that is too long or not printable.

    >>> identifier = Identifier("N0CALL", "hello")
    >>> identifier.start().text, identifier.within(), identifier.finish()[0].after
    ('hello', None, 1)
    """

    def __init__(self, callsign: str, text: str = "", payload_bytes: int = PAYLOAD_BYTES) -> None:
        pack_callsign(callsign)
        self.callsign = callsign.strip().upper()
        self.payload_bytes = payload_bytes
        self._texts = split_text(text, text_bytes(payload_bytes))
        self._tag = crc16(text.encode()) % 16 if text else 0
        self._piece = 0
        self.reset()

    def reset(self) -> None:
        """Begin another over."""
        self._since = self._sent = 0

    def start(self) -> Station:
        """What goes in front of the first superframe."""
        return self._make(START)

    def within(self) -> Station | None:
        """Asked for each superframe of speech: what is to be sent in its place, seldom."""
        self._since += 1
        return self._make(WITHIN) if self._since >= EVERY else None

    def finish(self) -> list[Station]:
        """What follows the last superframe: what of the text this over has not brought yet."""
        count = min(max(1, len(self._texts) - self._sent), MOST_AFTER)
        made = [self._make(after) for after in range(1, count + 1)]
        self.reset()
        return made

    def _make(self, place: int) -> Station:
        self._since = 0
        self._sent += 1
        pieces = len(self._texts)
        if not pieces:
            return Station(self.callsign, place=place)
        # They take turns, also over the ends of overs.
        piece, self._piece = self._piece, (self._piece + 1) % pieces
        return Station(self.callsign, self._texts[piece], piece, pieces, self._tag, place)


def split_text(text: str, size: int) -> list[str]:
    """The pieces of a text, each of at most ``size`` bytes and whole characters.

    Raises:
        ParameterError: it is too long, or not printable.
    """
    pieces, piece = [], ""
    for character in text:
        if len((piece + character).encode(errors="replace")) > size:
            pieces.append(piece)
            piece = ""
        piece += character
    pieces += [piece] if piece else []
    if len(pieces) > MOST_PIECES or not text.isprintable():
        raise ParameterError(
            f"text must be at most {MOST_PIECES * size} bytes of printable UTF-8, not {text!r:.60}"
        )
    return pieces


class StationReader:
    """Puts together what station frames say, whichever of them are lost.

    Attributes:
        callsign: of the latest station frame; None before the first.
        text: its text as far as it has come, with ``…`` for what has not; "" where there is none.
        complete: whether nothing of the text is missing.
        heard: station frames that came.
    """

    def __init__(self) -> None:
        self.callsign: str | None = None
        self.heard = 0
        self._key: tuple | None = None
        self._pieces: list[str | None] = []

    def add(self, station: Station) -> None:
        """Take in a station frame."""
        key = station.callsign, station.pieces, station.tag
        if key != self._key:
            self._key, self._pieces = key, [None] * station.pieces
        if station.pieces:
            self._pieces[station.piece] = station.text
        self.callsign = station.callsign
        self.heard += 1

    @property
    def text(self) -> str:
        return "".join("…" if piece is None else piece for piece in self._pieces)

    @property
    def complete(self) -> bool:
        return None not in self._pieces
