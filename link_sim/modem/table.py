"""The modes of the modem as measured on their signals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.modem import MODEM_RATE, Modulator, modes
from voicelink.blocks.packet import Packet
from voicelink.models.sizes import SUPERFRAME_SECONDS

BURSTS = 60
"""Of random bits, on whose signal a mode is measured."""

_OFTEN = 0.999
_SEGMENT = 4096


@dataclass(frozen=True)
class Row:
    """One mode.

    Attributes:
        mode, profile, use: as in modes.yaml.
        bits: of a packet.
        symbols: of a burst, of 320 ms.
        symbol_rate: Bd.
        bandwidth_hz: the band that holds 99 % of the power (ITU-R SM.328 calls it occupied).
        papr_db: power that the signal is below for 99.9 % of the time, over its mean.
        peak_db: its greatest power over its mean.
        overhead_db: what the known symbols cost.
    """

    mode: str
    profile: str
    use: str
    bits: int
    symbols: int
    symbol_rate: float
    bandwidth_hz: float
    papr_db: float
    peak_db: float
    overhead_db: float


def table(seed: int = 0) -> list[Row]:
    """Every mode, the usual one first."""
    return [_row(name, seed) for name in modes()]


def _row(name: str, seed: int) -> Row:
    random = np.random.default_rng(seed)
    modulator = Modulator(name)
    layout, mode = modulator.layout, modulator.mode
    packets = (Packet(random.integers(0, 256, layout.bits // 8, np.uint8)) for _ in range(BURSTS))
    signal = np.concatenate([modulator.modulate(packet) for packet in packets])
    signal = signal[round(SUPERFRAME_SECONDS * MODEM_RATE) :]  # the first one rises from nothing
    power = _power_between_samples(signal)
    return Row(
        mode=name,
        profile=mode.profile,
        use=mode.use,
        bits=layout.bits,
        symbols=layout.symbols,
        symbol_rate=layout.symbol_rate,
        bandwidth_hz=occupied_bandwidth(signal, MODEM_RATE),
        papr_db=float(10 * np.log10(np.quantile(power, _OFTEN) / power.mean())),
        peak_db=float(10 * np.log10(power.max() / power.mean())),
        overhead_db=layout.overhead_db,
    )


def occupied_bandwidth(signal: np.ndarray, rate: float, share: float = 0.99) -> float:
    """Hz of the band, equal shares of the power left out on either side, with ``share`` of it.

    By Welch's method, with Hann windows of half a second.
    """
    pieces = np.lib.stride_tricks.sliding_window_view(signal, _SEGMENT)[:: _SEGMENT // 2]
    spectra = np.abs(np.fft.fft(pieces * np.hanning(_SEGMENT), axis=1)) ** 2
    spectrum = np.fft.fftshift(spectra.mean(0))
    below = np.cumsum(spectrum) / spectrum.sum()
    low, high = np.searchsorted(below, [(1 - share) / 2, (1 + share) / 2])
    return float((high - low) * rate / _SEGMENT)


def _power_between_samples(signal: np.ndarray, times: int = 4) -> np.ndarray:
    """Power at more places than the samples', by the spectrum."""
    spectrum = np.fft.fft(signal)
    half = len(signal) // 2
    middle = np.zeros((times - 1) * len(signal), complex)
    wide = np.concatenate((spectrum[:half], middle, spectrum[half:]))
    return np.abs(np.fft.ifft(wide) * times) ** 2
