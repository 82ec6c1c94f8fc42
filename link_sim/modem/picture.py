"""Pictures of what was measured over the air: frame errors, and what is left of the speech."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from voicelink.link_sim.fer import wilson
from voicelink.link_sim.modem.curve import Point, bound, ebn0_over_snr
from voicelink.link_sim.modem.peer import PeerPoint
from voicelink.link_sim.modem.speech import Heard, System
from voicelink.link_sim.picture import check_picture_name
from voicelink.link_sim.report.interval import Estimate, mean_of
from voicelink.link_sim.report.style import COLOURS, INK, QUIET, plain
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.files import writing
from voicelink.models.sizes import PAYLOAD_BITS, SUPERFRAME_SECONDS

PATHS = {
    "awgn": "White noise",
    "watterson-good": "Ionosphere, quiet: 0.5 ms, 0.1 Hz",
    "watterson-moderate": "Ionosphere, moderate: 1 ms, 0.5 Hz",
    "watterson-poor": "Ionosphere, disturbed: 2 ms, 1 Hz",
}

_PEERS = {"700D": ("#8a8f96", "D"), "700E": ("#b9996b", "v")}
_MARKERS = "os^Dvp"
_LEAST = 2e-3


def draw_curves(points: Sequence[Point | PeerPoint], path: str | Path) -> None:
    """Write a PNG, SVG or PDF of frame error rates: a panel for each path, a line for each mode."""
    names = list(dict.fromkeys(p.system for p in points))
    with _figure(path, [p.setting.path for p in points], 1) as (axes, places):
        for axis, place in zip(axes[0], places, strict=True):
            for name in names:
                here = [p for p in points if p.setting.path == place and p.system == name]
                known = {p.snr_db: Estimate(p.fer, p.low, p.high, p.frames) for p in here}
                _line(axis, known, name, names, True)
            here = [p for p in points if p.setting.path == place]
            _rates(axis, place, [p.snr_db for p in here], here[0].setting.payload_bits)


def draw_speech(
    results: Sequence[Heard],
    path: str | Path,
    measure: str = "estoi",
    payload_bits: int = PAYLOAD_BITS,
) -> None:
    """Write a PNG, SVG or PDF: frame errors above, a measure of the speech below, for each path.

    The bound, and Eb/N0, are those of payloads of so many bits.

    Intervals are Wilson's of the frames, as if they were independent, and Student's of the means
    of recordings and stretches of the path.
    """
    names = list(dict.fromkeys(h.system for h in results))
    with _figure(path, [h.path for h in results], 2) as (axes, places):
        for column, place in enumerate(places):
            for name in names:
                here = [h for h in results if h.path == place and h.system == name]
                _line(axes[0][column], _by_level(here, _failed), name, names, True)
                means = _by_level(here, lambda h: _mean(h, measure))
                _line(axes[1][column], means, name, names, False)
            levels = [h.snr_db for h in results if h.path == place]
            _rates(axes[0][column], place, levels, payload_bits)
            axes[0][column].set_xlabel("")
            axes[1][column].set_xlabel("SNR in 3 kHz, dB", color=INK)
        label = MEASURES[measure].label
        axes[1][0].set_ylabel(f"{label} of the speech", color=INK)
        if measure == "estoi":
            for axis in axes[1]:
                axis.set_ylim(-0.02, 1)


class _figure:
    """A figure of panels, one column for each path, which is written in the end."""

    def __init__(self, path: str | Path, places: Iterable[str], rows: int) -> None:
        check_picture_name(path)
        from matplotlib.figure import Figure

        self._path = path
        self._places = [p for p in PATHS if p in set(places)]
        size = (1.2 + 3.9 * len(self._places), 0.9 + 3.5 * rows)
        self._figure = Figure(figsize=size, dpi=110, layout="constrained")
        self._axes = self._figure.subplots(
            rows, len(self._places), squeeze=False, sharex="col", sharey="row"
        )

    def __enter__(self):
        for axis in self._axes.flat:
            plain(axis)
        for axis, place in zip(self._axes[0], self._places, strict=True):
            axis.set_title(PATHS[place], fontsize=10, color=INK, loc="left")
        return self._axes, self._places

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        handles: dict[str, object] = {}
        for axis in self._axes[0]:
            handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
        self._figure.legend(
            handles.values(), handles, loc="outside lower center", ncols=4, frameon=False
        )
        with writing(self._path) as part:
            self._figure.savefig(part)


def _line(axis, known: dict[float, Estimate], name: str, names: list[str], rate: bool) -> None:
    """A line with its intervals; a rate of which nothing was seen stands hollow at its most."""
    if not known:
        return
    ours = [each for each in names if each not in _PEERS]
    colour, marker = _PEERS.get(name) or (
        COLOURS[ours.index(name) % len(COLOURS)], _MARKERS[ours.index(name) % len(_MARKERS)]
    )  # fmt: skip
    levels = sorted(known)
    seen = [x for x in levels if known[x].value or not rate]
    look = {"color": colour, "markersize": 4.5, "marker": marker, "linewidth": 1.6}
    axis.errorbar(
        seen, [known[x].value for x in seen],
        yerr=[[known[x].value - known[x].low for x in seen],
              [known[x].high - known[x].value for x in seen]],
        label=System(name).label, elinewidth=0.9, capsize=2, **look,
    )  # fmt: skip
    none = [x for x in levels if x not in seen]
    look |= {"linestyle": "", "markerfacecolor": "none"}
    axis.plot(none, [known[x].high for x in none], **look)


def _rates(axis, place: str, levels: list[float], payload_bits: int) -> None:
    """The axes of frame error rates, and the bound on white noise."""
    over = ebn0_over_snr(payload_bits)
    axis.set_yscale("log")
    axis.set_ylim(_LEAST, 1.1)
    ticks = [0.01, 0.03, 0.1, 0.3, 1]
    axis.set_yticks(ticks, [f"{100 * t:g}" for t in ticks])
    axis.minorticks_off()
    if axis.get_subplotspec().is_first_col():
        axis.set_ylabel("frames lost or wrong, %", color=INK)
    axis.set_xlabel("SNR in 3 kHz, dB", color=INK)
    # The bound begins to fall at about 0 dB of Eb/N0.
    low, high = min(*levels, -round(over)), max(levels)
    places = [low + (high - low) * k / 200 for k in range(201)]
    rates = [(x, bound(x + over, payload_bits) if place == "awgn" else None) for x in places]
    rates = [(x, r) for x, r in rates if r is not None and r > _LEAST]
    if rates:
        axis.plot(
            [x for x, _ in rates], [r for _, r in rates],
            color=QUIET, linestyle=(0, (4, 2)), linewidth=1.2,
            label=f"bound, {payload_bits} bits in {2 * payload_bits}",
        )  # fmt: skip
    top = axis.secondary_xaxis("top", functions=(lambda s: s + over, lambda e: e - over))
    rate = payload_bits / SUPERFRAME_SECONDS
    top.set_xlabel(f"Eb/N0 at {rate:g} bit/s, dB", color=QUIET, fontsize=8)
    top.tick_params(colors=QUIET, length=3, labelsize=8)
    top.spines["top"].set_color(QUIET)


def _by_level(
    results: list[Heard], estimate: Callable[[list[Heard]], Estimate | None]
) -> dict[float, Estimate]:
    levels = sorted({h.snr_db for h in results})
    known = {x: estimate([h for h in results if h.snr_db == x]) for x in levels}
    return {x: value for x, value in known.items() if value is not None}


def _failed(results: list[Heard]) -> Estimate:
    errors, frames = (sum(getattr(h, name) for h in results) for name in ("errors", "frames"))
    return Estimate(errors / frames, *wilson(errors, frames), frames)


def _mean(results: list[Heard], measure: str) -> Estimate | None:
    values = [h.measures[measure] for h in results if not math.isnan(h.measures[measure])]
    return mean_of(values) if values else None
