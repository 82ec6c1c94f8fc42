"""Between a device's samples per second and the modem's 8000, in two steps either way.

One filter runs at the device's rate and has an integer factor; the other at some 40 to 80 kHz, with
any ratio. That one passes 3 kHz to either side and stops at 5 kHz, so that nothing that is stronger
than a neighbour can fold back onto the channel.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from voicelink.blocks.modem import MODEM_RATE
from voicelink.models.errors import require

EDGE = 4000.0
"""Hz from the channel's middle to the middle of the filter's slope."""

_WIDTH = 2000.0
_SLOWEST = 40e3
_FINEST = 4000  # denominators: the ratio is then exact to a millionth
_ATTENUATION = 80.0  # dB


class Steps:
    """The two steps for a device.

    Args:
        rate: its samples per second, at least 8000.
        offset: Hz at which the channel lies in its signal.

    Attributes:
        factor: of the step at the device's rate.
        ratio: 8000 over the samples per second between the steps.

    Raises:
        ParameterError: the channel is not within the device's band.
    """

    def __init__(self, rate: float, offset: float = 0.0) -> None:
        room = max(0.0, rate / 2 - EDGE)
        require(f"offset at {rate:g} samples/s", offset, -room, room)
        self._rate = rate
        most = max(1, int(rate // _SLOWEST))
        # Of the factors that will do, the one whose ratio is the simplest.
        self.factor = min(
            range(most, (most + 1) // 2 - 1, -1) if most > 1 else [1],
            key=lambda factor: _ratio(rate / factor).numerator,
        )
        self.ratio = _ratio(rate / self.factor)

    def device_taps(self, gain: float) -> list[float]:
        """Of the filter at the device's rate."""
        if self.factor == 1:
            return [gain]
        between = self._rate / self.factor
        return _low_pass(gain, self._rate, between / 2, between - 2 * EDGE)

    def down(self) -> Any:
        """The block of the other step for a receiver."""
        return self._between(self.ratio)

    def up(self) -> Any:
        """The block of the other step for a transmitter."""
        return self._between(1 / self.ratio)

    def _between(self, ratio: Fraction) -> Any:
        from gnuradio import filter

        # At the least common multiple of the two rates.
        rate = MODEM_RATE * self.ratio.denominator
        taps = _low_pass(ratio.numerator, rate, EDGE, _WIDTH)
        if ratio.numerator == 1:
            return filter.fir_filter_ccf(ratio.denominator, taps)
        if ratio.denominator == 1:
            return filter.interp_fir_filter_ccf(ratio.numerator, taps)
        # GNU Radio 3.10.5's rational resampler now and then counts an input sample that is not
        # there yet, by its outermost taps: here these are 0.
        taps = [0.0] * 2 * ratio.numerator + taps
        return filter.rational_resampler_ccf(ratio.numerator, ratio.denominator, taps, 0.0)


def _ratio(between: float) -> Fraction:
    return Fraction(MODEM_RATE / between).limit_denominator(_FINEST)


def _low_pass(gain: float, rate: float, cutoff: float, width: float) -> list[float]:
    """By the Kaiser window (Oppenheim & Schafer, Discrete-Time Signal Processing, section 7.5)."""
    taps = math.ceil((_ATTENUATION - 7.95) * rate / (14.36 * width)) | 1  # an odd number
    at = np.arange(taps) - taps // 2
    shape = np.sinc(2 * cutoff / rate * at) * np.kaiser(taps, 0.1102 * (_ATTENUATION - 8.7))
    return (gain * shape / shape.sum()).tolist()
