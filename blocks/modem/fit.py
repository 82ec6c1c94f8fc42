"""One burst, estimated: frequency, timing, gain over time, noise, and the LLRs that follow.

Expectation and maximisation over known symbols and data together: with the mean of each data
symbol under its present LLRs in place of the symbol, gain and frequency are the least-squares
ones, the noise is what is left, and LLRs follow anew (as in snr.py, for a complex gain that
turns and fades). The evidence is the logarithm of the likelihood ratio of this model to
white noise of the same power: log p(z | burst) - log p(z | noise).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelink.blocks.modem.constellation import expected_symbols, to_llrs
from voicelink.blocks.modem.curves import legendre, vertex
from voicelink.blocks.modem.echoes import SHAPES
from voicelink.blocks.modem.matched import MatchedFilter
from voicelink.blocks.modem.mode import MODEM_RATE, Layout
from voicelink.blocks.modem.search import Candidate

LEAST_NOISE = 1e-4
"""Of the power: nothing is taken to be clearer than 40 dB."""

DOUBT = 12.0
"""Hz by which the known symbols alone may be wrong."""

_LOWER = 0.4  # peaks of their spectrum are looked at that have so much of the highest one's power
_UNLIKELY = 8.0  # likelihood, before timing is right, below which nothing more is tried
_DATA = 6.0  # evidence that noise in the place of data does not reach
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """What is known of a burst.

    Attributes:
        position: sample of the stream at which its first symbol lies.
        frequency: Hz.
        llrs: float64 (bits,), log(P(0) / P(1)).
        gain: complex128 (symbols,), at each symbol.
        noise: N0, in the units of ``abs(gain) ** 2``.
        power: of signal and noise together.
        evidence: log likelihood ratio of the data to noise alone.
        agreement: log likelihood ratio of the known symbols to any others in their place.
        ends: the lesser part of it, of the preamble or of the known symbols after it.
        data: whether there are data: behind the preamble that ends an over there are none.
        balance: how far the data symbols are from summing up to nothing, 0 to 1.
    """

    position: float
    frequency: float
    llrs: np.ndarray
    gain: np.ndarray
    noise: float
    power: float
    evidence: float = 0.0
    agreement: float = 0.0
    ends: float = 0.0
    data: bool = True
    balance: float = 0.0

    @property
    def esn0(self) -> float:
        """Es/N0, not in dB."""
        return float(np.mean(np.abs(self.gain) ** 2)) / self.noise


class Fitter:
    """Fits bursts of one layout.

    Attributes:
        before: samples needed before a burst's position.
        after: and from it on.
    """

    def __init__(self, layout: Layout, matched: MatchedFilter) -> None:
        self._layout, self._filter = layout, matched
        self._known = layout.known_around
        self._data = layout.data_at
        self._certain = np.flatnonzero(self._known)
        self._at = np.arange(len(self._known)) * layout.samples_per_symbol
        self._time = self._at / MODEM_RATE
        margin = int(np.ceil(2 * layout.samples_per_symbol))
        self.before = self._filter.reach + margin
        self.after = int(np.ceil(self._at[-1])) + self._filter.reach + margin
        self._size = 1 << int(np.ceil(np.log2(4 * len(self._known))))
        self._hertz = layout.symbol_rate / self._size
        self._offsets = np.fft.fftfreq(self._size, 1 / layout.symbol_rate)
        self._shapes = legendre(SHAPES, len(self._known))

    def closer(
        self, signal: np.ndarray, start: int, candidates: list[Candidate], hertz: float
    ) -> list[Candidate]:
        """Candidates with all known symbols put together, the best first.

        Args:
            signal: complex (n,), the stream from sample ``start`` on.
            start: as said.
            candidates: to be looked at.
            hertz: how far their frequencies may be off.

        Returns:
            Each at its best frequency.
        """
        if not candidates:
            return []
        known = self._known[self._certain]
        position = np.array([c.position for c in candidates])
        frequency = np.array([[c.frequency] for c in candidates])
        places = position[:, None] - start + self._at[self._certain]
        z = self._filter.symbols(signal, places, frequency)
        power = self._spectrum(z * known.conj(), self._certain)
        offset = self._offsets
        power[:, np.abs(offset) > hertz] = 0
        total = len(known) * np.sum(np.abs(z) ** 2, axis=1) + 1e-30
        best = power.argmax(axis=1)
        scores = power[np.arange(len(best)), best] / total
        result = [
            Candidate(c.position, c.frequency + float(offset[at]), float(score))
            for c, at, score in zip(candidates, best, scores, strict=True)
        ]
        return sorted(result, key=lambda c: -c.score)

    def significance(self, candidate: Candidate) -> float:
        """Minus the log of the probability that noise at one place has a score as high."""
        return -(len(self._certain) - 1) * float(np.log1p(-min(candidate.score, 1 - 1e-12)))

    def fit(
        self, signal: np.ndarray, start: int, candidate: Candidate, doubt: float = DOUBT
    ) -> Fit | None:
        """The burst at a candidate's place, as `closer` gives it; None where none is likely.

        Its frequency may be off by ``doubt`` in Hz.
        """
        places = candidate.position - start + self._at
        z = self._filter.symbols(signal, places, candidate.frequency)
        likelihood, turn, gain, noise = self._acquire(z, doubt)
        if likelihood < _UNLIKELY:
            return None
        frequency = candidate.frequency + turn
        z = z * np.exp(-2j * np.pi * turn * self._time)
        gain, noise, symbols = self._settle(z, gain, noise, 2)
        late = self._lateness(signal, places, frequency, gain, symbols)
        if abs(late) > 0.01 * self._layout.samples_per_symbol:
            places = places + late
            z = self._filter.symbols(signal, places, frequency)
            # The oscillator that is taken out starts at the stream, the one before at the burst.
            z = z * np.exp(2j * np.pi * turn * places[0] / MODEM_RATE)
        gain, noise, symbols = self._settle(z, gain, noise, SHAPES)
        llrs = self._llrs(z, gain, noise)
        data = symbols[self._data]
        agreement = self._agreement(z, gain, noise)
        evidence = self._evidence(z, gain, noise, llrs)
        return Fit(
            position=candidate.position + late,
            frequency=frequency,
            llrs=llrs[: self._layout.bits],
            gain=gain,
            noise=noise,
            power=float(np.mean(np.abs(z) ** 2)),
            evidence=evidence,
            agreement=float(agreement.sum()),
            ends=float(agreement.min()),
            data=evidence >= _DATA or self._powerful(z),
            balance=float(abs(data.sum())) / (float(np.abs(data).sum()) + 1e-30),
        )

    def _lateness(self, signal, places, frequency, gain, symbols) -> float:
        """Samples by which the burst comes after ``places``, from three values around them."""
        quarter = self._layout.samples_per_symbol / 4
        expected = (gain * symbols).conj()
        around = [
            self._filter.symbols(signal, places + d, frequency) * expected
            for d in (-quarter, 0, quarter)
        ]
        # All three in the phase of the middle one: the gain may stand for another oscillator.
        turn = np.exp(-1j * np.angle(around[1].sum()))
        left, middle, right = (float((values * turn).sum().real) for values in around)
        return quarter * vertex(left, middle, right)

    def _acquire(self, z: np.ndarray, doubt: float) -> tuple[float, float, np.ndarray, float]:
        """Likelihood, frequency in Hz by which ``z`` is still off, gain and noise.

        The known symbols alone leave a choice, as they stand at both ends of the burst: a turn more
        or less between them hardly makes a difference. The data decide.
        """
        known = self._known[self._certain].conj() * z[self._certain]
        power = self._spectrum(known, self._certain)
        peaks = (power > np.roll(power, 1)) & (power >= np.roll(power, -1))
        peaks[0] = True
        near = np.abs(self._offsets) <= doubt
        peaks &= near & (power > _LOWER * power[near].max())
        best = None
        for turn in self._offsets[peaks]:
            turned = z * np.exp(-2j * np.pi * turn * self._time)
            gain = np.mean(turned[self._certain] * self._known[self._certain].conj())
            gain = np.full(len(z), gain)
            left = turned[self._certain] - gain[0] * self._known[self._certain]
            noise = float(np.mean(np.abs(left) ** 2)) + 1e-30
            gain, noise, symbols = self._settle(turned, gain, noise, 1, rounds=2)
            likelihood = self._evidence(turned, gain, noise, self._llrs(turned, gain, noise))
            likelihood += self._agreement(turned, gain, noise).sum()
            if best is None or likelihood > best[0]:
                best = likelihood, float(turn), turned * symbols.conj(), gain, noise
        if best is None:
            return _UNLIKELY - 1, 0.0, np.zeros(len(z)), 1.0
        likelihood, turn, product, gain, noise = best
        return likelihood, turn + self._vertex(product), gain, noise

    def _settle(self, z, gain, noise, shapes: int, rounds: int = _ROUNDS):
        """Gain (n,), noise and mean symbols (n,) by some rounds of expectation and maximisation."""
        power = float(np.mean(np.abs(z) ** 2)) + 1e-30
        chosen = self._shapes[:shapes]
        for _ in range(rounds):
            symbols = self._symbols(z, gain, noise)
            product = z * symbols.conj()
            gain = (chosen @ product / len(z)) @ chosen
            left = power + float(np.mean(np.abs(gain) ** 2 - 2 * (gain.conj() * product).real))
            noise = max(left, LEAST_NOISE * power)
        return gain, noise, symbols

    def _symbols(self, z, gain, noise) -> np.ndarray:
        """The mean of each symbol; the known ones are certain."""
        symbols = self._known.copy()
        llrs = self._llrs(z, gain, noise)
        symbols[self._data] = expected_symbols(llrs, self._layout.mode.bits_per_symbol)
        return symbols

    def _llrs(self, z, gain, noise) -> np.ndarray:
        z, gain = z[self._data], gain[self._data]
        strength = np.abs(gain) ** 2
        symbols = z * gain.conj() / np.maximum(strength, 1e-30)
        return to_llrs(symbols, strength / noise, self._layout.mode.bits_per_symbol)

    def _spectrum(self, values: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Power over frequency (..., size) of values (..., k) at the symbols ``at``."""
        spread = np.zeros((*values.shape[:-1], self._size), complex)
        spread[..., at] = values
        spread = np.fft.fft(spread, axis=-1)
        return spread.real**2 + spread.imag**2

    def _vertex(self, product: np.ndarray) -> float:
        """Hz, within a turn or so over the burst, by which products of signal and symbols turn."""
        power = self._spectrum(product, np.arange(len(product)))
        bins = np.arange(-4, 5)
        values = power[bins]
        best = int(values.argmax())
        if not 0 < best < len(values) - 1:
            return float(bins[best]) * self._hertz
        return float(bins[best] + vertex(*values[best - 1 : best + 2])) * self._hertz

    def _evidence(self, z, gain, noise, llrs) -> float:
        """Log likelihood ratio of the data: known symbols have done their part in the search, and
        the preamble that ends an over has no data."""
        z, gain = z[self._data], gain[self._data]
        n, power = len(z), float(np.mean(np.abs(z) ** 2)) + 1e-30
        half = np.abs(llrs) / 2
        # log cosh without overflow
        data = float(np.sum(half + np.log1p(np.exp(-2 * half)) - np.log(2)))
        residual = (n * power + float(np.sum(np.abs(gain) ** 2))) / noise
        return n * np.log(power / noise) + n - residual + data

    def _agreement(self, z, gain, noise) -> np.ndarray:
        """Of the first preamble, and of the known symbols after it."""
        known = self._certain
        symbols = z[known] * gain[known].conj() * self._known[known].conj()
        # Both points of a known symbol lie on a line, so it is one bit in either constellation.
        ratio = np.log(2) - np.logaddexp(0, -4 * symbols.real / noise)
        first = self._layout.preamble
        return np.array([ratio[:first].sum(), ratio[first:].sum()])

    def _powerful(self, z) -> bool:
        """Whether the data's power is nearer to that of the preamble than to the noise in it."""
        first = slice(self._layout.preamble)
        gain = np.mean(z[first] * self._known[first].conj())
        noise = float(np.mean(np.abs(z[first] - gain * self._known[first]) ** 2)) + 1e-30
        signal = abs(gain) ** 2 + 1e-30
        # Between the two: where white noise of either power is equally likely.
        between = signal / np.log1p(signal / noise)
        return float(np.mean(np.abs(z[self._data]) ** 2)) > between
