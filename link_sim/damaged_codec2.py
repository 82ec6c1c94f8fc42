"""Codec 2 under the same damage as this project's link: the same error rates, the same losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.damaged_speech import Damage, Heard, loss_channel
from voicelink.models.evaluation.peers import CommandCodec, codecs
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS

MODES = ("codec2-1300", "codec2-700C")

REPEATED = 2
"""So many frames of 40 ms repeat the last good one in a gap; after them there is silence. c2dec
itself has no concealment; to repeat and then to mute is the usual one (ITU-T G.711 Appendix I fades
out within 60 ms)."""


@dataclass(frozen=True)
class Codec2Link:
    """Codec 2 by its own programs, c2enc and c2dec, without framing or error correction.

    Attributes:
        name: one of `MODES`.
    """

    name: str

    damages = ("errors", "loss", "bursts")

    @property
    def _codec(self) -> CommandCodec:
        return codecs()[self.name]

    def absent(self) -> str | None:
        """What to install, in words, where it is not here; None where it is."""
        return self._codec.absent()

    def clean(self, audio: np.ndarray) -> np.ndarray:
        """The speech, float32 (m,), after an undamaged link."""
        return self._codec.decoded(self._codec.encoded(audio))

    def hear(
        self, audio: np.ndarray, damage: Damage, seed: np.random.SeedSequence
    ) -> dict[str, Heard]:
        """The damaged speech: ``hard`` decisions, trusted; lost spans of 320 ms ``concealed``."""
        codec = self._codec
        size, bits = codec.count.size, codec.count.bits
        coded = np.frombuffer(codec.encoded(audio), np.uint8).reshape(-1, size)
        per_span = round(1000 * SUPERFRAME_SECONDS / codec.frame_ms)
        spans = -(-len(coded) // per_span)
        if damage.kind == "errors":
            coded = with_bit_errors(coded, bits, damage.level, np.random.default_rng(seed))
            return {"hard": Heard(codec.decoded(coded.tobytes()), spans, 0)}
        lost = np.repeat(lost_spans(spans, damage, seed), per_span)[: len(coded)]
        source, muted = concealment(lost)
        samples = round(codec.frame_ms * SAMPLE_RATE / 1000)
        heard = codec.decoded(coded[source].tobytes()).reshape(len(coded), samples)
        heard = np.where(muted[:, None], np.float32(0), heard).reshape(-1)
        return {"concealed": Heard(heard, spans, int(lost[::per_span].sum()))}


def with_bit_errors(
    coded: np.ndarray, bits: int, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Coded frames, uint8 (frames, bytes), with each of a frame's first ``bits`` bits inverted with
    the probability ``rate``; the padding after them is not speech and stays."""
    wrong = rng.random((len(coded), 8 * coded.shape[1])) < rate
    wrong[:, bits:] = False
    return coded ^ np.packbits(wrong, axis=1)


def lost_spans(spans: int, damage: Damage, seed: np.random.SeedSequence) -> np.ndarray:
    """Which spans of 320 ms the channel loses, bool (spans,): those of this project's link."""
    chain = ChannelChain([loss_channel(damage)], seed)
    for number in range(spans):
        chain.push(number, Packet(np.zeros(1, np.uint8), number))
    lost = np.ones(spans, bool)
    lost[[packet.number for _, packet in chain.flush()]] = False
    return lost


def concealment(lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each frame the one that is decoded in its place, and whether it is muted.

    Args:
        lost: bool (frames,).

    Returns:
        (source, muted): int and bool (frames,). Before the first frame that came there is silence.

    >>> source, muted = concealment(np.array([True, False, True, True, True, False]))
    >>> source.tolist(), muted.astype(int).tolist()
    ([0, 1, 1, 1, 1, 5], [1, 0, 0, 0, 1, 0])
    """
    frames = np.arange(len(lost))
    source = np.maximum.accumulate(np.where(lost, -1, frames))
    muted = (source < 0) | (frames - source > REPEATED)
    return np.maximum(source, 0), muted
