"""How long packets were held up, and how many waited."""

from __future__ import annotations

from typing import Any

import numpy as np

from voicelink.link_sim.report.style import INK, plain
from voicelink.models.errors import FormatError

KINDS = {
    "latency_ms": ("delay by the channel, ms", "packets"),
    "queue": ("packets waiting", "times"),
}
"""Histograms that a sweep keeps, with the names of their axes."""


def together(found: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray] | None:
    """Histograms of several runs as one: (edges (n + 1,), counts (n,)), None where there are none.

    Where the runs have other edges, those that reach furthest are kept, and the others' counts go
    to the classes that hold their middles.

    Raises:
        FormatError: one has no edges and counts that go together.
    """
    histograms = [_arrays(histogram) for histogram in found]
    if not histograms:
        return None
    edges = max((edges for edges, _ in histograms), key=lambda edges: edges[-1])
    total = np.zeros(len(edges) - 1)
    for these, counts in histograms:
        middles = (these[1:] + these[:-1]) / 2
        places = np.searchsorted(edges, middles, "right") - 1
        np.add.at(total, np.clip(places, 0, len(total) - 1), counts)
    return edges, total


def _arrays(histogram: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        edges = np.asarray(histogram["edges"], float)
        counts = np.asarray(histogram["counts"], float)
        good = edges.ndim == counts.ndim == 1 and len(edges) == len(counts) + 1 > 1
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise FormatError("a histogram must have counts, and one edge more")
    return edges, counts


def constant(kind: str, histogram: tuple[np.ndarray, np.ndarray]) -> str:
    """In words what is always the same, within 1 ms; "" for what is not."""
    edges, counts = histogram
    used = np.flatnonzero(counts)
    if not len(used) or edges[used[-1] + 1] - edges[used[0]] > 1:
        return ""
    middle = (edges[used[0]] + edges[used[-1] + 1]) / 2
    if kind == "queue":
        return f"always {middle:.0f} packets waiting" if round(middle) else "no packet ever waits"
    return f"every packet is held up for {middle:.0f} ms"


def draw_histogram(axis, kind: str, histogram: tuple[np.ndarray, np.ndarray], colour: str) -> None:
    """Draw one into matplotlib's axes."""
    edges, counts = histogram
    axis.bar(
        edges[:-1], counts, np.diff(edges), align="edge", color=colour, alpha=0.85, linewidth=0
    )
    across, up = KINDS[kind]
    axis.set_xlabel(across, color=INK)
    if kind == "queue":
        axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_ylabel(up, color=INK)
    plain(axis, "y")
