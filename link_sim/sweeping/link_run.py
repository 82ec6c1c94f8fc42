"""The link alone: payloads in, the status of each superframe out, error correction in batches.

The receiver is the one of `simulate`, and so are its clock and its rules for what is late. What
differs is only that the frames are decoded together: some hundred at once cost a fraction of as
many calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from voicelink.blocks.link import LinkDecoder, LinkEncoder, LinkFrame, hard_llrs
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import Profile
from voicelink.blocks.profile import profile as find_profile
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.spread import Gatherer, Spreader
from voicelink.blocks.status import Status
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.simulation import TICK, start_time, through
from voicelink.models.card import DEFAULT, card
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS


@dataclass(frozen=True)
class LinkRun:
    """What one run gave.

    Attributes:
        statuses: of each superframe, in order.
        packets: packets sent.
        packet_bits: bits of each.
        start: when superframe 0 was given out, in seconds.
        mouth_to_ear: as `simulate` reports it, in seconds.
        undetected: superframes that the CRC confirmed with other bits than were sent.
    """

    statuses: list[Status]
    packets: int
    packet_bits: int
    start: float
    mouth_to_ear: float
    undetected: int


def run_link(
    payloads: np.ndarray,
    chain: ChannelChain,
    profile: str = "checked",
    model: str = DEFAULT,
    buffer: float = 0.2,
    spread: int = 1,
) -> LinkRun:
    """Send payloads over a simulated link.

    Args:
        payloads: uint8 (superframes, bytes of a payload).
        chain: the channel; it is not reset here.
        profile, model, buffer, spread: as `simulate` takes them.
    """
    receiver = Receiver(profile, model, first=0, follow=False, speech=False)
    known = card(model)
    chosen = find_profile(profile, 8 * payloads.shape[1])
    encoder = LinkEncoder(chosen, known.number)
    decoder = LinkDecoder(chosen, known.number, reliable_from=known.reliable_from)
    chain.carry(chosen.payload_bits)
    spreader = Spreader(encoder.bits, spread)
    air = np.packbits(encoder.encode_many(payloads), axis=1)
    packets = [spreader.push(Packet(data, k)) for k, data in enumerate(air)] + spreader.flush()
    arrivals = through(chain, packets)
    start = start_time(arrivals, buffer + (spread - 1) * SUPERFRAME_SECONDS)
    steps = _gathered(arrivals, len(payloads), chosen, start)
    frames = iter(decode_packets(decoder, [packet for step in steps for packet in step]))

    statuses, undetected = [], 0
    for k, step in enumerate(steps):
        for packet in step:
            frame = next(frames)
            place = receiver.accept(frame, packet.number)
            if place is not None and frame.header is not None and place < len(payloads):
                said = np.packbits(frame.payload_llr < 0)
                undetected += not np.array_equal(said, payloads[place])
        if k < len(payloads):
            statuses.append(receiver.pull().status)
    return LinkRun(
        statuses, len(packets), spreader.packet_bits, start,
        start + receiver.delay / SAMPLE_RATE, undetected,
    )  # fmt: skip


def decode_packets(decoder: LinkDecoder, packets: list[Packet]) -> list[LinkFrame]:
    """The frames in packets, as by `LinkDecoder.decode` one after the other, in one batch."""
    if not packets:
        return []
    llrs = np.empty((len(packets), decoder.profile.bits), np.float32)
    for row, packet in zip(llrs, packets, strict=True):
        row[:] = (
            packet.data if packet.soft else hard_llrs(np.unpackbits(packet.data), decoder.profile)
        )
    return decoder.decode_many(llrs)


def _gathered(
    arrivals: list[tuple[float, Packet]], superframes: int, chosen: Profile, start: float
) -> list[list[Packet]]:
    """For each superframe the frames that came since the one before; at the end those too late."""
    gatherer = Gatherer(chosen.payload_bits)
    steps: list[list[Packet]] = []
    at = 0
    for k in range(superframes + 1):
        deadline = start + k * SUPERFRAME_SECONDS + TICK if k < superframes else math.inf
        step: list[Packet] = []
        while at < len(arrivals) and arrivals[at][0] <= deadline:
            packet = arrivals[at][1]
            # A frame with a header has to find its place by that alone.
            step += gatherer.push(Packet(packet.data) if chosen.header else packet)
            at += 1
        # Of a spread frame that is due, what has come.
        due = gatherer.take(k) if k < superframes else None
        if due is not None:
            step.append(Packet(due.data, k))
        steps.append(step)
    return steps
