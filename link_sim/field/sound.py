"""Samples from a sound card: a transceiver's audio, or a receiver's I and Q in stereo."""

from __future__ import annotations

import queue
import time
from typing import Any

from voicelink.blocks.sound_card import find_device, sound_backend, sound_devices
from voicelink.link_sim.field.samples import SampleFormat
from voicelink.link_sim.field.sources import SamplesLost, SourceLost
from voicelink.models.errors import one_line

_SILENT = 2.0
"""Seconds without a sample after which a card counts as gone."""

_WAIT = 0.2


class SoundSource:
    """An input of a sound card.

    Args:
        device: its name or a part of it, or its number; "" for the system's choice.
        rate: samples/s.
        iq: I in the left channel, Q in the right one; else one channel, passband around 1500 Hz.
        frequency: Hz that the middle stands for; None where that is not known.
        backend: what has sounddevice's functions.

    Raises:
        ParameterError: sounddevice is not installed.
    """

    live = True

    def __init__(
        self,
        device: str,
        rate: float,
        iq: bool = False,
        frequency: float | None = None,
        backend: Any = None,
    ) -> None:
        self._backend = backend or sound_backend()
        self._device = device
        self._channels = 2 if iq else 1
        self._stream = None
        self.format = SampleFormat.of("ci16_le" if iq else "ri16_le")
        self.rate, self.frequency = rate, frequency
        self.hardware = f"sound card {device}".strip()

    def open(self) -> None:
        self._came: queue.SimpleQueue[tuple[bytes, bool]] = queue.SimpleQueue()
        came = self._came

        def take(data, frames, moment, status) -> None:
            came.put((bytes(data), bool(status.input_overflow)))

        try:
            number = find_device(self._device, "input", sound_devices(self._backend))["number"]
            self._stream = self._backend.RawInputStream(
                samplerate=self.rate, device=number, channels=self._channels, dtype="int16",
                callback=take,
            )  # fmt: skip
            self._stream.start()
        # PortAudioError, or whatever else it is: the card is not there.
        except Exception as error:
            self.close()
            raise SourceLost(f"{self.hardware} cannot be opened: {one_line(error)}") from None
        self._heard = time.monotonic()
        self._late: bytes | None = None

    def read(self) -> bytes | None:
        if self._late is not None:
            data, self._late = self._late, None
            return data
        try:
            data, overflow = self._came.get(timeout=_WAIT)
        except queue.Empty:
            if time.monotonic() - self._heard > _SILENT:
                raise SourceLost(f"{self.hardware}: no samples for {_SILENT:g} s") from None
            return b""
        self._heard = time.monotonic()
        if overflow:
            self._late = data  # what was lost came before it
            raise SamplesLost(f"{self.hardware}: samples came faster than they were read")
        return data

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)
