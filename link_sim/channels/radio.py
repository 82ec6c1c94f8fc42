"""A packet on the air, and the channels that act on it before it meets the noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels.channel import Channel
from voicelink.models.sizes import SUPERFRAME_SECONDS

ROWS = 16
"""Times at which each carrier of a multicarrier waveform sends a symbol, in a packet: 20 ms."""

SPACING_HZ = 62.5
"""Between two carriers: a symbol lasts 16 ms, after a guard interval."""

GUARD_MS = 4.0
"""The guard interval; echoes that are later than this would reach into the next symbol."""

STEADY_HZ = 5.0
"""Standard deviation of a Doppler spectrum up to which a gain hardly changes in 16 ms.

Of a carrier's power at most ``(2 pi 5 Hz 0.016 s)^2 / 12``, 2 %, leaks into the others (Y. Li,
L. J. Cimini, Bounds on the interchannel interference of OFDM in time-varying impairments, IEEE
Trans. Commun. 49(3), 2001)."""


class Signal:
    """The symbols of one packet, on a grid of times and carriers, and what the path does to them.

    A packet takes the 0.32 s of its superframe. On one carrier its symbols are spread evenly over
    them, and the grid has one column and a row for each symbol. On many it has `ROWS` rows of 20 ms
    and as many carriers, `SPACING_HZ` apart, as are needed; the last rows may be short of symbols.
    Arrays below have the shape (rows, columns), or 1 in place of either.

    Args:
        symbols: how many, at least 1.
        multicarrier: whether they go on many carriers.

    Attributes:
        symbols: as given.
        rows, columns: size of the grid.
        row_seconds: from one row to the next.
        gain: complex; what the path multiplies each symbol with. The receiver knows it.
        phase: rad; the turn of each symbol that the receiver does not know.
        offset_hz: by how much the signal's frequency is wrong, which the receiver does not know.
        late: s; by how much too late the receiver samples each row, without knowing it.
        impulses: see `add_impulses`.
    """

    def __init__(self, symbols: int, multicarrier: bool) -> None:
        self.symbols = symbols
        self.columns = math.ceil(symbols / ROWS) if multicarrier else 1
        self.rows = math.ceil(symbols / self.columns)
        self.row_seconds = SUPERFRAME_SECONDS / (ROWS if multicarrier else symbols)
        self.gain: np.ndarray | None = None
        self.phase: np.ndarray | None = None
        self.offset_hz = 0.0
        self.late: np.ndarray | None = None
        self.impulses: list[tuple[float, float, np.ndarray]] = []

    @cached_property
    def seconds(self) -> np.ndarray:
        """(rows, 1), the middle of each row since the start of the packet."""
        return (np.arange(self.rows)[:, None] + 0.5) * self.row_seconds

    @cached_property
    def frequencies(self) -> np.ndarray:
        """(1, columns), Hz of each carrier, around 0."""
        return (np.arange(self.columns)[None, :] - (self.columns - 1) / 2) * SPACING_HZ

    def fade(self, gain: np.ndarray) -> None:
        """One more gain, known to the receiver."""
        self.gain = gain if self.gain is None else self.gain * gain

    def turn(self, phase: np.ndarray) -> None:
        """One more phase in rad, unknown to the receiver."""
        self.phase = phase if self.phase is None else self.phase + phase

    def delay(self, late: np.ndarray) -> None:
        """One more timing error in s, unknown to the receiver."""
        self.late = late if self.late is None else self.late + late

    def add_impulses(self, probability: float, ratio: float, counts: np.ndarray) -> None:
        """Impulses among the samples of each row.

        Args:
            probability: that one of its samples is hit; a row has as many samples as carriers.
            ratio: power of an impulse over that of the background noise.
            counts: (rows, 1) how many were hit.
        """
        self.impulses.append((probability, ratio, counts))

    def each(self, values: np.ndarray) -> np.ndarray:
        """An array of the grid as one of the symbols, (symbols,)."""
        return np.broadcast_to(values, (self.rows, self.columns)).reshape(-1)[: self.symbols]


@dataclass(frozen=True, slots=True)
class OnAir(Packet):
    """A packet on its way over a radio path to the demodulator, which is in `Awgn`.

    Attributes:
        effects: what has happened to its signal: called in this order with its `Signal`.
    """

    effects: tuple[Callable[[Signal], None], ...] = ()


class RadioEffect(Channel):
    """A channel that acts on a radio signal: an `Awgn` that follows works it out.

    The bits of a packet stay as they are; what happens to their symbols is noted on the packet.
    A subclass overrides `_effect`.
    """

    @property
    def echoes_ms(self) -> float:
        """How late the last echo comes; more than 0 needs the multicarrier waveform."""
        return 0.0

    @property
    def doppler_deviation_hz(self) -> float:
        """Standard deviation of its Doppler spectrum; many carriers bear `STEADY_HZ` at most."""
        return 0.0

    def _carry(self, time: float, packet: Packet) -> list[tuple[float, Packet]]:
        before = packet.effects if isinstance(packet, OnAir) else ()
        effects = (*before, self._effect(time))
        return [(time, OnAir(packet.data, packet.number, packet.metadata, effects))]

    def _effect(self, time: float) -> Callable[[Signal], Any]:
        """What a packet that starts at ``time`` meets."""
        raise NotImplementedError
