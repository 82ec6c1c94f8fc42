"""Samples from a sound card: a transceiver's audio, or a receiver's I and Q in stereo."""

from __future__ import annotations

import queue
import time

from voicelink.link_sim.field.samples import SampleFormat
from voicelink.link_sim.field.sources import SamplesLost, SourceLost
from voicelink.models.errors import ParameterError

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

    Raises:
        ParameterError: sounddevice is not installed.
    """

    live = True

    def __init__(
        self, device: str, rate: float, iq: bool = False, frequency: float | None = None
    ) -> None:
        try:
            import sounddevice  # noqa: F401
        except (ImportError, OSError) as error:
            raise ParameterError(
                f"a sound card needs sounddevice and PortAudio: pip install 'gr-voicelink[audio]',"
                f" apt install libportaudio2 ({error})"
            ) from None
        self._device = int(device) if device.isdigit() else device or None
        self._channels = 2 if iq else 1
        self._stream = None
        self.format = SampleFormat.of("ci16_le" if iq else "ri16_le")
        self.rate, self.frequency = rate, frequency
        self.hardware = f"sound card {device}".strip()

    def open(self) -> None:
        import sounddevice

        self._came: queue.SimpleQueue[tuple[bytes, bool]] = queue.SimpleQueue()
        came = self._came

        def take(data, frames, moment, status) -> None:
            came.put((bytes(data), bool(status.input_overflow)))

        try:
            self._stream = sounddevice.RawInputStream(
                samplerate=self.rate, device=self._device, channels=self._channels,
                dtype="int16", callback=take,
            )  # fmt: skip
            self._stream.start()
        # PortAudioError, and ValueError for a name that no device has or that several have.
        except (sounddevice.PortAudioError, ValueError) as error:
            self.close()
            reason = " ".join(str(error).split())
            raise SourceLost(f"{self.hardware} cannot be opened: {reason:.200}") from None
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
