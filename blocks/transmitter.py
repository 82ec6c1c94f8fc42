"""The sending side: speech in, link frames out, spread over several packets where wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.link_framer import LinkFramer
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Spreader
from voicelink.blocks.station import Identifier
from voicelink.models.card import DEFAULT
from voicelink.models.codec import SpeechEncoder
from voicelink.models.sizes import PAYLOAD_BYTES


class Transmitter:
    """Speech encoder and link encoder as one stage.

    Args:
        profile: the link profile, by name.
        model: a released model's id or a model folder.
        callsign: up to 9 characters, sent slice by slice; "" for none.
        spread: packets that each frame is spread over, 1, 2, 4, 8 or 16; see `Spreader`.
        identifier: sends station frames: one at once, while the first superframe is being spoken,
            one or more behind the last, and one in place of speech every ten minutes.

    Raises:
        ParameterError: an argument is none of these, or the profile has no station frames.
    """

    def __init__(
        self,
        profile: str = "checked",
        model: str | Path = DEFAULT,
        callsign: str = "",
        spread: int = 1,
        identifier: Identifier | None = None,
    ) -> None:
        self.speech = SpeechEncoder(model)
        self.link = LinkEncoder(profile, model=self.speech.card.number, callsign=callsign)
        self.spreader = Spreader(self.link.bits, spread)
        self.framer = LinkFramer(self.link, identifier)

    def reset(self) -> None:
        """Begin a new over: state and numbering start again."""
        self.speech.reset()
        self.framer.reset()
        self.spreader.reset()

    @property
    def lead(self) -> int:
        """Packets of an over that go out before its first superframe has been spoken."""
        return int(self.framer.identifier is not None)

    def send(self, audio: np.ndarray) -> list[Packet]:
        """The packets that became complete with ``audio`` (float32 (n,), any n)."""
        frames = self.framer.start()
        frames += [self.framer.frame(p) for p in split_payloads(self.speech.encode(audio))]
        return [self.spreader.push(frame) for frame in frames]

    def finish(self) -> list[Packet]:
        """The packets of what is still held; the last frame of speech says that the over ends."""
        frames = self.framer.start()
        *first, last = split_payloads(self.speech.flush())
        frames += [self.framer.frame(p) for p in first] + self.framer.finish(last)
        packets = [self.spreader.push(frame) for frame in frames] + self.spreader.flush()
        self.reset()
        return packets


def split_payloads(content: bytes) -> list[bytes]:
    """The payloads of 32 bytes each that follow one another in ``content``."""
    return [content[i : i + PAYLOAD_BYTES] for i in range(0, len(content), PAYLOAD_BYTES)]
