"""Codec 2 over the same packets: its frames in the payload of ours, lost where the CRC fails.

The eight frames of 40 ms in a superframe are put one after the other into the payload of 256 bits,
and zeros after them. A superframe that the receiver did not get as it was sent is concealed as in
`voicelink.link_sim.damaged_codec2`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.damaged_codec2 import concealment
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.align import delay
from voicelink.models.evaluation.peers import CommandCodec, codecs
from voicelink.models.sizes import PAYLOAD_BITS, PAYLOAD_BYTES, SAMPLE_RATE, SUPERFRAME_SECONDS

_FAMILY = "codec2-"


@dataclass(frozen=True)
class Peer:
    """A mode of Codec 2 whose frames fit into our payload.

    Attributes:
        codec: its programs.
        per_superframe: frames in a superframe.
    """

    codec: CommandCodec
    per_superframe: int

    def absent(self) -> str | None:
        """What to install, in words, where it is not here; None where it is."""
        return self.codec.absent()

    def payloads(self, audio: np.ndarray) -> tuple[np.ndarray, bytes]:
        """Payloads, uint8 (superframes, 32), of a recording, and what the encoder wrote."""
        coded = self.codec.encoded(audio)
        frames = np.frombuffer(coded, np.uint8).reshape(-1, self.codec.count.size)
        bits = np.unpackbits(frames, axis=1)[:, : self.codec.count.bits]
        superframes = max(1, -(-len(frames) // self.per_superframe))
        spread = np.zeros((superframes * self.per_superframe, bits.shape[1]), np.uint8)
        spread[: len(bits)] = bits
        payloads = np.zeros((superframes, PAYLOAD_BITS), np.uint8)
        payloads[:, : self.per_superframe * bits.shape[1]] = spread.reshape(superframes, -1)
        return np.packbits(payloads, axis=1), coded

    def heard(self, coded: bytes, lost: np.ndarray, said: np.ndarray) -> np.ndarray:
        """The speech where some superframes, bool (superframes,), are lost.

        Returns:
            float32, as long as the recording ``said`` and aligned with it: the lag of the undamaged
            speech is taken off.
        """
        frames = np.frombuffer(coded, np.uint8).reshape(-1, self.codec.count.size)
        source, muted = concealment(np.repeat(lost, self.per_superframe)[: len(frames)])
        size = round(self.codec.frame_ms * SAMPLE_RATE / 1000)
        speech = self.codec.decoded(frames[source].tobytes()).reshape(len(frames), size)
        speech = np.where(muted[:, None], np.float32(0), speech).reshape(-1)
        lag = delay(said, self.codec.decoded(coded))
        speech = np.pad(speech, (max(0, -lag), max(0, lag + len(said) - len(speech))))
        return speech[max(0, lag) :][: len(said)]


def peers() -> list[str]:
    """The names of the codecs that `peer` knows, whether they fit or not."""
    return [name for name in codecs() if name.startswith(_FAMILY)]


def peer(name: str) -> Peer:
    """The codec of that name, one of `peers`.

    Raises:
        ParameterError: its frames do not fit into the payload.

    >>> peer("codec2-700C").per_superframe
    8
    """
    codec = codecs()[name]
    per_superframe = round(1000 * SUPERFRAME_SECONDS / codec.frame_ms)
    bits = per_superframe * codec.count.bits
    if bits > PAYLOAD_BITS:
        raise ParameterError(
            f"{name} spends {bits} bits in a superframe, and the payload has {PAYLOAD_BITS}"
            f" ({PAYLOAD_BYTES} bytes): a mode of at most 800 b/s is wanted"
        )
    return Peer(codec, per_superframe)
