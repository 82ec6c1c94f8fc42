"""The order of a codebook's rows: rows that look alike get indexes of which few bits differ.

A wrong bit then fetches a row that is not far off, the more so the lower the bit, and the mean over
rows that a doubtful bit leaves open says something.
"""

from __future__ import annotations

import numpy as np


def labelled(table: np.ndarray) -> np.ndarray:
    """The rows (2^bits, values) in another order.

    Each bit, from the high one on, halves what the bits before it leave, along the direction in
    which that varies most; directions of neighbouring halves point the same way.
    """
    return table[_halved(table, np.arange(len(table)), None)]


def _halved(table: np.ndarray, rows: np.ndarray, along: np.ndarray | None) -> np.ndarray:
    if len(rows) == 1:
        return rows
    x = table[rows] - table[rows].mean(axis=0)
    _, _, axes = np.linalg.svd(x.astype(np.float64), full_matrices=False)
    axis = axes[0]
    # The sign of a direction is arbitrary: like the parent's, or by its largest value.
    side = axis @ along if along is not None else 0
    if side == 0:
        side = axis[np.argmax(np.abs(axis))]
    if side < 0:
        axis = -axis
    order = rows[np.argsort(x @ axis, kind="stable")]
    half = len(order) // 2
    return np.concatenate([_halved(table, order[:half], axis), _halved(table, order[half:], axis)])


def single_errors(table: np.ndarray) -> float:
    """Mean squared distance of rows whose indexes differ in one bit."""
    index = np.arange(len(table))
    bits = len(table).bit_length() - 1
    return float(
        np.mean([np.sum((table[index ^ (1 << b)] - table) ** 2, axis=1) for b in range(bits)])
    )
