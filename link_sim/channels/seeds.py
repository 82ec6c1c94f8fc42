"""Where the random numbers of channels come from."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from voicelink.models.errors import ParameterError


def seed_sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    """A fresh sequence of seeds; `ParameterError` if ``seed`` is no whole number of at least 0."""
    if isinstance(seed, np.random.SeedSequence):
        # A copy, because a sequence counts its children: spawning again would give others.
        return np.random.SeedSequence(
            seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size
        )
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise ParameterError(f"seed must be a whole number of at least 0, not {seed!r}")
    return np.random.SeedSequence(int(seed))
