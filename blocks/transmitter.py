"""The sending side: speech in, link frames out, spread over several packets where wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Spreader
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
    """

    def __init__(
        self,
        profile: str = "checked",
        model: str | Path = DEFAULT,
        callsign: str = "",
        spread: int = 1,
    ) -> None:
        self.speech = SpeechEncoder(model)
        self.link = LinkEncoder(profile, model=self.speech.card.number, callsign=callsign)
        self.spreader = Spreader(self.link.bits, spread)

    def reset(self) -> None:
        """Begin a new over: state and numbering start again."""
        self.speech.reset()
        self.link.reset()
        self.spreader.reset()

    def send(self, audio: np.ndarray) -> list[Packet]:
        """The packets that became complete with ``audio`` (float32 (n,), any n)."""
        payloads = split_payloads(self.speech.encode(audio))
        return [self.spreader.push(self.link.encode(p)) for p in payloads]

    def finish(self) -> list[Packet]:
        """The packets of what is still held; the last frame says that the over ends."""
        *first, last = split_payloads(self.speech.flush())
        frames = [*(self.link.encode(p) for p in first), self.link.encode(last, end=True)]
        packets = [self.spreader.push(frame) for frame in frames] + self.spreader.flush()
        self.reset()
        return packets


def split_payloads(content: bytes) -> list[bytes]:
    """The payloads of 32 bytes each that follow one another in ``content``."""
    return [content[i : i + PAYLOAD_BYTES] for i in range(0, len(content), PAYLOAD_BYTES)]
