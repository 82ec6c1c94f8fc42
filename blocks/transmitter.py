"""The sending side: speech in, link frames out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.models.card import DEFAULT
from voicelink.models.codec import SpeechEncoder
from voicelink.models.sizes import PAYLOAD_BYTES


class Transmitter:
    """Speech encoder and link encoder as one stage.

    Args:
        profile: the link profile, by name.
        model: a released model's id or a model folder.
        callsign: up to 9 characters, sent slice by slice; "" for none.
    """

    def __init__(
        self, profile: str = "checked", model: str | Path = DEFAULT, callsign: str = ""
    ) -> None:
        self.speech = SpeechEncoder(model)
        self.link = LinkEncoder(profile, model=self.speech.card.number, callsign=callsign)

    def reset(self) -> None:
        """Begin a new over: state and numbering start again."""
        self.speech.reset()
        self.link.reset()

    def send(self, audio: np.ndarray) -> list[Packet]:
        """The link frames that became complete with ``audio`` (float32 (n,), any n)."""
        return [self.link.encode(p) for p in split_payloads(self.speech.encode(audio))]

    def finish(self) -> list[Packet]:
        """The link frames of what is still held; the last of them says that the over ends."""
        *first, last = split_payloads(self.speech.flush())
        packets = [*(self.link.encode(p) for p in first), self.link.encode(last, end=True)]
        self.reset()
        return packets


def split_payloads(content: bytes) -> list[bytes]:
    """The payloads of 32 bytes each that follow one another in ``content``."""
    return [content[i : i + PAYLOAD_BYTES] for i in range(0, len(content), PAYLOAD_BYTES)]
