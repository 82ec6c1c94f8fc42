"""One voice link in accelerated time: transmitter, channel, receiver, and what became of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import profile as find_profile
from voicelink.blocks.receiver import LONGEST_BUFFER, WHOLE, Receiver
from voicelink.blocks.status import Status
from voicelink.blocks.transmitter import Transmitter
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.models.card import DEFAULT
from voicelink.models.errors import require
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES, SUPERFRAME_SECONDS

TICK = 1e-9
"""Seconds by which a packet may miss its deadline and be in time: the rounding of float sums."""


@dataclass(frozen=True)
class Simulation:
    """What one run gave.

    Attributes:
        audio: what the listener hears, float32, as long as the input and aligned with it.
        statuses: the status of each superframe, in order.
        report: everything measured, for people and programs (see `simulate`).
        given_up: superframes of speech in whose place the sender sent a piece of the voice.
    """

    audio: np.ndarray
    statuses: list[Status] = field(repr=False)
    report: dict = field(repr=False)
    given_up: int = 0

    @property
    def failed(self) -> int:
        """Superframes that were soft or concealed, less those that the sender gave up itself."""
        failed = sum(status not in WHOLE for status in self.statuses)
        return max(0, failed - self.given_up)


def simulate(
    audio: np.ndarray,
    chain: ChannelChain,
    profile: str = "checked",
    model: str | Path = DEFAULT,
    buffer: float = 0.2,
    callsign: str = "",
    spread: int = 1,
    voice: bytes | None = None,
) -> Simulation:
    """Send speech over a simulated link and listen at its other end.

    Superframe k leaves the encoder when its last sample has been spoken, (k + 1) x 320 ms. The
    receiver starts its clock ``buffer`` seconds after the moment when superframe 0 came, or would
    have come by the first one that did; from then on it gives out one superframe every 320 ms, and
    what has not come by its moment is late and lost. Of frames spread over D packets the last part
    comes (D - 1) x 320 ms later, and so does what is heard; what has come by then is used. Frames
    in front of the speech go out one after the other every 320 ms, the first one while superframe 0
    is being spoken, which waits for the others.

    Args:
        audio: float32 (n,), 8 kHz, within +-1.
        chain: the channel; it is not reset here.
        profile: the link profile's name.
        model: a released model's id or a model folder.
        buffer: seconds, 0..15, that the receiver waits for stragglers.
        callsign: what the transmitter identifies with; "" for nothing.
        spread: packets that each frame is spread over, 1, 2, 4, 8 or 16.
        voice: the speaker's, for models that send it apart, to be sent in front of the speech;
            None: it follows when the model knows it.

    Returns:
        The audio, the statuses and the report, a dict of plain values: ``rates`` in bit/s (payload
        of the codec; gross, all bits sent for each second of its superframes; and what the link
        carries while it sends), ``superframes`` by status, ``packets`` (sent, arrived, late,
        duplicate, malformed; with a model that sends the speaker's voice apart also the voice
        frames that came), ``latency_ms`` of the channel (mean, 95th percentile, largest; late
        packets count) and of the whole link for what comes in time, ``channel`` (each stage's
        counts), ``cpu`` in CPU-seconds per second of audio.
    """
    require("buffer", buffer, 0, LONGEST_BUFFER)
    link = find_profile(profile)
    transmitter = Transmitter(profile, model, callsign, spread, voice=voice)
    card = transmitter.speech.card
    chain.carry(card.payload_bits)

    clock = time.process_time()
    packets = [*transmitter.send(audio), *transmitter.finish()]
    sending = time.process_time() - clock

    clock = time.process_time()
    lead = transmitter.lead
    held = transmitter.speech.lag + max(0, lead - 1)
    arrivals = through(chain, packets, held - lead)
    channel = time.process_time() - clock

    clock = time.process_time()
    receiver = Receiver(profile, model, first=lead, follow=False)
    superframes = len(packets) - (spread - 1) - lead
    start = start_time(arrivals, buffer + (spread - 1) * SUPERFRAME_SECONDS, held - lead)
    parts, statuses, corrected = _listen(receiver, arrivals, superframes, link.header, start)
    receiving = time.process_time() - clock

    heard = np.concatenate(parts)[receiver.delay :][: len(audio)]
    seconds = superframes * SUPERFRAME_SECONDS
    sent_bits = sum(p.bits for p in packets)
    counts = receiver.counts.as_dict()
    report = {
        "model": card.name,
        "profile": profile,
        "spread": spread,
        "seconds": round(len(audio) / SAMPLE_RATE, 3),
        "rates": {
            "payload": card.bit_rate,
            "gross": sent_bits / seconds,
            "on_air": transmitter.spreader.packet_bits / SUPERFRAME_SECONDS,
        },
        "superframes": {"sent": superframes} | {s.value: counts[s.value] for s in Status},
        "bits_corrected": corrected,
        "packets": {
            "sent": len(packets),
            "arrived": len(arrivals),
            **{k: counts[k] for k in ("late", "duplicate", "malformed", "foreign")},
            **({"voice": counts["voice"]} if card.voice_bytes else {}),
        },
        "callsign": receiver.callsign,
        "latency_ms": _latencies(arrivals, start, lead, receiver.delay, held - lead),
        "channel": chain.stats(),
        "cpu": {
            "transmitter": sending / seconds,
            "channel": channel / seconds,
            "receiver": receiving / seconds,
        },
    }
    sender = transmitter.framer.voice
    return Simulation(heard, statuses, report, sender.instead if sender else 0)


def through(
    chain: ChannelChain, packets: list[Packet], held: int = 0
) -> list[tuple[float, Packet]]:
    """Each packet that arrives, with its time, in the order of arriving.

    Args:
        chain: the channel.
        packets: of an over.
        held: superframes by which they leave later than those of their numbers have been spoken.
    """
    arrivals: list[tuple[float, Packet]] = []
    for k, packet in enumerate(packets):
        now = spoken_at(k + held)
        chain.push(now, packet)
        arrivals += chain.pop(now)
    return arrivals + chain.flush()


def spoken_at(number: int) -> float:
    """When the last sample of a superframe has been spoken, in seconds."""
    return (number + 1) * SUPERFRAME_SAMPLES / SAMPLE_RATE


def start_time(arrivals: list[tuple[float, Packet]], buffer: float, held: int = 0) -> float:
    """When frame 0 is given out, ``buffer`` seconds after its packet came; see `through`."""
    if not arrivals:
        return spoken_at(held) + buffer
    first, packet = arrivals[0]
    return first - packet.number * SUPERFRAME_SECONDS + buffer


def _listen(
    receiver: Receiver,
    arrivals: list[tuple[float, Packet]],
    superframes: int,
    numbered: bool,
    start: float,
) -> tuple[list[np.ndarray], list[Status], int]:
    """Run the receiver's clock: the audio and the status of each superframe, and bits corrected."""
    audio, statuses, corrected = [], [], 0
    at = 0
    for k in range(receiver.next, receiver.next + superframes):
        deadline = start + k * SUPERFRAME_SECONDS + TICK
        while at < len(arrivals) and arrivals[at][0] <= deadline:
            packet = arrivals[at][1]
            # A frame with a header has to find its place by that alone.
            receiver.push(Packet(packet.data) if numbered else packet)
            at += 1
        superframe = receiver.pull()
        audio.append(superframe.audio)
        statuses.append(superframe.status)
        corrected += superframe.corrected or 0
    for _, packet in arrivals[at:]:
        receiver.push(Packet(packet.data) if numbered else packet)
    return audio, statuses, corrected


def _latencies(
    arrivals: list[tuple[float, Packet]], start: float, first: int, delay: int, held: int
) -> dict[str, float]:
    """Latencies in ms: of the channel per packet, and of the link from mouth to ear.

    Mouth to ear is from a superframe's first sample to its first sample's playing: the superframe
    itself, the codec's delay, what waited for frames in front of it, the channel and the buffer.
    """
    channel = [t - spoken_at(p.number + held) for t, p in arrivals]
    ear = start + first * SUPERFRAME_SECONDS + delay / SAMPLE_RATE
    return {
        "channel_mean": 1000 * float(np.mean(channel)) if channel else 0.0,
        "channel_p95": 1000 * float(np.percentile(channel, 95)) if channel else 0.0,
        "channel_max": 1000 * float(np.max(channel)) if channel else 0.0,
        "mouth_to_ear": 1000 * ear,
    }
