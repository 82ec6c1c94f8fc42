"""Packets to complex baseband."""

from __future__ import annotations

import numpy as np

from voicelink.blocks.modem.constellation import to_symbols
from voicelink.blocks.modem.mode import BURST_SAMPLES, Layout, Mode, mode
from voicelink.blocks.modem.pulse import root_raised_cosine
from voicelink.blocks.packet import Packet
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import PAYLOAD_BITS

_PULSE = 10
"""The pulse is cut so many symbols from its middle, to either side: 43 dB of it are left out."""


class Modulator:
    """Makes one burst of 320 ms of each packet; bursts follow each other without gaps.

    Args:
        mode: a mode's name.
        spread: packets that each frame is spread over, 1, 2, 4, 8 or 16.
        payload_bits: of the model's payloads, as its `Card` says.

    Attributes:
        mode: the `Mode`.
        layout: the burst's `Layout`.
        delay: samples from the first one of a burst's output to the middle of its first symbol.

    Raises:
        ParameterError: no such mode or payload, or ``spread`` is another number.

    >>> from voicelink.blocks.link import LinkEncoder
    >>> signal = Modulator("bpsk").modulate(LinkEncoder("half").encode(bytes(32)))
    >>> signal.dtype, signal.shape
    (dtype('complex64'), (2560,))
    """

    def __init__(
        self, mode: str | Mode = "bpsk", spread: int = 1, payload_bits: int = PAYLOAD_BITS
    ) -> None:
        self.mode = _mode(mode)
        self.layout = self.mode.layout(spread, payload_bits)
        self.delay = int(np.ceil(_PULSE * self.layout.samples_per_symbol))
        self._pulses = _Pulses(self.layout, self.delay)
        self.reset()

    def reset(self) -> None:
        """Begin another over; what has not been sent of the last is forgotten."""
        self._tail = np.zeros(2 * self.delay, complex)

    def modulate(self, packet: Packet) -> np.ndarray:
        """The signal of one packet, and of the end of the pulses before it.

        Args:
            packet: hard, of the mode's profile, or spread, as the modulator was made for.

        Returns:
            complex64 (2560,), of mean power 1 in the middle of an over.

        Raises:
            ParameterError: the packet is soft, or has another length.
        """
        if packet.soft or packet.bits != self.layout.bits:
            kind = "soft" if packet.soft else "hard"
            raise ParameterError(
                f"packet must be hard and have the {self.layout.bits} bits that the mode "
                f"{self.mode.name} carries, not {kind} with {packet.bits}"
            )
        bits = np.unpackbits(packet.data)
        symbols = self.layout.known.copy()
        symbols[self.layout.data_at] = to_symbols(bits, self.mode.bits_per_symbol)
        return self._send(symbols, BURST_SAMPLES)

    def finish(self) -> np.ndarray:
        """The end of an over: the preamble once more, and the tail of the last pulse.

        Returns:
            complex64 (n,), the same n each time. The modulator is ready for another over.
        """
        layout = self.layout
        last = int(np.ceil((layout.preamble - 1) * layout.samples_per_symbol))
        signal = self._send(layout.known[: layout.preamble], last + 2 * self.delay + 1)
        self.reset()
        return signal

    def _send(self, symbols: np.ndarray, samples: int) -> np.ndarray:
        signal = np.zeros(max(samples, BURST_SAMPLES) + 2 * self.delay + 1, complex)
        signal[: len(self._tail)] = self._tail
        self._pulses.add(symbols, signal)
        self._tail = signal[samples : samples + 2 * self.delay]
        return signal[:samples].astype(np.complex64)


class _Pulses:
    """The pulses of a burst's symbols, sampled where each begins."""

    def __init__(self, layout: Layout, delay: int) -> None:
        at = np.arange(layout.symbols) * layout.samples_per_symbol
        self._first = np.floor(at).astype(int)
        grid = np.arange(2 * delay + 1) - delay + self._first[:, None] - at[:, None]
        grid = grid / layout.samples_per_symbol
        pulses = root_raised_cosine(grid, layout.mode.rolloff)
        # Energy: samples_per_symbol for each symbol, which is power 1.
        self._pulses = np.where(np.abs(grid) <= _PULSE, pulses, 0)

    def add(self, symbols: np.ndarray, signal: np.ndarray) -> None:
        first = self._first[: len(symbols)]
        # A symbol takes more than one sample, so no index comes twice in a step.
        for step in range(self._pulses.shape[1]):
            signal[first + step] += symbols * self._pulses[: len(symbols), step]


# The class's argument `mode` hides the function of that name.
_mode = mode
