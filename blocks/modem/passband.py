"""Between complex baseband and what a sound card carries."""

from __future__ import annotations

import numpy as np

from voicelink.blocks.modem.mode import MODEM_RATE
from voicelink.blocks.modem.samples import cleaned
from voicelink.models.errors import require

CENTRE = 1500.0
"""Hz: the middle of what an SSB transceiver passes."""

_TAPS = 129


def to_passband(samples: np.ndarray, start: int = 0, centre: float = CENTRE) -> np.ndarray:
    """Complex baseband as a real signal around ``centre``.

    Args:
        samples: complex (n,) at 8000 samples/s.
        start: how many came before in this stream, for the carrier's phase to go on.
        centre: Hz, 500 to 3500.

    Returns:
        float32 (n,): sqrt(2) Re(s exp(j w t)), of the same power.
    """
    require("centre", centre, 500, 3500)
    phase = (start + np.arange(len(samples))) * (centre / MODEM_RATE) % 1.0
    return (np.sqrt(2) * (samples * np.exp(2j * np.pi * phase)).real).astype(np.float32)


class Downconverter:
    """A real signal around ``centre`` to complex baseband: mixed down, and its mirror filtered out.

    At 1500 Hz a signal 2.4 kHz wide and 200 Hz off passes, further up or down a narrower one.

    Attributes:
        delay: samples by which the output is late.
    """

    delay = _TAPS // 2

    def __init__(self, centre: float = CENTRE) -> None:
        self._centre = float(require("centre", centre, 500, 3500))
        at = np.arange(_TAPS) - self.delay
        # Passes up to the centre frequency, at which the mirror of 0 Hz would begin.
        edge = 2 * min(self._centre, MODEM_RATE / 2 - self._centre) / MODEM_RATE
        taps = edge * np.sinc(edge * at) * np.blackman(_TAPS)
        self._taps = taps / taps.sum()
        self.reset()

    def reset(self) -> None:
        """Begin another stream."""
        self._held = np.zeros(_TAPS - 1, complex)
        self._start = 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take in samples, in any portions.

        Args:
            samples: real (n,) at 8000 samples/s. What `cleaned` does not take counts as 0.

        Returns:
            complex64 (n,), `delay` samples late.

        Raises:
            ParameterError: another shape, or no real numbers.
        """
        samples = cleaned(samples, "buif").real.astype(np.float64)
        phase = (self._start + np.arange(len(samples))) * (self._centre / MODEM_RATE) % 1.0
        self._start += len(samples)
        mixed = np.sqrt(2) * samples * np.exp(-2j * np.pi * phase)
        data = np.concatenate((self._held, mixed))
        self._held = data[len(data) - _TAPS + 1 :]
        if not len(samples):
            return np.zeros(0, np.complex64)
        return np.convolve(data, self._taps, "valid").astype(np.complex64)
