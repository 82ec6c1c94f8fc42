"""A burst that came by several paths: channel, symbols and code estimated in turns."""

from __future__ import annotations

import numpy as np

from voicelink.blocks.link import LinkDecoder
from voicelink.blocks.modem.constellation import expected_symbols, information, to_llrs
from voicelink.blocks.modem.curves import overlap
from voicelink.blocks.modem.echoes import SHAPES, Echoes
from voicelink.blocks.modem.equaliser import equalise
from voicelink.blocks.modem.fit import LEAST_NOISE, Fit
from voicelink.blocks.modem.matched import MatchedFilter
from voicelink.blocks.modem.mode import Layout
from voicelink.blocks.modem.pulse import raised_cosine
from voicelink.blocks.modem.search import Candidate

HOPELESS = 0.95
"""Of the code's rate: with less information in each bit no decoder gets anywhere."""

_BLIND = 3  # rounds in which LLRs of the channel alone stand for the data
_DECODED = 3  # and in which the code's do
# Bits of information in each bit: several paths must bring so much more than one does, or so much
# altogether that the code has a reason to fail which lies in the paths.
_GAIN, _ENOUGH = 0.06, 0.65
_PLENTY = 0.85  # bits of information with which a part of a spread frame is good enough
_REACH = 8  # symbols beyond a path by which its pulse is felt


class Turbo:
    """Fits bursts of one layout to a channel of several paths.

    Args:
        layout: the burst's.
        matched: its matched filter.
        link: decodes the frame, where a packet is one.

    Attributes:
        before, after: samples needed before a burst's position, and from it on.
    """

    def __init__(self, layout: Layout, matched: MatchedFilter, link: LinkDecoder | None) -> None:
        self._layout, self._filter, self._link = layout, matched, link
        self._known = layout.known_around
        self._data = layout.data_at
        n = len(self._known)
        self._echoes = Echoes(layout, n)
        delays = self._echoes.delays
        sps = layout.samples_per_symbol
        # The filter is read every half symbol; (L, n) of these are symbol k at delay l.
        steps = np.arange(2 * n - 1 + len(delays) - 1)
        self._places = (delays[0] + steps / 2) * sps
        self._index = 2 * np.arange(n) + np.arange(len(delays))[:, None]
        self.before = int(np.ceil(-self._places[0])) + self._filter.reach + 1
        self.after = int(np.ceil(self._places[-1])) + self._filter.reach + 1
        lags = np.arange(-_REACH - int(delays[-1]), _REACH + int(delays[-1]) + 1)
        self._lags = lags
        self._response = raised_cosine(lags - delays[:, None], layout.mode.rolloff)

    def fit(
        self, signal: np.ndarray, start: int, place: Candidate, flat: Fit | None
    ) -> tuple[Fit, bool] | None:
        """The burst with all its paths.

        Args:
            signal: complex (n,), the stream from sample ``start`` on.
            start: as said.
            place: where it begins, by whichever path, and its frequency to a Hz or so.
            flat: what one path gives, where it does.

        Returns:
            The fit, and whether the frame's CRC is right; None where one path is as good.
        """
        layout = self._layout
        bits = layout.mode.bits_per_symbol
        places = place.position - start + self._places
        z = self._filter.symbols(signal, places, place.frequency)[self._index]
        power = float(np.mean(np.abs(z[len(z) // 2]) ** 2)) + 1e-30
        known = np.abs(self._known)
        symbols, doubt = self._known.copy(), np.zeros(len(known))
        means, variances = self._known.copy(), 1 - known
        noise, learned, right = power / 2, None, False
        alone = information(flat.llrs) if flat else 0.0
        if self._link is None and alone > _PLENTY:
            return None
        for turn in range(_BLIND + (_DECODED if self._link else 0)):
            shapes = 2 if turn == 0 else SHAPES
            gains, learned = self._echoes.estimate(z, symbols, doubt, noise, shapes, learned)
            noise = self._left(z, gains, symbols, doubt if turn else 1 - known, turn == 0)
            heard, spread = equalise(
                z,
                gains,
                self._echoes.delays,
                layout.mode.rolloff,
                noise,
                means,
                variances,
                bits == 1,
            )
            # A real symbol's error has one part and not two.
            precision = 1 / spread[self._data] / (2 if bits == 1 else 1)
            llrs = to_llrs(heard[self._data], precision, bits)
            symbols, doubt = self._soft(llrs)
            known_bits = information(llrs)
            if turn == 1 and known_bits < min(alone + _GAIN, _ENOUGH):
                return None
            if turn < _BLIND - 1 or self._link is None:
                continue
            if known_bits < HOPELESS * self._link.profile.rate:
                break
            right, posterior = self._link.reread(llrs[: layout.bits])
            if right:
                break
            symbols, doubt = self._soft(posterior)
            means, variances = self._soft(posterior - llrs[: layout.bits])
        strength = np.sum(np.abs(gains) ** 2, axis=0)
        paths = np.sum(np.abs(gains) ** 2, axis=1)
        middle = float(paths @ self._echoes.delays) / (float(paths.sum()) + 1e-30)
        fit = Fit(
            position=place.position + middle * layout.samples_per_symbol,
            frequency=place.frequency + self._turn(gains),
            llrs=llrs[: layout.bits],
            gain=np.sqrt(strength),
            noise=noise,
            power=power,
        )
        return fit, right

    def _turn(self, gains: np.ndarray) -> float:
        """Hz by which the paths' gains turn, the strongest counting most."""
        step = len(self._data) // 8
        product = np.sum(gains[:, step:] * gains[:, :-step].conj())
        return float(np.angle(product)) / (2 * np.pi * step) * self._layout.symbol_rate

    def _soft(self, llrs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances of all symbols, given the LLRs of the packet's bits."""
        symbols = self._known.copy()
        data = expected_symbols(llrs, self._layout.mode.bits_per_symbol)
        symbols[self._data] = data
        return symbols, np.maximum(1 - np.abs(symbols) ** 2, 0)

    def _left(self, z, gains, symbols, doubt, blind: bool) -> float:
        """The noise that is left at delay 0 when all paths are taken off: from all symbols, their
        means and variances being ``symbols`` and ``doubt``, or, blind, from the known ones."""
        n = len(symbols)
        expected, mixed = np.zeros(n, complex), np.zeros(n)
        for lag, pulse in zip(self._lags, self._response.T, strict=True):
            # Of symbol k at place k + lag.
            path = pulse @ gains
            first, second = overlap(lag, n)
            expected[second] += (path * symbols)[first]
            mixed[second] += (np.abs(path) ** 2 * doubt)[first]
        left = np.abs(z[len(z) // 2] - expected) ** 2
        # Soft means leave on average so much of a symbol; of data about which nothing is known, and
        # of which nothing was taken off, all is still there, and no noise.
        left = (left - mixed)[np.abs(self._known) > 0] if blind else left + mixed
        power = float(np.mean(np.abs(z[len(z) // 2]) ** 2)) + 1e-30
        return max(float(left.mean()), LEAST_NOISE * power)
