"""What is left of errors in frequency and clock when the receiver has corrected what it can."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.link_sim.channels.parameters import choice, number
from voicelink.link_sim.channels.radio import RadioEffect, Signal
from voicelink.models.sizes import SUPERFRAME_SECONDS

_KNOWN = {"start": 0.0, "middle": SUPERFRAME_SECONDS / 2}


def _since(signal: Signal, known_at: str) -> np.ndarray:
    """Seconds of each row since the moment when the receiver was right."""
    return signal.seconds - _KNOWN[known_at]


@dataclass(kw_only=True, eq=False)
class FrequencyOffset(RadioEffect):
    """The signal's frequency is wrong by so much, and the receiver tracks nothing in a packet.

    The receiver knows the phase at the middle of each packet (or at its start, as from a sync word
    alone); a time t from there the signal has turned by ``phi = 2 pi hz t``. Coherent BPSK then
    errs with probability ``Q(sqrt(2 Es/N0) cos phi)``, QPSK with the mean of
    ``Q(sqrt(2 Eb/N0) (cos phi +- sin phi))``; LLRs are made as if phi were 0. FSK, received without
    phase, only leaks into other tones: the correlator for the tone d away from the one that was
    sent gives ``sinc(d + hz T)`` times the amplitude, T a symbol.

    Source: Proakis & Salehi, Digital Communications, 5th ed., sections 4.5 and 5.2.
    """

    name = "frequency-offset"
    help = "what frequency error the receiver leaves; before awgn"

    hz: float = number("the error", low=-1000, high=1000, unit="Hz")
    known_at: str = choice("where in a packet its phase is known", tuple(_KNOWN), default="middle")

    def _effect(self, time):
        return self._shift

    def _shift(self, signal: Signal) -> None:
        signal.offset_hz += self.hz
        signal.turn(2 * np.pi * self.hz * _since(signal, self.known_at))


@dataclass(kw_only=True, eq=False)
class ClockOffset(RadioEffect):
    """The receiver's clock is slow by so many ppm, and it tracks nothing in a packet.

    The receiver samples at the right moment in the middle of each packet (or at its start); a time
    t from there it is ``ppm t / 1e6`` too late. On one carrier neighbours then reach into a
    symbol: BPSK and QPSK have raised-cosine pulses of roll-off 0.35, FSK rectangular ones. With
    many carriers the guard interval takes it up, and the carrier at frequency f turns by
    ``2 pi f`` times the delay.

    Source: Proakis & Salehi, Digital Communications, 5th ed., sections 5.3 and 9.2.
    """

    name = "clock-offset"
    help = "what error of the symbol clock the receiver leaves; before awgn"

    ppm: float = number("the error", low=-1000, high=1000, unit="ppm")
    known_at: str = choice("where in a packet the timing is right", tuple(_KNOWN), default="middle")

    def _effect(self, time):
        return self._drift

    def _drift(self, signal: Signal) -> None:
        signal.delay(1e-6 * self.ppm * _since(signal, self.known_at))
