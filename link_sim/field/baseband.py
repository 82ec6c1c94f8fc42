"""Between a signal at any sample rate, complex or real, and the modem's complex baseband."""

from __future__ import annotations

import numpy as np

from voicelink.blocks.modem import CENTRE, MODEM_RATE, Downconverter, to_passband
from voicelink.link_sim.field.samples import finite
from voicelink.models.errors import ParameterError, require

LOWEST_RATE, HIGHEST_RATE = 8000.0, 100e6
"""Samples/s that a signal may have: fewer do not hold the modem's bandwidth."""

BLOCK_SECONDS = 0.02
"""So much of a signal is worked on at a time, whatever the pieces in which it comes: so the same
samples give the same frames, bit for bit."""


class ToBaseband:
    """A stream of samples to complex baseband at 8000 samples/s.

    Args:
        rate: samples/s of what comes.
        real: whether it is a passband signal around 1500 Hz.
        offset: Hz by which the signal lies above the middle (of the I/Q, or above 1500 Hz).

    Raises:
        ParameterError: the rate is out of range, or the offset is outside what the rate holds.
    """

    def __init__(self, rate: float, real: bool = False, offset: float = 0.0) -> None:
        self.rate = float(check_rate(rate))
        self.real = real
        self._block = max(16, round(self.rate * BLOCK_SECONDS))
        self._offset = check_offset(offset, self.rate, real)
        self.reset()

    @property
    def delay(self) -> int:
        """Samples of the output by which it is late."""
        return self._down.delay if self._down else 0

    def reset(self) -> None:
        """Begin another stream."""
        self._held = np.zeros(0, np.float32 if self.real else np.complex64)
        self._down = Downconverter(CENTRE + self._offset) if self.real else None
        self._mixer = _Mixer(-self._offset / self.rate, self._block)
        self._resampler = _Resampler(self.rate, MODEM_RATE, 1 if self.real else 2)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """The baseband, complex64 (m,), that became complete with samples (n,), any n."""
        samples = np.asarray(samples)
        if self.real:
            clean = finite(np.asarray(samples.real, np.float32))
        else:
            pairs = np.ascontiguousarray(samples, np.complex64).view(np.float32)
            clean = finite(pairs).view(np.complex64)
        data = np.concatenate([self._held, clean])
        whole = len(data) // self._block * self._block
        self._held = data[whole:]
        parts = [self._work(part) for part in data[:whole].reshape(-1, self._block)]
        return np.concatenate([np.zeros(0, np.complex64), *parts])

    def finish(self) -> np.ndarray:
        """The rest, at the end of a stream; then another may begin."""
        rest = np.concatenate([self._work(self._held), self._down_mixed(self._resampler.finish())])
        if self._down is not None:
            rest = np.concatenate([rest, self._down.push(np.zeros(self.delay, np.float32))])
        self.reset()
        return rest

    def _work(self, samples: np.ndarray) -> np.ndarray:
        if not self.real:
            samples = self._mixer.mix(samples)
        return self._down_mixed(self._resampler.process(samples))

    def _down_mixed(self, samples: np.ndarray) -> np.ndarray:
        return samples if self._down is None else self._down.push(samples)


class FromBaseband:
    """Complex baseband at 8000 samples/s to a stream at any rate: the way back from `ToBaseband`.

    Args:
        rate, real, offset: as there.
    """

    def __init__(self, rate: float, real: bool = False, offset: float = 0.0) -> None:
        self.rate = float(check_rate(rate))
        self.real = real
        self._offset = check_offset(offset, self.rate, real)
        self._resampler = _Resampler(MODEM_RATE, self.rate, 1 if real else 2)
        self._mixer = _Mixer(self._offset / self.rate, 4096)
        self._start = 0

    def push(self, baseband: np.ndarray) -> np.ndarray:
        """Samples, float32 or complex64 (m,), of a piece of baseband (n,)."""
        if self.real:
            baseband = to_passband(baseband, self._start, CENTRE + self._offset)
            self._start += len(baseband)
        return self._mixed(self._resampler.process(baseband))

    def finish(self) -> np.ndarray:
        """The rest."""
        return self._mixed(self._resampler.finish())

    def _mixed(self, samples: np.ndarray) -> np.ndarray:
        return samples if self.real else self._mixer.mix(samples)


def check_rate(rate: float, name: str = "rate") -> float:
    """``rate`` if a signal may have it; else `ParameterError`."""
    return require(name, rate, LOWEST_RATE, HIGHEST_RATE)


def check_offset(offset: float, rate: float, real: bool, name: str = "offset") -> float:
    """``offset`` in Hz, if a signal of 2400 Hz fits there; else `ParameterError`."""
    offset = float(require(name, offset))
    low, high = (-1000, 1000) if real else (-rate / 2 + 1200, rate / 2 - 1200)
    if not low <= offset <= high:
        where = "around 1500 Hz" if real else f"at {rate:g} samples/s"
        raise ParameterError(f"{name} must be from {low:g} to {high:g} Hz {where}, not {offset:g}")
    return offset


class _Resampler:
    """soxr's stream, or nothing at all where both rates are the same."""

    def __init__(self, rate: float, wanted: float, channels: int) -> None:
        import soxr

        self._complex = channels == 2
        self._stream = None
        if rate != wanted:
            self._stream = soxr.ResampleStream(rate, wanted, channels, dtype="float32")

    def process(self, samples: np.ndarray, last: bool = False) -> np.ndarray:
        if self._stream is None:
            return samples
        if not self._complex:
            return self._stream.resample_chunk(samples, last=last)
        pairs = np.ascontiguousarray(samples).view(np.float32).reshape(-1, 2)
        made = self._stream.resample_chunk(pairs, last=last)
        return np.ascontiguousarray(made).view(np.complex64).reshape(-1)

    def finish(self) -> np.ndarray:
        return self.process(np.zeros(0, np.complex64 if self._complex else np.float32), last=True)


class _Mixer:
    """Turns a stream by a constant frequency, in turns per sample, with its phase going on."""

    def __init__(self, turns: float, block: int) -> None:
        self._turns = turns
        self._table = np.exp(2j * np.pi * (turns * np.arange(block) % 1.0)).astype(np.complex64)
        self._phase = 0.0

    def mix(self, samples: np.ndarray) -> np.ndarray:
        if not self._turns:
            return samples
        parts = []
        for at in range(0, len(samples), len(self._table)):
            part = samples[at : at + len(self._table)]
            turned = np.complex64(np.exp(2j * np.pi * self._phase)) * self._table[: len(part)]
            parts.append(part * turned)
            self._phase = (self._phase + self._turns * len(part)) % 1.0
        return np.concatenate([samples[:0], *parts])
