"""Where bursts may begin: the preamble against the signal, over time and frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.modem.curves import vertex
from voicelink.blocks.modem.mode import MODEM_RATE, Layout
from voicelink.blocks.modem.pulse import root_raised_cosine

HOP = 1280
"""Samples whose starts are searched at a time."""

CANDIDATES = 24
"""So many places are looked at more closely in each. Noise alone stands out of the 40000 that a
block has, all frequencies counted, as far as a preamble does at -1 dB Es/N0 in a few of them."""

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
        step: Hz from one frequency to the next.
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
        self.step = 2 * _LOSS * layout.symbol_rate / layout.preamble
        steps = int(np.ceil(frequency_range / self.step))
        self.frequencies = np.arange(-steps, steps + 1) * self.step
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
            signal: complex (before + HOP - 1 + after + 1,).
            first: sample of the stream at which the first start lies.
            allowed: bool (HOP,), which starts count.

        Returns:
            At most `CANDIDATES`, the best first.
        """
        spectrum = np.fft.fft(signal, self._size)
        filtered = np.fft.ifft(np.where(self._band, spectrum, 0))
        energy = np.cumsum(np.concatenate(([0.0], np.abs(filtered) ** 2)))
        starts = np.arange(HOP)
        energy = energy[starts + self._length] - energy[starts]
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
        taken = np.zeros(len(score), bool)
        for start in order:
            if score[start] <= 0 or len(result) == CANDIDATES:
                break
            if taken[start]:
                continue
            reach = int(self._apart)
            taken[max(start - reach, 0) : start + reach + 1] = True
            row = power[best[start]]
            inside = 0 < start < len(row) - 1
            position = first + start + (vertex(*row[start - 1 : start + 2]) if inside else 0)
            result.append(
                Candidate(position, float(self.frequencies[best[start]]), float(score[start]))
            )
        return result
