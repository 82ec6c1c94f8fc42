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
from voicelink.blocks.modem.matched import MatchedFilter
from voicelink.blocks.modem.mode import MODEM_RATE, Layout
from voicelink.blocks.modem.search import Candidate

_SHAPES = 4  # Legendre polynomials that the gain is made of
_LEAST_NOISE = 1e-4  # of the power: 40 dB
_GROWTH = 1.5  # the part of the burst that the frequency is taken from grows by so much at a time
_REACH = 0.7  # turns over that part by which it may be corrected
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
        evidence: log likelihood ratio of the data to noise alone.
        agreement: log likelihood ratio of the known symbols to any others in their place.
        balance: how far the data symbols are from summing up to nothing, 0 to 1.
    """

    position: float
    frequency: float
    llrs: np.ndarray
    gain: np.ndarray
    noise: float
    evidence: float
    agreement: float
    balance: float

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

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._filter = MatchedFilter(layout)
        # The preamble after the burst, of the next one or of the over's end, is known as well.
        self._known = np.concatenate((layout.known, layout.known[: layout.preamble]))
        self._data = layout.data_at
        self._certain = np.flatnonzero(self._known)
        self._at = np.arange(len(self._known)) * layout.samples_per_symbol
        self._time = self._at / MODEM_RATE
        margin = int(np.ceil(2 * layout.samples_per_symbol))
        self.before = self._filter.reach + margin
        self.after = int(np.ceil(self._at[-1])) + self._filter.reach + margin
        self._size = 1 << int(np.ceil(np.log2(2 * len(self._known))))
        self._hertz = layout.symbol_rate / self._size
        t = np.linspace(-1, 1, len(self._known))
        shapes = np.polynomial.legendre.legvander(t, _SHAPES - 1).T
        # Orthonormal on these places, so that a projection is the least-squares fit.
        self._shapes = np.linalg.qr(shapes.T)[0].T * np.sqrt(len(self._known))

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
            Each at its two best frequencies.
        """
        if not candidates:
            return []
        known = self._layout.known[self._layout.known_at]
        position = np.array([c.position for c in candidates])
        frequency = np.array([[c.frequency] for c in candidates])
        places = position[:, None] - start + self._at[self._layout.known_at]
        z = self._filter.symbols(signal, places, frequency)
        spectra = np.zeros((len(z), self._size), complex)
        spectra[:, self._layout.known_at] = z * known.conj()
        power = np.abs(np.fft.fft(spectra, axis=1)) ** 2
        offset = np.fft.fftfreq(self._size, 1 / self._layout.symbol_rate)
        power[:, np.abs(offset) > hertz] = 0
        total = len(known) * np.sum(np.abs(z) ** 2, axis=1) + 1e-30
        width = self._layout.symbol_rate / self._layout.preamble / 4
        result = []
        for row, candidate in enumerate(candidates):
            for _ in range(2):
                best = int(power[row].argmax())
                result.append(
                    Candidate(
                        candidate.position,
                        candidate.frequency + float(offset[best]),
                        float(power[row, best] / total[row]),
                    )
                )
                power[row, np.abs(offset - offset[best]) < width] = 0
        return sorted(result, key=lambda c: -c.score)

    def fit(self, signal: np.ndarray, start: int, candidate: Candidate) -> Fit:
        """The burst at a candidate's place, as `closer` gives it."""
        places = candidate.position - start + self._at
        z = self._filter.symbols(signal, places, candidate.frequency)
        turn, gain, noise = self._acquire(z)
        frequency = candidate.frequency + turn
        z = z * np.exp(-2j * np.pi * turn * self._time)
        gain, noise, symbols = self._settle(z, np.full(len(z), gain), noise, 2)
        late = self._lateness(signal, places, frequency, gain, symbols)
        if abs(late) > 0.01 * self._layout.samples_per_symbol:
            places = places + late
            z = self._filter.symbols(signal, places, frequency)
            # The oscillator that is taken out starts at the stream, the one before at the burst.
            z = z * np.exp(2j * np.pi * turn * places[0] / MODEM_RATE)
        gain, noise, symbols = self._settle(z, gain, noise, _SHAPES)
        llrs = self._llrs(z, gain, noise)
        data = symbols[self._data]
        return Fit(
            position=candidate.position + late,
            frequency=frequency,
            llrs=llrs[: self._layout.bits],
            gain=gain,
            noise=noise,
            evidence=self._evidence(z, gain, noise, llrs),
            agreement=self._agreement(z, gain, noise),
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
        curve = left - 2 * middle + right
        if curve >= 0:
            return 0.0
        return float(np.clip(quarter / 2 * (left - right) / curve, -2 * quarter, 2 * quarter))

    def _acquire(self, z: np.ndarray) -> tuple[float, complex, float]:
        """Frequency in Hz, gain and noise, from the preamble on over ever more of the burst.

        The preamble alone tells the frequency to a few Hz, which over the whole burst is more than
        a turn; but well enough for the symbols next to it to be read, with which it is better.
        """
        known = self._known
        reach = self._layout.preamble
        product = z[:reach] * known[:reach].conj()
        power = np.abs(z) ** 2
        gain = complex(product.mean())
        frequency = 0.0
        while True:
            noise = float(power[:reach].mean()) - abs(gain) ** 2
            noise = max(noise, _LEAST_NOISE * float(power[:reach].mean()) + 1e-30)
            if reach == len(z):
                return frequency, gain, noise
            reach = min(int(_GROWTH * reach), len(z))
            turned = z[:reach] * np.exp(-2j * np.pi * frequency * self._time[:reach])
            symbols = self._symbols(turned, np.full(reach, gain), noise)
            product = z[:reach] * symbols.conj()
            frequency = self._turn(product, frequency)
            turned = product * np.exp(-2j * np.pi * frequency * self._time[:reach])
            gain = complex(turned.mean())

    def _settle(self, z, gain, noise, shapes: int):
        """Gain (n,), noise and mean symbols (n,) by some rounds of expectation and maximisation."""
        power = float(np.mean(np.abs(z) ** 2)) + 1e-30
        chosen = self._shapes[:shapes]
        for _ in range(_ROUNDS):
            symbols = self._symbols(z, gain, noise)
            product = z * symbols.conj()
            gain = (chosen @ product / len(z)) @ chosen
            left = power + float(np.mean(np.abs(gain) ** 2 - 2 * (gain.conj() * product).real))
            noise = max(left, _LEAST_NOISE * power)
        return gain, noise, symbols

    def _symbols(self, z, gain, noise) -> np.ndarray:
        """The mean of each symbol of the burst's first ``len(z)``; the known ones are certain."""
        data = self._data[: np.searchsorted(self._data, len(z))]
        symbols = self._known[: len(z)].copy()
        llrs = self._data_llrs(z[data], gain[data], noise)
        symbols[data] = expected_symbols(llrs, self._layout.mode.bits_per_symbol)
        return symbols

    def _data_llrs(self, z, gain, noise) -> np.ndarray:
        strength = np.abs(gain) ** 2
        symbols = z * gain.conj() / np.maximum(strength, 1e-30)
        return to_llrs(symbols, strength / noise, self._layout.mode.bits_per_symbol)

    def _llrs(self, z, gain, noise) -> np.ndarray:
        return self._data_llrs(z[self._data], gain[self._data], noise)

    def _turn(self, product: np.ndarray, near: float) -> float:
        """Hz by which the products of signal and symbols turn, near ``near`` by a turn or so over
        all of them."""
        power = np.abs(np.fft.fft(product, self._size)) ** 2
        middle = round(near / self._hertz)
        reach = int(_REACH * self._size / len(product))
        bins = middle + np.arange(-reach, reach + 1)
        values = power[bins % self._size]
        best = int(values.argmax())
        if not 0 < best < len(values) - 1:
            return float(bins[best]) * self._hertz
        left, top, right = values[best - 1 : best + 2]
        curve = left - 2 * top + right
        return float(bins[best] + (0.5 * (left - right) / curve if curve < 0 else 0)) * self._hertz

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

    def _agreement(self, z, gain, noise) -> float:
        known = self._certain
        symbols = z[known] * gain[known].conj() * self._known[known].conj()
        # Both points of a known symbol lie on a line, so it is one bit in either constellation.
        llrs = 4 * symbols.real / noise
        return float(np.sum(np.log(2) - np.logaddexp(0, -llrs)))
