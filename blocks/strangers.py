"""Frames of other models, whose payloads have another length: whose they are."""

from __future__ import annotations

from voicelink.blocks.auto_link import AutoLinkDecoder
from voicelink.blocks.header import FORMAT_VERSION
from voicelink.blocks.link import LinkFrame
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import payload_sizes
from voicelink.blocks.spread import Gatherer
from voicelink.models.errors import FormatError


class Strangers:
    """Tells the models of packets that are none of our own, by their lengths and their CRCs.

    Args:
        payload_bits: of our own model's payloads.
    """

    def __init__(self, payload_bits: int) -> None:
        self._others = [
            (Gatherer(size), AutoLinkDecoder(payload_bits=size))
            for size in payload_sizes()
            if size != payload_bits
        ]

    def model_of(self, packet: Packet) -> int | None:
        """The number of the model that a packet is of; None where none can be told."""
        for gatherer, link in self._others:
            try:
                numbers = [model_number(link.decode(frame)) for frame in gatherer.push(packet)]
            except FormatError:
                continue
            return next((number for number in numbers if number is not None), None)
        return None


def model_number(frame: LinkFrame) -> int | None:
    """The number of the model that a frame is of, where its CRC is right; else None."""
    header = frame.header
    return header.model if header is not None and header.version == FORMAT_VERSION else None
