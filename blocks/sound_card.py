"""Sound cards in and out, at 8 kHz for the rest of us, and what happens when one is unplugged."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from voicelink.models.errors import ParameterError, one_line
from voicelink.models.hushed import hushed
from voicelink.models.sizes import SAMPLE_RATE

SILENT = 3.0
"""Seconds without a call from the card after which it counts as gone."""

RETRY = 1.0
"""Seconds from one attempt to open it again to the next."""

LONGEST = 10.0
"""Seconds of sound that may wait; older ones are dropped and counted."""

LATENCY = 0.1
"""Seconds that the card's own buffers should hold, unless more is asked for."""

Note = Callable[[str], None]


def sound_backend() -> Any:
    """The module sounddevice.

    Raises:
        ParameterError: it, or the library that it needs, is not installed.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise ParameterError(
            "sound cards need sounddevice and PortAudio: pip install '.[audio]', "
            f"apt install libportaudio2 ({error})"
        ) from None
    return sounddevice


def sound_devices(backend: Any = None) -> list[dict[str, Any]]:
    """The sound cards: number, name, inputs, outputs, rate (Hz), and for what it is the default."""
    backend = backend or sound_backend()
    try:
        default_in, default_out = backend.default.device
        devices = list(backend.query_devices())
    except Exception as error:  # PortAudioError, of whichever backend
        raise ParameterError(f"the sound cards cannot be listed: {one_line(error)}") from None
    return [
        {
            "number": number,
            "name": device["name"],
            "inputs": device["max_input_channels"],
            "outputs": device["max_output_channels"],
            "rate": round(device["default_samplerate"]),
            "default": [
                way for way, n in (("input", default_in), ("output", default_out)) if n == number
            ],
        }
        for number, device in enumerate(devices)
    ]


def find_device(wanted: str, way: str, devices: list[dict[str, Any]]) -> dict[str, Any]:
    """The device that is meant by a number, a name or a part of it, or "" for the default one.

    Args:
        wanted: what the user wrote.
        way: "input" or "output".
        devices: as `sound_devices` gives them.

    Raises:
        ParameterError: there is none such, or several.
    """
    able = [device for device in devices if device[f"{way}s"] > 0]
    if not wanted:
        found = [device for device in able if way in device["default"]] or able[:1]
    elif wanted.isdigit():
        found = [device for device in able if device["number"] == int(wanted)]
    else:
        whole = [device for device in able if device["name"].lower() == wanted.lower()]
        found = whole or [device for device in able if wanted.lower() in device["name"].lower()]
    if len(found) == 1:
        return found[0]
    meant = f"{way} device {wanted!r}" if wanted else f"{way} device"
    if found:
        names = ", ".join(f"{d['number']}: {d['name']}" for d in found)
        raise ParameterError(f"{meant} may be any of {names}; give its number or more of its name")
    names = ", ".join(f"{d['number']}: {d['name']}" for d in able)
    raise ParameterError(f"there is no {meant}" + (f"; there are {names}" if able else " at all"))


class _Card:
    """One direction of a sound card, which is opened again whenever it is gone."""

    way = ""
    opened = 0
    """Streams of all cards together."""

    def __init__(
        self,
        device: str = "",
        note: Note = lambda _: None,
        backend: Any = None,
        clock: Callable[[], float] = time.monotonic,
        latency: float = LATENCY,
    ) -> None:
        self._latency = latency
        self._backend = backend or sound_backend()
        self._wanted = str(device)
        self._note = note
        self._clock = clock
        self._stream: Any = None
        self._heard = self._gone = 0.0
        self._retry = 0.0
        self._alive = False  # set by the card's own thread
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self.losses = 0
        self.lost_seconds = 0.0
        found = find_device(self._wanted, self.way, sound_devices(self._backend))
        self.name = found["name"]
        try:
            self._open()
        except ParameterError:
            self.close()
            raise

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def open(self) -> bool:
        """Whether the card is there."""
        return self._stream is not None

    def close(self) -> None:
        """Let go of the card."""
        stream, self._stream = self._stream, None
        if stream is not None:
            _Card.opened -= 1
            try:
                stream.close()
            except Exception:  # of a card that is gone: there is nothing left to close
                return

    def look(self) -> bool:
        """Whether the card is there; if it was gone, it is tried again now and then."""
        now = self._clock()
        if self._alive:
            self._alive, self._heard = False, now
        if self._stream is not None:
            if now - self._heard <= SILENT and self._active():
                return True
            self._lose(now, f"no sound for {SILENT:g} s" if self._active() else "it has stopped")
        if now < self._retry:
            return False
        self._retry = now + RETRY
        try:
            # ALSA and PortAudio say several lines each time that a card is not there.
            with hushed():
                self._list_again()
                self._open()
        except ParameterError:
            return False
        seconds = now - self._gone
        self.lost_seconds += seconds
        self._note(f"{self.way} {self.name} is back after {seconds:.1f} s")
        return True

    def _active(self) -> bool:
        try:
            return bool(self._stream.active)
        except Exception:
            return False

    def _list_again(self) -> None:
        """Have PortAudio look for cards, as one that is plugged in again may have another number.

        It lists them once only, and begins again only where nothing is open.
        """
        if _Card.opened:
            return
        with contextlib.suppress(Exception):  # where it could not begin the last time
            self._backend._terminate()
        try:
            self._backend._initialize()
        except Exception as error:  # PortAudioError, of whichever backend
            raise ParameterError(f"PortAudio does not begin again: {one_line(error)}") from None

    def _lose(self, now: float, reason: str) -> None:
        self.losses += 1
        self._gone, self._retry = now, now + RETRY
        self.close()
        self._note(f"{self.way} {self.name} is gone ({reason}); trying again every {RETRY:g} s")

    def _open(self) -> None:
        """Open and start the stream, with one channel or two, whichever the card has."""
        device = find_device(self._wanted, self.way, sound_devices(self._backend))
        self.rate = device["rate"]
        self._prepare()
        reason: Exception | None = None
        for channels in self._channels(device):
            try:
                make = getattr(self._backend, f"{self.way.capitalize()}Stream")
                self._stream = make(
                    device=device["number"], samplerate=self.rate, channels=channels,
                    dtype="float32", latency=self._latency, callback=self._call,
                )  # fmt: skip
                _Card.opened += 1
                self._stream.start()
                self._heard, self._alive = self._clock(), False
                return
            except Exception as error:  # PortAudioError, ValueError, OSError: whatever it is, no
                self.close()
                reason = error
        raise ParameterError(f"{self.way} {self.name} cannot be opened: {one_line(reason)}")

    def _channels(self, device: dict[str, Any]) -> tuple[int, ...]:
        return (1, 2)

    def _prepare(self) -> None:
        """Make ready for a stream that begins."""

    def _call(self, data: np.ndarray, frames: int, moment: Any, status: Any) -> None:
        """The card's own thread: take or give samples, and be quick."""


class SoundInput(_Card):
    """A microphone, or a receiver's audio: float32 at 8 kHz, whatever the card runs at.

    Args:
        device: its number, its name or a part of that; "" for the default one.
        note: called with a line when the card is gone, or back.
        backend: what has sounddevice's functions.
        clock: seconds, never going back.
        latency: seconds that its buffers should hold: more are safer where the machine is busy.

    Attributes:
        name: the card's.
        rate: what the card runs at, Hz.
        overflows: times that samples were lost because nobody took them in time.
        losses: times that the card was gone.
        lost_seconds: for how long altogether.

    Raises:
        ParameterError: there is no such card, or it cannot be opened.
    """

    way = "input"

    def __init__(self, *args: Any, **options: Any) -> None:
        self.overflows = 0
        self._came: deque[np.ndarray] = deque()
        super().__init__(*args, **options)

    def _prepare(self) -> None:
        self._resampler = _resampler(self.rate, SAMPLE_RATE)
        with self._lock:
            self._came.clear()
            self._samples = 0

    def _call(self, data: np.ndarray, frames: int, moment: Any, status: Any) -> None:
        self._alive = True
        with self._lock:
            self.overflows += bool(status and status.input_overflow)
            self._came.append(np.nan_to_num(data.mean(axis=1), posinf=0.0, neginf=0.0))
            self._samples += frames
            if self._samples > LONGEST * self.rate:
                self.overflows += 1
                self._samples -= len(self._came.popleft())
        self._wake.set()

    def read(self, timeout_s: float = 0.1) -> np.ndarray:
        """What has come, float32 (n,); waits at most so long for something, and may be empty."""
        if not self._came:
            self._wake.wait(timeout_s)
        self._wake.clear()
        self.look()
        with self._lock:
            parts, self._samples = list(self._came), 0
            self._came.clear()
        if not parts:
            return np.zeros(0, np.float32)
        return self._resampler(np.concatenate(parts).astype(np.float32))


class SoundOutput(_Card):
    """A loudspeaker, or a transmitter's audio; takes float32 at 8 kHz, as much as you give.

    While the card is gone what is written is lost, in its own time.

    Args:
        device, note, backend, clock, latency: as of `SoundInput`.

    Attributes:
        name, rate, losses, lost_seconds: as of `SoundInput`.
        underflows: times that the card wanted samples and there were none.
        running: whether an empty buffer is an underflow, and not just silence.
    """

    way = "output"

    def __init__(self, *args: Any, **options: Any) -> None:
        self.underflows = 0
        self.running = False
        self._queue: deque[np.ndarray] = deque()
        self._until = 0.0
        self._emptied = float("-inf")  # when the card had taken the last of what was waiting
        super().__init__(*args, **options)

    def _channels(self, device: dict[str, Any]) -> tuple[int, ...]:
        return (2, 1) if device["outputs"] > 1 else (1,)

    def _prepare(self) -> None:
        self._resampler = _resampler(SAMPLE_RATE, self.rate)
        with self._lock:
            self._queue.clear()
            self._samples = 0

    @property
    def waiting(self) -> float:
        """Seconds of sound that the card has not taken yet."""
        if not self.look():
            return max(0.0, self._until - self._clock())
        with self._lock:
            return self._samples / self.rate

    @property
    def latency(self) -> float:
        """Seconds from when the card takes a sample until it is heard, as far as it says so."""
        try:
            return max(0.0, float(self._stream.latency))
        except Exception:  # it is gone, or does not know
            return 0.0

    @property
    def left(self) -> float:
        """Seconds until the last of what was written has been heard, as far as it says so."""
        waiting = self.waiting
        if waiting:
            return waiting + self.latency
        return max(0.0, self._emptied + self.latency - self._clock())

    def write(self, audio: np.ndarray) -> None:
        """Sound to be heard behind what is waiting: float (n,), within +-1."""
        if not self.look():
            now = self._clock()
            self._until = max(now, self._until) + len(audio) / SAMPLE_RATE
            return
        samples = self._resampler(np.clip(audio, -1, 1).astype(np.float32))
        with self._lock:
            self._queue.append(samples)
            self._samples += len(samples)

    def _call(self, data: np.ndarray, frames: int, moment: Any, status: Any) -> None:
        self._alive = True
        at = 0
        with self._lock:
            while at < frames and self._queue:
                piece = self._queue.popleft()
                count = min(len(piece), frames - at)
                data[at : at + count] = piece[:count, None]
                at += count
                if count < len(piece):
                    self._queue.appendleft(piece[count:])
            self._samples -= at
            if at and not self._queue:
                self._emptied = self._clock() + at / self.rate
            dry = bool(status and status.output_underflow) or at < frames
            self.underflows += dry and self.running
        data[at:] = 0


def _resampler(rate_in: int, rate_out: int) -> Callable[[np.ndarray], np.ndarray]:
    """A stream's change of rate: float32 (n,) to float32 (m,)."""
    if rate_in == rate_out:
        return lambda samples: samples
    import soxr

    # The filters of fixed rates work in blocks of 100 ms; those of variable ones are late by 30 ms.
    return soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", vr=True).resample_chunk
