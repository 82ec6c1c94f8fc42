"""Sound cards for tests, in the place of sounddevice: fed and emptied by hand, and unplugged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np


class Cards:
    """A microphone and a loudspeaker, with sounddevice's functions.

    Attributes:
        present: whether they are plugged in.
        moved: whether they are listed in another order, from when that is asked for anew.
        streams: all that were opened, the latest last.
        now: simulated seconds.
    """

    def __init__(self, rate: int = 48000, least_channels: int = 1) -> None:
        self.present = True
        self.moved = self._listed = False
        self.streams: list[Stream] = []
        self.now = 0.0
        self.rate = rate
        self.least_channels = least_channels
        self.default = SimpleNamespace(device=(0, 1))

    def clock(self) -> float:
        return self.now

    def query_devices(self) -> list[dict]:
        ways = [("USB microphone", 2, 0), ("USB headphones", 0, 2), ("Built-in audio", 2, 2)]
        ways = ways[::-1] if self._listed else ways
        return [
            {"name": name, "max_input_channels": inputs, "max_output_channels": outputs,
             "default_samplerate": float(self.rate)}
            for name, inputs, outputs in ways
        ]  # fmt: skip

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams)

    def _initialize(self) -> None:
        self._listed = self.moved

    def InputStream(self, **options) -> Stream:
        return Stream(self, **options)

    OutputStream = InputStream


class Stream:
    """An open card."""

    def __init__(self, cards: Cards, *, samplerate, channels, callback, device, **_) -> None:
        if not cards.present or channels < cards.least_channels:
            raise OSError("Device unavailable [PaErrorCode -9985]")
        self.cards = cards
        self.channels = channels
        self.rate = samplerate
        self.number = device
        self.latency = 0.05
        self.closed = False
        self._callback = callback
        cards.streams.append(self)

    def start(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    @property
    def active(self) -> bool:
        return self.cards.present and not self.closed

    def hear(self, audio: np.ndarray, overflow: bool = False) -> None:
        """Sound (n,) at the card's rate comes in."""
        data = np.repeat(audio.astype(np.float32)[:, None], self.channels, axis=1)
        self._callback(data, len(data), None, SimpleNamespace(input_overflow=overflow))

    def play(self, samples: int) -> np.ndarray:
        """The next samples that are heard."""
        data = np.full((samples, self.channels), np.nan, np.float32)
        self._callback(data, samples, None, SimpleNamespace(output_underflow=False))
        assert np.array_equal(data[:, 0], data[:, -1])
        return data[:, 0]
