"""BPSK and QPSK: bits to symbols of magnitude 1, and back to LLRs."""

from __future__ import annotations

import numpy as np

_HALF = np.sqrt(0.5)


def to_symbols(bits: np.ndarray, bits_per_symbol: int) -> np.ndarray:
    """Bits of 0 and 1 (n,) -> complex128 symbols (n / bits_per_symbol,).

    BPSK: 0 is +1, 1 is -1. QPSK: the first bit of two in the real part, the second in the
    imaginary part, 0 as +sqrt(1/2), 1 as -sqrt(1/2).
    """
    levels = 1.0 - 2.0 * np.asarray(bits, np.float64)
    if bits_per_symbol == 1:
        return levels.astype(complex)
    return (levels[0::2] + 1j * levels[1::2]) * _HALF


def to_llrs(symbols: np.ndarray, precision: np.ndarray, bits_per_symbol: int) -> np.ndarray:
    """LLRs log(P(0) / P(1)) of the bits of symbols in circular white noise.

    Args:
        symbols: complex (n,), scaled so that the points have magnitude 1.
        precision: 1 / E|noise|^2 of each, a number or (n,).
        bits_per_symbol: 1 or 2.

    Returns:
        float64 (bits_per_symbol * n,).
    """
    if bits_per_symbol == 1:
        return 4 * precision * symbols.real
    parts = np.stack((symbols.real, symbols.imag), axis=-1)
    return (4 * _HALF * np.reshape(precision * np.ones(len(symbols)), (-1, 1)) * parts).reshape(-1)


def expected_symbols(llrs: np.ndarray, bits_per_symbol: int) -> np.ndarray:
    """The mean of each symbol, complex128, under the LLRs (n,) of its bits."""
    means = np.tanh(np.asarray(llrs, np.float64) / 2)
    if bits_per_symbol == 1:
        return means.astype(complex)
    return (means[0::2] + 1j * means[1::2]) * _HALF


def information(llrs: np.ndarray) -> float:
    """Bits of information in each bit's LLR, on average: 1 less the entropy that is left."""
    size = np.abs(np.asarray(llrs, np.float64))
    wrong = 1 / (1 + np.exp(np.minimum(size, 700)))
    entropy = np.log1p(np.exp(-size)) + wrong * size
    return float(1 - entropy.mean() / np.log(2))
