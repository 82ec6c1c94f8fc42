"""Speech heard through a damaged link: this project's, by every receiver worth comparing.

What damages it are the simulation's own channels, and what conceals is the product's `Receiver`.
The receivers compared on the same damage get the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import NormalDist

import numpy as np

from voicelink.blocks.link import LinkDecoder, LinkFrame, saturated
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.status import Status
from voicelink.blocks.transmitter import Transmitter
from voicelink.link_sim.channels.awgn import Awgn
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.losses import GilbertElliott, Loss
from voicelink.link_sim.simulation import simulate
from voicelink.models.card import DEFAULT, card
from voicelink.models.codec import code

BURST = 3.0
"""Mean length of the bursts, in superframes."""

DAMAGES = {
    "errors": "bit errors",
    "loss": "frames lost singly",
    "bursts": f"frames lost in bursts of {BURST:g}",
    "half": "noise, profile half",
    "third": "noise, profile third",
}
"""Each kind of damage, with what to call it. The level of the first three is a share, 0..1; of the
others Eb/N0 in dB, per payload bit."""


@dataclass(frozen=True)
class Damage:
    """What is done to the link: one of `DAMAGES`, and how much of it."""

    kind: str
    level: float

    def seed(self, seed: int, recording: int) -> np.random.SeedSequence:
        """The random numbers of a recording, whichever process works on it, and when."""
        kind = list(DAMAGES).index(self.kind)
        return np.random.SeedSequence([seed, recording, kind, round(1e4 * (self.level + 100))])


@dataclass(frozen=True)
class Heard:
    """What one receiver makes of a damaged recording.

    Attributes:
        audio: float32 (n,), 8 kHz.
        frames: link frames sent (Codec 2: spans of 320 ms).
        failed: of them lost, or not mended by error correction.
        statuses: superframes by status; empty where the receiver has none.
    """

    audio: np.ndarray
    frames: int
    failed: int
    statuses: dict[str, int] = field(default_factory=dict)


def ebn0_of_error_rate(rate: float) -> float:
    """Eb/N0 in dB at which BPSK on AWGN has a bit error rate p: p = Q(sqrt(2 Eb/N0)).

    >>> round(ebn0_of_error_rate(0.0786), 2)
    0.0
    """
    return 10 * math.log10(NormalDist().inv_cdf(1 - rate) ** 2 / 2)


def loss_channel(damage: Damage) -> Channel:
    """The channel that loses frames, one by one or in bursts."""
    if damage.kind == "bursts":
        return GilbertElliott(loss=damage.level, burst=BURST)
    return Loss(probability=damage.level)


@dataclass(frozen=True)
class NeuralLink:
    """This project's link, with one of its models.

    A voice that a model sends apart goes as in a link that nobody has used before: in place of
    superframes, in pauses or when there were none, once the model has heard enough to know it. The
    profile `plain` cannot carry it: there the voice stays neutral.
    """

    model: str | Path = DEFAULT

    damages = tuple(DAMAGES)

    @cached_property
    def name(self) -> str:
        return card(self.model).name

    def absent(self) -> None:
        return None

    def clean(self, audio: np.ndarray) -> np.ndarray:
        """The speech, float32 (n,), after an undamaged link."""
        return code(audio, self.model)

    def hear(
        self, audio: np.ndarray, damage: Damage, seed: np.random.SeedSequence
    ) -> dict[str, Heard]:
        """The damaged speech by receiver.

        Bit errors come to the profile `plain` as BPSK on white noise: ``hard`` decisions, which are
        trusted, or their LLRs, ``soft``. Lost frames are ``concealed``. Of frames that error
        correction could not mend, ``dropped`` conceals all, ``hard bits`` trusts the decisions that
        the code came to, and ``soft`` is the receiver as it is.
        """
        if damage.kind == "errors":
            ebn0 = ebn0_of_error_rate(damage.level)
            return {
                decisions: self._simulated(audio, Awgn(ebn0_db=ebn0, decisions=decisions), seed)
                for decisions in ("hard", "soft")
            }
        if damage.kind in ("loss", "bursts"):
            return {"concealed": self._simulated(audio, loss_channel(damage), seed, "checked")}
        return self._noisy(audio, damage.kind, damage.level, seed)

    def _simulated(self, audio, channel, seed, profile: str = "plain") -> Heard:
        result = simulate(audio, ChannelChain([channel], seed), profile, self.model)
        statuses = {s.value: result.statuses.count(s) for s in Status}
        sent = len(result.statuses)
        return Heard(result.audio, sent, sent - result.report["packets"]["arrived"], statuses)

    def _noisy(self, audio, profile: str, ebn0: float, seed) -> dict[str, Heard]:
        frames = self.noisy_frames(audio, profile, ebn0, seed)
        lost = [frame.header is None for frame in frames]
        received = {
            "dropped": [None if failed else f for f, failed in zip(frames, lost, strict=True)],
            "hard bits": [trusted(f) if bad else f for f, bad in zip(frames, lost, strict=True)],
            "soft": frames,
        }
        result = {}
        for name, listened in received.items():
            receiver = Receiver(profile, self.model, first=0, follow=False)
            heard = listen(receiver, listened)[: len(audio)]
            statuses = {s.value: receiver.counts.as_dict()[s.value] for s in Status}
            result[name] = Heard(heard, len(frames), sum(lost), statuses)
        return result

    def noisy_frames(
        self, audio: np.ndarray, profile: str, ebn0: float, seed: np.random.SeedSequence
    ) -> list[LinkFrame]:
        """The link frames of a recording as decoded after BPSK on white noise, Eb/N0 in dB."""
        transmitter = Transmitter(profile, self.model)
        chain = ChannelChain([Awgn(ebn0_db=ebn0)], seed)
        model = transmitter.speech.card
        chain.carry(model.payload_bits)
        for number, packet in enumerate([*transmitter.send(audio), *transmitter.finish()]):
            chain.push(number, packet)
        llrs = np.stack([packet.data for _, packet in chain.flush()])
        decoder = LinkDecoder(
            profile,
            model.number,
            payload_bits=model.payload_bits,
            voices=bool(model.voice_bytes),
            reliable_from=model.reliable_from,
        )
        return decoder.decode_many(llrs)


def listen(receiver: Receiver, frames: Iterable[LinkFrame | None]) -> np.ndarray:
    """The audio of frames that come on the clock, the codec's delay removed; None is a loss."""
    parts = []
    for frame in frames:
        if frame is not None:
            receiver.accept(frame)
        parts.append(receiver.pull().audio)
    return np.concatenate(parts)[receiver.delay :]


def trusted(frame: LinkFrame) -> LinkFrame:
    """A failed frame as a receiver has it that takes the decoder's decisions for the truth."""
    return replace(frame, payload_llr=saturated(frame.payload_llr < 0), status=Status.SOFT)
