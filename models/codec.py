"""The codec at run time: audio to payloads and back, on ONNX Runtime.

>>> encoder, decoder = SpeechEncoder(), SpeechDecoder()
>>> payload = encoder.encode(np.zeros(2560, np.float32))
>>> len(payload), decoder.decode(payload).shape
(32, (2560,))
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from voicelink.models.card import DEFAULT, Card, card
from voicelink.models.errors import FormatError, ModelError, ParameterError, require
from voicelink.models.latents import from_llrs, llrs_of, pack
from voicelink.models.sizes import FRAMES, LATENTS, PAYLOAD_BITS, SUPERFRAME_SAMPLES


class _Graph:
    """An ONNX graph that is stepped by one superframe, its state carried along.

    Its state is every input whose name begins with ``state``; the outputs behind the first are the
    new states in the same order.
    """

    def __init__(self, session, *inputs: str) -> None:
        self._session = session
        self._names = [i.name for i in session.get_inputs()]
        states = [n for n in self._names if n.startswith("state")]
        if self._names != [*inputs, *states] or len(session.get_outputs()) != 1 + len(states):
            raise ModelError(
                f"the graph must take {', '.join(inputs)} and its states, not"
                f" {', '.join(self._names)}"
            )
        self._zeros = [
            np.zeros(i.shape, np.float32)
            for i in session.get_inputs()
            if i.name.startswith("state")
        ]
        self.reset()

    def reset(self) -> None:
        self._states = self._zeros

    def step(self, *inputs: np.ndarray) -> np.ndarray:
        values = dict(zip(self._names, [*inputs, *self._states], strict=True))
        result, *self._states = self._session.run(None, values)
        return result


@lru_cache(maxsize=8)
def _session(model: str, name: str, threads: int):
    # From 1.32 on it reports its use over the network, unless told not to before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin for work would use a whole core between superframes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    content = card(model).file(name)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises many kinds, all of them plain Exceptions
        reason = " ".join(str(error).split())
        raise ModelError(f"model {model}: {name} does not load: {reason}") from None


class SpeechEncoder:
    """Speech to payloads: 32 bytes for every 2560 samples.

    Args:
        model: a released model's id or a model folder.
        threads: ONNX Runtime's, 1..64.

    Attributes:
        card: the model's `Card`.
    """

    def __init__(self, model: str | Path = DEFAULT, threads: int = 1) -> None:
        self.card: Card = card(model)
        require("threads", threads, 1, 64)
        self._graph = _Graph(_session(str(model), "encoder.onnx", int(threads)), "audio")
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next sample begins a new recording."""
        self._graph.reset()
        self._held = np.zeros(0, np.float32)
        self._owed = self.card.delay

    def encode(self, audio: np.ndarray) -> bytes:
        """Take in audio, give out the payloads that became complete.

        Args:
            audio: float, shape (n,), any n, 8 kHz mono, +-1; what is beyond is clipped.

        Returns:
            32 bytes for each superframe; b"" where none became complete.

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
        steps = audio[: whole * SUPERFRAME_SAMPLES].reshape(whole, 1, SUPERFRAME_SAMPLES)
        return b"".join(pack(self._graph.step(step)) for step in steps)

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
    """Payloads to speech: 2560 samples for every 32 bytes, or for every 256 LLRs.

    Args:
        model: a released model's id or a model folder.
        threads: ONNX Runtime's, 1..64.

    Attributes:
        card: the model's `Card`.
        delay: samples by which the speech lags the encoder's, beside the superframe itself.
    """

    def __init__(self, model: str | Path = DEFAULT, threads: int = 1) -> None:
        self.card: Card = card(model)
        require("threads", threads, 1, 64)
        self.delay = self.card.delay
        self._graph = _Graph(
            _session(str(model), "decoder.onnx", int(threads)), "latents", "reliability"
        )

    def reset(self) -> None:
        """Forget everything said: the next superframe begins a new recording."""
        self._graph.reset()

    def decode(self, payload: bytes) -> np.ndarray:
        """Speech, float32 (2560 n,) within +-1, of n whole payloads.

        Raises:
            FormatError: the length is not a multiple of 32.
        """
        return self.decode_llrs(llrs_of(payload))

    def decode_llrs(self, llrs: np.ndarray) -> np.ndarray:
        """Speech of superframes whose bits are known by their likelihoods.

        Args:
            llrs: float (n, 256) or (256,): log(P(0) / P(1)) of each payload bit; 0 for a bit of
                which nothing is known, all 0 for a superframe that was lost.

        Returns:
            float32 (2560 n,) within +-1.
        """
        llrs = np.atleast_2d(llrs)
        if llrs.ndim != 2 or llrs.shape[1] != PAYLOAD_BITS:
            raise FormatError(f"LLRs must have the shape (n, {PAYLOAD_BITS}), not {llrs.shape}")
        means, reliabilities = from_llrs(llrs)
        shape = (1, FRAMES, LATENTS)
        parts = [
            self._graph.step(mean.reshape(shape), reliability.reshape(shape))[0]
            for mean, reliability in zip(means, reliabilities, strict=True)
        ]
        return np.clip(np.concatenate([np.zeros(0, np.float32), *parts]), -1, 1)


def code(audio: np.ndarray, model: str | Path = DEFAULT) -> np.ndarray:
    """A whole recording through encoder and decoder, the delay removed, of equal length."""
    encoder, decoder = SpeechEncoder(model), SpeechDecoder(model)
    payload = encoder.encode(audio) + encoder.flush()
    return decoder.decode(payload)[decoder.delay :][: len(audio)]
