"""Time in whole nanoseconds, where rounding must not decide what becomes of a packet."""

from __future__ import annotations

from fractions import Fraction

PER_SECOND = 10**9
"""Ticks in a second."""


def ticks(seconds: float) -> int:
    """The nearest whole number of nanoseconds, at any size exact."""
    return round(Fraction(seconds) * PER_SECOND)
