"""Flat fading: the whole band rises and falls together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from voicelink.link_sim.channels import scatter
from voicelink.link_sim.channels.parameters import choice, number
from voicelink.link_sim.channels.radio import RadioEffect, Signal
from voicelink.link_sim.channels.scatter import Scatter

FASTEST_HZ = 500.0
"""The highest Doppler shift: beyond it a gain would change much during a symbol."""

_SPECTRA: dict[str, tuple[Callable, float]] = {
    "jakes": (scatter.jakes, math.sqrt(0.5)),
    "gaussian": (scatter.gaussian, 0.5),
}
"""How to draw the frequencies of a Doppler spectrum, and its standard deviation at 1 Hz."""


class Fading(RadioEffect):
    """A gain that changes with time, of mean power 1, which the receiver knows.

    It is taken to be constant during one symbol.
    """

    def _start(self) -> None:
        self._power = self._packets = 0
        self._begin()

    def _effect(self, time: float) -> Callable[[Signal], Any]:
        return partial(self._fade, time)

    def _fade(self, time: float, signal: Signal) -> None:
        gain = self._gain(time, signal)
        signal.fade(gain)
        self._packets += 1
        self._power += float(np.mean(gain.real**2 + gain.imag**2))

    def _begin(self) -> None:
        """Draw the processes, with the seed's generator in ``self._random``."""
        raise NotImplementedError

    def _gain(self, time: float, signal: Signal) -> np.ndarray:
        """Complex gain on the signal's grid, of a packet that starts at ``time``."""
        raise NotImplementedError

    def _figures(self) -> dict[str, Any]:
        """``gain_db``: mean power of the gains that packets met."""
        return {"gain_db": 10 * math.log10(self._power / self._packets)} if self._packets else {}


class Scattered(Fading):
    """Scattered waves, and perhaps a steady one beside them.

    A subclass has the Doppler shift ``doppler_hz``, and may have a K and a spectrum.
    """

    doppler_hz: float
    k_db = None
    spectrum = "jakes"

    @property
    def doppler_deviation_hz(self) -> float:
        return _SPECTRA[self.spectrum][1] * self.doppler_hz / math.sqrt(1 + self._k)

    @property
    def _k(self) -> float:
        return 0.0 if self.k_db is None else 10 ** (self.k_db / 10)

    def _begin(self):
        draw, _ = _SPECTRA[self.spectrum]
        self._waves = Scatter(self._random, draw(self._random, self.doppler_hz))
        turn = np.exp(2j * np.pi * self._random.random())
        self._steady = math.sqrt(self._k / (self._k + 1)) * turn
        self._scattered = math.sqrt(1 / (self._k + 1))

    def _gain(self, time, signal):
        waves = self._waves.at(time + signal.row_seconds / 2, signal.row_seconds, signal.rows)
        return (self._steady + self._scattered * waves)[:, None]


@dataclass(kw_only=True, eq=False)
class Rayleigh(Scattered):
    """Flat Rayleigh fading: many waves, none of which stands out.

    The power ``|g|^2`` is exponentially distributed with mean 1: below x for the share
    ``1 - exp(-x)`` of the time. The level ``|g| = r`` is crossed upwards, in a second,
    ``2 sqrt(pi) s r exp(-r^2)`` times, with s the standard deviation of the spectrum:
    ``f_D / sqrt(2)`` for ``jakes``, half the spread for ``gaussian``; fades below it last
    ``(exp(r^2) - 1) / (2 sqrt(pi) s r)`` on average. Uncoded BPSK errs with the probability
    ``(1 - sqrt(c / (1 + c))) / 2`` where c is the mean Es/N0.

    Source: Proakis & Salehi, Digital Communications, 5th ed., sections 13.1 and 13.3; S. O. Rice,
    Bell Syst. Tech. J. 27, 1948 (level crossings).
    """

    name = "rayleigh"
    help = "flat fading without a line of sight; before awgn"

    doppler_hz: float = number(
        "highest Doppler shift; with gaussian, twice the spectrum's deviation",
        low=0, high=FASTEST_HZ, unit="Hz",
    )  # fmt: skip
    spectrum: str = choice("shape of the Doppler spectrum", tuple(_SPECTRA), default="jakes")


@dataclass(kw_only=True, eq=False)
class Rician(Scattered):
    """Flat Rician fading: a steady wave, and scattered ones around it.

    K is the power of the steady wave over that of the scattered ones, together 1. The steady one
    has no Doppler shift, as a receiver that follows the carrier takes it away. The mean of
    ``|g|^4`` is ``1 + (2 K + 1) / (K + 1)^2``; the level r is crossed
    ``2 sqrt(pi (K + 1)) s r exp(-K - (K + 1) r^2) I0(2 r sqrt(K (K + 1)))`` times a second, s as
    in `Rayleigh`.

    Source: S. O. Rice, Bell Syst. Tech. J. 27, 1948; G. L. Stueber, Principles of Mobile
    Communication, section 2.1.
    """

    name = "rician"
    help = "flat fading with a line of sight; before awgn"

    k_db: float = number("steady power over scattered power", low=-20, high=40, unit="dB")
    doppler_hz: float = number(
        "highest Doppler shift; with gaussian, twice the spectrum's deviation",
        low=0, high=FASTEST_HZ, unit="Hz",
    )  # fmt: skip
    spectrum: str = choice("shape of the Doppler spectrum", tuple(_SPECTRA), default="jakes")
