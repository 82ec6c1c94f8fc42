"""What all impairments of a radio signal have in common."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from voicelink.link_sim.channels.parameters import Configured
from voicelink.link_sim.channels.seeds import seed_sequence

RATE = 8000
"""Samples per second, unless a chain has another."""


class Effect(Configured):
    """One impairment of a signal: complex samples in, complex samples out, in pieces of any size.

    A subclass is a dataclass, with its parameters as fields, that has a ``name`` (as in YAML), a
    line of ``help``, and overrides `_apply` and, where it has state, `_start`. Levels are relative
    to a signal of mean power 1. However a signal is cut into pieces, the same comes out of it, but
    for the rounding of sums.
    """

    help: ClassVar[str]

    delay: ClassVar[int] = 0
    """Samples by which the signal comes out later, beside what the effect is for."""

    ratio: float = 1.0
    """Samples that come out for each that goes in."""

    rate: float = RATE
    """Samples per second; `IqChain` sets it."""

    def reset(self, seed: int | np.random.SeedSequence) -> None:
        """Back to the beginning; the same seed gives the same run again."""
        self._random = np.random.default_rng(seed_sequence(seed))
        self._at = 0
        self._start()

    def process(self, samples: np.ndarray) -> np.ndarray:
        """The signal as it goes on, complex64: as many samples as came, unless the clock is wrong.

        Args:
            samples: complex64 (n,), any n; not changed.
        """
        out = self._apply(samples)
        self._at += len(samples)
        return out.astype(np.complex64, copy=False)

    def _start(self) -> None:
        """Set the state, with the seed's generator in ``self._random``."""

    def _apply(self, samples: np.ndarray) -> np.ndarray:
        """As `process`; ``self._at`` samples came before."""
        raise NotImplementedError

    def _times(self, count: int) -> np.ndarray:
        """Seconds since the start of the next samples, float64 (count,)."""
        return (self._at + np.arange(count)) / self.rate
