"""The matched filter, evaluated where symbols are and nowhere else."""

from __future__ import annotations

import numpy as np

from voicelink.blocks.modem.mode import MODEM_RATE, Layout
from voicelink.blocks.modem.pulse import root_raised_cosine

_PULSE = 8
"""The receiver's pulse is cut so many symbols from its middle: beyond lies 39 dB less energy."""

_PHASES = 64


class MatchedFilter:
    """Root-raised-cosine filter at any moments of a stream, a frequency offset taken out.

    Attributes:
        reach: samples needed on either side of a symbol.
    """

    def __init__(self, layout: Layout) -> None:
        sps = layout.samples_per_symbol
        self.reach = int(np.ceil(_PULSE * sps)) + 1
        self._at = np.arange(-self.reach, self.reach + 1)
        steps = np.arange(-(self.reach + 1) * _PHASES, (self.reach + 1) * _PHASES + 1)
        self._table = root_raised_cosine(steps / (_PHASES * sps), layout.mode.rolloff) / sps
        self._table = self._table.astype(np.float32)

    def symbols(self, signal: np.ndarray, positions: np.ndarray, frequency) -> np.ndarray:
        """The filter's output at ``positions``.

        Args:
            signal: complex (n,), of which all within `reach` of the positions is used.
            positions: (..., k) in samples of ``signal``, fractions allowed.
            frequency: Hz, a number or of shape (..., 1), to be taken out; the phase is that of
                an oscillator that starts at sample 0.

        Returns:
            complex128 (..., k): amplitude times symbol, and noise of variance N0.
        """
        whole = np.floor(positions).astype(np.int64)
        phase = np.round((positions - whole) * _PHASES).astype(np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(signal, len(self._at))
        windows = windows[whole - self.reach]
        # The pulse at sample n - position, from the table's middle.
        middle = (self.reach + 1) * _PHASES
        pulses = self._table[middle + self._at * _PHASES - phase[..., None]]
        turn = np.exp(-2j * np.pi / MODEM_RATE * np.multiply.outer(frequency, self._at))
        turn = turn.astype(np.complex64)
        if np.ndim(frequency):
            mixed = np.einsum("...kn,...kn,...n->...k", windows, pulses, turn[..., 0, :])
        else:
            mixed = np.einsum("...kn,...kn->...k", windows * turn, pulses)
        return mixed * np.exp(-2j * np.pi / MODEM_RATE * np.asarray(frequency) * whole)
