"""Bits, levels and latents of the payload: the one place that knows how they map.

A latent has four levels, 0..3, at the values -1, -1/3, 1/3, 1, and travels as two bits in natural
binary, the high one first. Natural binary, not Gray: with the value of a level being linear in its
bits, a wrong bit moves the latent by exactly two levels or one (Gray: three or one), which has the
least squared error of all two-bit labellings of a uniform quantiser (McLaughlin, Neuhoff & Ashley,
IEEE Trans. Inf. Theory 41(2), 1995), and the expectation under independent bit probabilities is
the same linear form in the probabilities.
"""

from __future__ import annotations

_UNIFORM_VARIANCE = 5 / 9


def moments(p_high, p_low):
    """Mean and reliability of latents whose bits are 1 with the given probabilities.

    Works on numpy arrays and torch tensors of any shape. With ``v = (4 b1 + 2 b0 - 3) / 3`` for
    independent bits, ``E v = (4 p1 + 2 p0 - 3) / 3`` and
    ``Var v = (16 p1 (1 - p1) + 4 p0 (1 - p0)) / 9``.

    Returns:
        (mean, reliability): the mean within +-1, and ``1 - Var v / (5/9)`` within 0..1: 1 where
        both bits are known, 0 where nothing is.
    """
    mean = (4 * p_high + 2 * p_low - 3) / 3
    variance = (16 * p_high * (1 - p_high) + 4 * p_low * (1 - p_low)) / 9
    return mean, 1 - variance / _UNIFORM_VARIANCE
