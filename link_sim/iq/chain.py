"""Effects one after another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from voicelink.link_sim.channels.seeds import seed_sequence
from voicelink.link_sim.iq.effect import RATE, Effect
from voicelink.models.errors import ParameterError, require


class IqChain:
    """A radio path for complex samples: effects in a row, each with random numbers of its own.

    Args:
        effects: `Effect` objects, each in one place only; none leaves the signal as it is.
        seed: a whole number of at least 0, or a `numpy.random.SeedSequence`.
        rate: samples per second.

    Attributes:
        effects: as given.

    Raises:
        ParameterError: an effect stands there twice, or a number is out of range.

    >>> from voicelink.link_sim.iq.clipping import Clipping
    >>> IqChain([Clipping(level_db=0)]).process(np.array([2, 0.5j], np.complex64))
    array([1.+0.j , 0.+0.5j], dtype=complex64)
    """

    def __init__(
        self,
        effects: Iterable[Effect] = (),
        seed: int | np.random.SeedSequence = 0,
        rate: float = RATE,
    ) -> None:
        self.effects = tuple(effects)
        if len({id(effect) for effect in self.effects}) < len(self.effects):
            raise ParameterError("the same effect object is in the chain twice")
        require("rate", rate, 1)
        for effect in self.effects:
            effect.rate = rate
        self.reset(seed)

    def __str__(self) -> str:
        return ", ".join(map(str, self.effects)) or "no impairment"

    def reset(self, seed: int | np.random.SeedSequence = 0) -> None:
        """Back to the beginning; the same seed gives the same run again."""
        seeds = seed_sequence(seed).spawn(len(self.effects))
        for effect, child in zip(self.effects, seeds, strict=True):
            effect.reset(child)

    def arrives_at(self, sample: float) -> float:
        """Where in what comes out that sample of what goes in is found."""
        for effect in self.effects:
            sample = sample * effect.ratio + effect.delay
        return sample

    def process(self, samples: np.ndarray) -> np.ndarray:
        """The signal at the end of the path.

        Args:
            samples: complex (n,), any n.

        Returns:
            complex64 (m,), m = n but for a `Clock` that is wrong.
        """
        out = np.asarray(samples, np.complex64)
        for effect in self.effects:
            out = effect.process(out)
        return out
