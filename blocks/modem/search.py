"""Where bursts may begin: the preamble against the signal, over time and frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.modem.mode import MODEM_RATE, Layout
from voicelink.blocks.modem.pulse import root_raised_cosine

HOP = 1280
"""Samples whose starts are searched at a time."""

CANDIDATES = 24
"""So many places are looked at more closely in each. At -1 dB Es/N0 the preamble alone stands out
of 20000 places among the first 24 in 999 of 1000 bursts."""

_PULSE = 4  # symbols of the pulse that the template has on either side
_LOSS = 0.16  # the frequency grid: half a step turns the preamble by so many turns
_APART = 1.0  # symbols by which two candidates differ at least


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a burst may begin.

    Attributes:
        position: sample of its first symbol, a fraction allowed.
        frequency: Hz, to within a step of the grid.
        score: squared correlation coefficient, 0 to 1.
    """

    position: float
    frequency: float
    score: float


class Search:
    """Correlates blocks of signal with the preamble at all frequencies of a range.

    Args:
        layout: of the bursts.
        frequency_range: Hz, to either side.

    Attributes:
        before: samples that a block must have before its first start.
        after: and behind its last.
    """

    def __init__(self, layout: Layout, frequency_range: float) -> None:
        sps = layout.samples_per_symbol
        self.before = int(np.ceil(_PULSE * sps))
        length = (layout.preamble - 1) * sps
        self.after = int(np.ceil(length)) + self.before
        self._apart = _APART * sps
        at = np.arange(self.before + self.after + 1) - self.before
        pulses = root_raised_cosine(
            at / sps - np.arange(layout.preamble)[:, None], layout.mode.rolloff
        )
        template = layout.known[: layout.preamble] @ pulses
        step = 2 * _LOSS * layout.symbol_rate / layout.preamble
        steps = int(np.ceil(frequency_range / step))
        self.frequencies = np.arange(-steps, steps + 1) * step
        turn = np.exp(2j * np.pi * self.frequencies[:, None] * at / MODEM_RATE)
        self._size = 1 << int(np.ceil(np.log2(HOP + len(at) - 1)))
        self._templates = np.fft.fft(template * turn, self._size, axis=1).conj()
        self._energy = float(np.sum(np.abs(template) ** 2))
        self._length = len(at)
        # Power is measured in the band of the signal: noise outside is none of its.
        frequency = np.abs(np.fft.fftfreq(self._size, 1 / MODEM_RATE))
        self._band = frequency <= layout.bandwidth / 2 + frequency_range

    def candidates(self, signal: np.ndarray, first: int, allowed: np.ndarray) -> list[Candidate]:
        """The best places of one block.

        Args:
            signal: complex (before + HOP - 1 + after + 1,), or less at a stream's end.
            first: sample of the stream at which the first start lies.
            allowed: bool (HOP,), which starts count.

        Returns:
            At most `CANDIDATES`, the best first.
        """
        spectrum = np.fft.fft(signal, self._size)
        filtered = np.fft.ifft(np.where(self._band, spectrum, 0))
        energy = np.cumsum(np.concatenate(([0.0], np.abs(filtered) ** 2)))
        starts = np.arange(HOP)
        energy = energy[np.minimum(starts + self._length, self._size)] - energy[starts]
        # Where next to nothing lies before an over, what does must not look like a lot.
        energy = np.maximum(energy, 1e-3 * energy.max() + 1e-30)
        found = np.fft.ifft(spectrum * self._templates, axis=1)[:, :HOP]
        power = found.real**2 + found.imag**2
        best = power.argmax(axis=0)
        score = power[best, starts] / (self._energy * energy)
        score = np.where(allowed, score, 0)
        return self._peaks(score, best, power, first)

    def _peaks(self, score, best, power, first: int) -> list[Candidate]:
        result: list[Candidate] = []
        order = np.argsort(-score)[: 12 * CANDIDATES]
        taken = np.zeros(len(score) + 2, bool)
        for start in order:
            if score[start] <= 0 or len(result) == CANDIDATES:
                break
            if taken[start]:
                continue
            reach = int(self._apart)
            taken[max(start - reach, 0) : start + reach + 1] = True
            row = power[best[start]]
            position = first + start + _vertex(row, start)
            result.append(
                Candidate(position, float(self.frequencies[best[start]]), float(score[start]))
            )
        return result


def _vertex(values: np.ndarray, at: int) -> float:
    """Where the parabola through three values has its top, from the middle one, -1/2 to 1/2."""
    if not 0 < at < len(values) - 1:
        return 0.0
    left, middle, right = values[at - 1 : at + 2]
    curve = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / curve, -0.5, 0.5)) if curve < 0 else 0.0
