"""What comes out of a radio or a sound card, made fit to be worked with."""

from __future__ import annotations

import numpy as np

from voicelink.models.errors import ParameterError

LARGEST = 1e6
"""Samples from this size on count as 0: nothing that a receiver gives out as numbers around 1."""


def cleaned(samples: np.ndarray, kinds: str = "buifc") -> np.ndarray:
    """Samples as complex64 (n,); NaN, infinities and what is not below `LARGEST` are 0.

    Args:
        samples: (n,), numbers.
        kinds: numpy's letters of the kinds of numbers that are allowed.

    Raises:
        ParameterError: another shape or no such numbers.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind not in kinds:
        wanted = "numbers" if "c" in kinds else "real numbers"
        raise ParameterError(
            f"samples must be {wanted} of shape (n,), not {samples.dtype} of shape {samples.shape}"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        samples = samples.astype(np.complex64)
    # Comparisons with NaN are false.
    good = (np.abs(samples.real) < LARGEST) & (np.abs(samples.imag) < LARGEST)
    return np.where(good, samples, np.complex64(0))
