"""The codec at run time: audio to payloads and back, by whichever model.

>>> encoder, decoder = SpeechEncoder(), SpeechDecoder()
>>> payload = encoder.encode(np.zeros(2560, np.float32))
>>> len(payload), decoder.decode(payload).shape
(32, (2560,))
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelink.models.card import DEFAULT, Card, card
from voicelink.models.engines import present
from voicelink.models.errors import FormatError, ParameterError, require
from voicelink.models.latents import CERTAIN, llrs_of
from voicelink.models.sizes import SUPERFRAME_SAMPLES


class SpeechEncoder:
    """Speech to payloads: one for every 2560 samples, of 32 bytes with the default model.

    Args:
        model: a released model's id or a model folder.
        threads: ONNX Runtime's, 1..64.
        voice: the speaker's voice, for models that send it apart (`Card.voice_bytes`); without,
            such a model takes it from the first seconds that it hears.

    Attributes:
        card: the model's `Card`.

    Raises:
        ParameterError: there is no such model, or the voice is none of its.
        ModelError: the model cannot be read, or needs what is not on this machine.
    """

    def __init__(
        self, model: str | Path = DEFAULT, threads: int = 1, voice: bytes | None = None
    ) -> None:
        self.card: Card = card(model)
        require("threads", threads, 1, 64)
        self._engine = present(self.card).Encoder(self.card, int(threads))
        if voice is not None:
            voice = _voice_of(self.card, voice)
            self._engine.set_voice(voice)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next sample begins a new recording. A voice stays known."""
        self._engine.reset()
        self._held = np.zeros(0, np.float32)
        self._owed = self.card.delay + self._engine.lag * SUPERFRAME_SAMPLES

    @property
    def lag(self) -> int:
        """Superframes by which payloads come later than the audio that they stand for."""
        return self._engine.lag

    @property
    def voice(self) -> bytes | None:
        """The speaker's voice, `Card.voice_bytes` long; None until it is known, and with a model
        that does not send it apart."""
        return self._engine.voice if self.card.voice_bytes else None

    def encode(self, audio: np.ndarray) -> bytes:
        """Take in audio, give out the payloads that became complete.

        Args:
            audio: float, shape (n,), any n, 8 kHz mono, +-1; what is beyond is clipped.

        Returns:
            `Card.payload_bytes` for each superframe; b"" where none became complete.

        Raises:
            ParameterError: the shape is another, or a sample is not a finite number. Nothing is
                taken in then.
        """
        audio = np.asarray(audio)
        if audio.ndim != 1 or audio.dtype.kind != "f":
            raise ParameterError(
                "audio must be a one-dimensional array of floats within +-1,"
                f" not {audio.dtype} of shape {audio.shape}"
            )
        bad = np.flatnonzero(~np.isfinite(audio))
        if len(bad):
            raise ParameterError(
                f"audio must be finite numbers, but sample {bad[0]} is {audio[bad[0]]}"
                f" ({len(bad)} such samples)"
            )
        audio = np.concatenate([self._held, np.clip(audio, -1, 1).astype(np.float32)])
        whole = len(audio) // SUPERFRAME_SAMPLES
        self._held = audio[whole * SUPERFRAME_SAMPLES :]
        steps = audio[: whole * SUPERFRAME_SAMPLES].reshape(whole, SUPERFRAME_SAMPLES)
        return b"".join(self._engine.step(step) for step in steps)

    def flush(self) -> bytes:
        """The payloads of what is still held, filled up with silence; then `reset`.

        Enough silence follows for the decoder to give out the last sample.
        """
        rest = len(self._held) + self._owed
        fill = -(-rest // SUPERFRAME_SAMPLES) * SUPERFRAME_SAMPLES - len(self._held)
        payload = self.encode(np.zeros(fill, np.float32))
        self.reset()
        return payload


class SpeechDecoder:
    """Payloads to speech: 2560 samples for every payload, or for the LLRs of one.

    Args:
        model: a released model's id or a model folder.
        threads: ONNX Runtime's, 1..64.

    Attributes:
        card: the model's `Card`.
        delay: samples by which the speech lags the encoder's, beside the superframe itself.

    Raises:
        ParameterError: there is no such model.
        ModelError: the model cannot be read, or needs what is not on this machine.
    """

    def __init__(self, model: str | Path = DEFAULT, threads: int = 1) -> None:
        self.card: Card = card(model)
        require("threads", threads, 1, 64)
        self.delay = self.card.delay
        self._engine = present(self.card).Decoder(self.card, int(threads))

    def reset(self) -> None:
        """Forget everything said: the next superframe begins a new recording."""
        self._engine.reset()

    def set_voice(self, voice: bytes | None) -> None:
        """Go on in this voice, of `Card.voice_bytes` bytes; None for a neutral one, which is all
        that models know whose voices do not go apart.

        Raises:
            ParameterError: the model does not take a voice, or one of another length.
        """
        if voice is not None:
            voice = _voice_of(self.card, voice)
        if self.card.voice_bytes:
            self._engine.set_voice(voice)

    def decode(self, payload: bytes) -> np.ndarray:
        """Speech, float32 (2560 n,) within +-1, of n whole payloads.

        Raises:
            FormatError: the length is not a multiple of `Card.payload_bytes`.
        """
        return self.decode_llrs(llrs_of(payload, self.card.payload_bits))

    def decode_llrs(self, llrs: np.ndarray) -> np.ndarray:
        """Speech of superframes whose bits are known by their likelihoods.

        Args:
            llrs: float (n, bits) or (bits,): log(P(0) / P(1)) of each payload bit; 0 for a bit of
                which nothing is known, all 0 for a superframe that was lost. What is no number
                counts as 0.

        Returns:
            float32 (2560 n,) within +-1.
        """
        llrs = np.atleast_2d(llrs)
        bits = self.card.payload_bits
        if llrs.ndim != 2 or llrs.shape[1] != bits:
            raise FormatError(f"LLRs must have the shape (n, {bits}), not {llrs.shape}")
        llrs = np.nan_to_num(llrs.astype(np.float32), posinf=CERTAIN, neginf=-CERTAIN)
        llrs = np.clip(llrs, -CERTAIN, CERTAIN)
        parts = [np.zeros(0, np.float32), *(self._engine.step(each) for each in llrs)]
        return np.clip(np.concatenate(parts), -1, 1)


def code(audio: np.ndarray, model: str | Path = DEFAULT) -> np.ndarray:
    """A whole recording through encoder and decoder, the delay removed, of equal length."""
    return coded(audio, model)[0]


def coded(
    audio: np.ndarray, model: str | Path = DEFAULT, voice: bytes | None = None
) -> tuple[np.ndarray, bytes, bytes]:
    """A whole recording through encoder and decoder, as somebody hears it who listens meanwhile.

    Args:
        audio: float (n,), 8 kHz mono, +-1.
        voice: the speaker's, as for `SpeechEncoder`: the decoder has it from the start. Without, it
            is neutral until the encoder has heard enough to know it.

    Returns:
        (decoded, payloads, voice): float32 (n,), the delay removed; all payloads; and the voice
        that was sent beside them, b"" for none.
    """
    encoder, decoder = SpeechEncoder(model, voice=voice), SpeechDecoder(model)
    sent, known, parts = [], None, []
    for start in range(0, len(audio) + SUPERFRAME_SAMPLES, SUPERFRAME_SAMPLES):
        piece = audio[start : start + SUPERFRAME_SAMPLES]
        sent.append(encoder.encode(piece) if start < len(audio) else encoder.flush())
        if encoder.voice != known and encoder.voice is not None:
            known = encoder.voice
            decoder.set_voice(known)
        parts.append(decoder.decode(sent[-1]))
    decoded = np.concatenate(parts)[decoder.delay :][: len(audio)]
    return decoded, b"".join(sent), known or b""


def _voice_of(card: Card, voice: bytes) -> bytes:
    if not card.voice_bytes:
        raise ParameterError(f"voice must be None: {card.id} does not send it apart")
    if len(voice) != card.voice_bytes:
        raise ParameterError(
            f"voice must be {card.voice_bytes} bytes for {card.id}, not {len(voice)}"
        )
    return bytes(voice)
