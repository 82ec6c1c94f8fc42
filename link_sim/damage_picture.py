"""One picture of the damage curves: what is left of the speech, by how much the link is damaged."""

from __future__ import annotations

from pathlib import Path

from voicelink.link_sim.damage_results import Curve, Curves
from voicelink.link_sim.picture import check_picture_name
from voicelink.models.files import writing

_PANELS = {
    ("errors",): ("Bit errors, no error correction", "bits wrong, %"),
    ("loss", "bursts"): ("Lost superframes, 320 ms each", "frames lost, %"),
    ("half",): ("Noise, profile half", "Eb/N0 per payload bit, dB"),
    ("third",): ("Noise, profile third", "Eb/N0 per payload bit, dB"),
}

# From the palette of Okabe & Ito (2008), for readers who do not tell red from green.
_OURS = {
    "soft": ("#0072b2", "o"),
    "hard": ("#d55e00", "s"),
    "hard bits": ("#d55e00", "s"),
    "dropped": ("#009e73", "^"),
    "concealed": ("#0072b2", "o"),
}
_OTHERS = {"codec2-1300": ("#6b6b6b", "D"), "codec2-700C": ("#cc79a7", "v")}

_NOISY = {
    "dropped": "failed frames dropped",
    "hard bits": "their hard bits",
    "soft": "their posteriors",
}


def draw(curves: Curves, path: str | Path, measure: str, title: str) -> None:
    """Write a PNG, SVG or PDF: a panel for each kind of damage, a line for each receiver.

    Args:
        path: the name of the file; its ending chooses the format.
        measure: the name of the one that is drawn.
        title: a line above it all.

    Raises:
        ParameterError: matplotlib is not installed, or the file cannot be written.
    """
    check_picture_name(path)
    from matplotlib.figure import Figure

    kinds = {curve.kind for curve in curves.curves}
    panels = {k: texts for k, texts in _PANELS.items() if kinds & set(k)}
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.5 * columns, 4.1 * rows), layout="constrained")
    figure.suptitle(title, fontsize=12)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    label = next(m.label for m in curves.measures if m.name == measure)
    for axis, (shown, (name, unit)) in zip(axes, panels.items(), strict=False):
        drawn = [curve for curve in curves.curves if curve.kind in shown]
        for curve in drawn:
            _line(axis, curves, curve, measure)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(unit)
        axis.set_ylabel(label)
        axis.yaxis.set_tick_params(labelleft=True)
        axis.grid(color="#e0e0e0", linewidth=0.6)
        if shown[0] == "errors":
            axis.set_xscale("symlog", linthresh=0.1)
            ticks = (0, 0.1, 0.5, 1, 2, 5, 10)
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
        if shown[0] in ("half", "third"):
            # Its lines leave no room within.
            place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "frameon": False}
            axis.legend(fontsize=8, ncols=4, columnspacing=1, **place)
            _error_rate(axis, curves, drawn[0])
        else:
            axis.legend(fontsize=8, loc="best", framealpha=0.9)
    with writing(path) as part:
        figure.savefig(part, dpi=110)


def _line(axis, curves: Curves, curve: Curve, measure: str) -> None:
    levels = sorted(curves.levels(curve))
    means = [curves.mean(curve, level, measure) for level in levels]
    if curve.kind in ("loss", "bursts"):
        # What was really lost: it may be more or less than was meant.
        places = [100 * (curves.failed(curve, level) if level else 0) for level in levels]
    else:
        scale = 1 if curve.kind in ("half", "third") else 100
        places = [scale * level for level in levels]
    colour, marker = _OTHERS.get(curve.link) or _OURS[curve.receiver]
    axis.errorbar(
        places,
        [mean.value for mean in means],
        yerr=[mean.error for mean in means],
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.4,
        elinewidth=0.8,
        linestyle="--" if curve.kind == "bursts" else "-",
        label=_label(curve),
    )


def _label(curve: Curve) -> str:
    if curve.kind in ("half", "third"):
        return _NOISY[curve.receiver]
    if curve.kind == "errors":
        return f"{curve.link}, {curve.receiver} decisions"
    return f"{curve.link}, {'in bursts' if curve.kind == 'bursts' else 'singly'}"


def _error_rate(axis, curves: Curves, curve: Curve) -> None:
    """The share of frames that fail, on an axis of its own at the right."""
    levels = sorted(curves.levels(curve))
    right = axis.twinx()
    right.plot(
        levels,
        [curves.failed(curve, level) for level in levels],
        color="#999999",
        linestyle=":",
        linewidth=1.4,
    )
    # Behind the other lines.
    axis.set_zorder(right.get_zorder() + 1)
    axis.patch.set_visible(False)
    right.set_ylim(0, 1.02)
    right.set_ylabel("frames that fail (dotted)", color="#6b6b6b")
