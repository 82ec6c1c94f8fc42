"""2-FSK and 4-FSK, received without phase."""

from __future__ import annotations

import numpy as np

from voicelink.link_sim.channels.likelihood import log_i0, noise_levels, noise_states
from voicelink.link_sim.channels.radio import Signal


class Fsk:
    """Modulator and demodulator of orthogonal tones, 1 / T apart; a symbol has the energy 1.

    The receiver has a correlator for each tone, knows the strength of the signal and not its
    phase::

        r_i = |g| c_i + w_i,   w complex normal of power N0 (times that of the impulses)
        P(r | tone m) ~ exp(-(sum |r_i|^2 + |g|^2) / N0) I0(2 |g| |r_m| / N0)

    where c is 1 for the tone that was sent and 0 for the others, if frequency and clock are right.

    Args:
        width: bits of a symbol, 1 or 2; a tone's number is its bits.

    Source: Proakis & Salehi, Digital Communications, 5th ed., section 4.5.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._tones = np.arange(2**width)[:, None]

    def send(self, bits: np.ndarray) -> np.ndarray:
        """Tones (n,) of bits (n * width,)."""
        return bits.astype(int) if self.width == 1 else 2 * bits[::2].astype(int) + bits[1::2]

    def receive(
        self, symbols: np.ndarray, signal: Signal, n0: float, random: np.random.Generator
    ) -> np.ndarray:
        """What the correlators hear of tones (n,): r, complex128 (tones, n)."""
        if signal.offset_hz or signal.late is not None:
            heard = self._leaking(symbols, signal)
        else:
            heard = (symbols == self._tones).astype(float)
        if signal.gain is not None:
            heard = heard * signal.each(signal.gain)
        noise = random.normal(0, np.sqrt(n0 / 2), (2, *heard.shape))
        if signal.impulses:
            noise = noise * np.sqrt(signal.each(noise_levels(signal)))
        return heard + noise[0] + 1j * noise[1]

    def logs(self, received: np.ndarray, signal: Signal, n0: float) -> np.ndarray:
        """Log-likelihoods (tones, n), by the strength and noise that are known.

        Each column may be off by a number of its own.
        """
        amplitude = 1.0 if signal.gain is None else signal.each(np.abs(signal.gain))
        strengths = np.abs(received)
        energy = (strengths**2).sum(axis=0) + amplitude**2
        logs = None
        for chance, level in noise_states(signal):
            power = n0 * level
            state = log_i0(2 * amplitude / power * strengths)
            if signal.impulses:
                state += chance - len(received) * np.log(level) - energy / power
            logs = state if logs is None else np.logaddexp(logs, state)
        return logs

    def _leaking(self, symbols: np.ndarray, signal: Signal) -> np.ndarray:
        """c (tones, n) with a wrong frequency, and windows that reach into the next symbol."""
        error = signal.offset_hz * signal.row_seconds
        late = np.zeros(1) if signal.late is None else signal.late[:, 0] / signal.row_seconds
        whole = np.floor(late).astype(int)
        part = late - whole
        places = (np.arange(len(symbols)) + whole + np.array([[0], [1]])).clip(0, len(symbols) - 1)
        first, second = symbols[places]

        def inside(tone, begin, end):
            """Of a tone that lasts from begin to end, what the correlators of a symbol hear."""
            apart = tone + error - self._tones
            turn = np.exp(1j * np.pi * (apart * (begin + end) + 2 * tone * part))
            return (end - begin) * np.sinc(apart * (end - begin)) * turn

        return inside(first, 0, 1 - part) + inside(second, 1 - part, 1)
