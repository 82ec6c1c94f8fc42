"""BPSK and QPSK, coherent."""

from __future__ import annotations

import numpy as np

from voicelink.link_sim.channels.likelihood import noise_levels, noise_states
from voicelink.link_sim.channels.radio import Signal

_ROLL_OFF = 0.35
_NEIGHBOURS = np.arange(-6, 7)


class Psk:
    """Modulator and demodulator; a symbol has the energy 1.

    One bit a symbol, 0 as +1 and 1 as -1, of which the real part is received; or two, the first as
    the real part and the second as the imaginary one, which is Gray's order. The receiver turns
    and weighs each symbol by the path's gain::

        y = |g| exp(j phi) x + w,   w complex normal of power N0 (times that of the impulses)

    Args:
        width: bits of a symbol, 1 or 2.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._points = self.send(np.array([0, 1] if width == 1 else [0, 0, 0, 1, 1, 0, 1, 1]))

    def send(self, bits: np.ndarray) -> np.ndarray:
        """Symbols (n,) of bits (n * width,): float64, or complex128 for two bits."""
        signs = 1.0 - 2.0 * bits
        return signs if self.width == 1 else (signs[::2] + 1j * signs[1::2]) * np.sqrt(0.5)

    def receive(
        self, symbols: np.ndarray, signal: Signal, n0: float, random: np.random.Generator
    ) -> np.ndarray:
        """What the receiver hears of symbols (n,), after matched filter and phase: y, (n,)."""
        heard, phase = symbols, signal.phase
        if signal.late is not None:
            if signal.columns > 1:
                turn = 2 * np.pi * signal.frequencies * signal.late
                phase = turn if phase is None else phase + turn
            else:
                heard = _sampled_late(symbols, signal.late[:, 0] / signal.row_seconds)
        if phase is not None:
            heard = heard * np.exp(1j * signal.each(phase))
        if signal.gain is not None:
            heard = heard * self._amplitude(signal)
        noise = random.normal(0, np.sqrt(n0 / 2), len(symbols) * self.width)
        if self.width == 1:
            heard = heard.real
        else:
            noise = noise[::2] + 1j * noise[1::2]
        if signal.impulses:
            noise = noise * np.sqrt(signal.each(noise_levels(signal)))
        return heard + noise

    def logs(self, received: np.ndarray, signal: Signal, n0: float) -> np.ndarray:
        """Log-likelihoods (2 ** width, n) of the symbols, by the gain and noise that are known.

        Each column may be off by a number of its own.
        """
        points = self._points[:, None] * self._amplitude(signal)
        apart = received - points
        squares = apart.real**2 + apart.imag**2
        logs = None
        for chance, level in noise_states(signal):
            # The power of the noise stands before the exponential once for two dimensions.
            state = chance - self.width / 2 * np.log(level) - squares / (n0 * level)
            logs = state if logs is None else np.logaddexp(logs, state)
        return logs

    def _amplitude(self, signal: Signal) -> np.ndarray | float:
        return 1.0 if signal.gain is None else signal.each(np.abs(signal.gain))


def _sampled_late(symbols: np.ndarray, late: np.ndarray) -> np.ndarray:
    """Symbols with raised-cosine pulses, sampled ``late`` (n,) of a symbol after the middle."""
    whole = np.rint(late).astype(int)
    places = np.arange(len(symbols)) + whole + _NEIGHBOURS[:, None]
    # What comes before and after the packet is taken to be like its ends.
    neighbours = symbols[places.clip(0, len(symbols) - 1)]
    return (neighbours * raised_cosine(late - whole - _NEIGHBOURS[:, None])).sum(axis=0)


def raised_cosine(time: np.ndarray) -> np.ndarray:
    """The pulse of roll-off 0.35 at ``time`` in symbols: 1 at 0, and 0 at other whole numbers."""
    slope = 2 * _ROLL_OFF * time
    pole = np.abs(np.abs(slope) - 1) < 1e-8
    edge = np.cos(np.pi * slope / 2) / np.where(pole, 1, 1 - slope**2)
    return np.sinc(time) * np.where(pole, np.pi / 4, edge)
