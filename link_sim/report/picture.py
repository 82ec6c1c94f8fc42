"""One curve of a sweep as a picture, with the answer above it."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

from voicelink.link_sim.picture import check_picture_name
from voicelink.link_sim.report.curves import draw_curves
from voicelink.link_sim.report.labels import condition_label
from voicelink.link_sim.report.limits import criterion, limits
from voicelink.link_sim.report.needs import check_libraries
from voicelink.link_sim.report.results import read_results
from voicelink.link_sim.report.study import DELAY, FER, Study
from voicelink.link_sim.report.style import QUIET
from voicelink.link_sim.report.svg import drawing
from voicelink.link_sim.report.words import delay_headline, headlines
from voicelink.models.errors import one_of, require
from voicelink.models.files import writing

_PANEL_LETTERS = 56


def check_curve(curve: str, measures: list[str]) -> str:
    """``curve``, if a sweep with these measures of speech has it; else `ParameterError`."""
    return one_of("curve", curve, [FER, DELAY, *measures])


def write_picture(
    folder: str | Path, path: str | Path, understood: float = 0.6, curve: str = ""
) -> None:
    """Write a PNG, SVG or PDF of the sweep's main curve: a panel for each condition.

    Args:
        folder: what `voicelink sweep` wrote.
        path: the name of the file; its ending chooses the format.
        understood: the least ESTOI at which speech counts as understandable, 0 to 1.
        curve: ``estoi`` or another measure of the sweep, ``fer``, or ``delay``; "" for ESTOI where
            speech was measured, and the frame error rate where not.

    Raises:
        ParameterError: a library is missing, the sweep has no such curve, or the file cannot be
            written.
        FormatError: the folder holds no results that can be read.
    """
    check_libraries()
    check_picture_name(path)
    require("understood", understood, 0, 1)
    study = Study(read_results(folder))
    wanted = criterion(study, understood)
    found = limits(study, wanted)
    measure = check_curve(curve or wanted.measure, study.results.measures)
    from matplotlib.figure import Figure

    titles = headlines(study, found, wanted)
    title = titles[study.conditions[0]] if len(titles) == 1 else study.results.title
    if measure == DELAY:
        title = delay_headline(study)
    columns = min(len(study.conditions), 3)
    rows = math.ceil(len(study.conditions) / columns)
    with drawing():
        figure = Figure(
            figsize=(7.2 if columns == 1 else 4.6 * columns, 4.6 * rows),
            dpi=110,
            layout="constrained",
        )
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for axis in axes[len(study.conditions) :]:
            axis.set_axis_off()
        for axis, condition in zip(axes, study.conditions, strict=False):
            draw_curves(axis, study, condition, measure, wanted)
            if condition:
                words = condition_label(condition)
                if measure != DELAY:
                    words += f": {titles[condition]}"
                lines = textwrap.wrap(words, _PANEL_LETTERS)
                axis.set_title("\n".join(lines), fontsize=9.5, color=QUIET, loc="left")
        if study.x:  # one scale for all panels
            ends = [axis.get_ylim() for axis in axes[: len(study.conditions)]]
            for axis in axes[: len(study.conditions)]:
                axis.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
        handles, names = axes[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
        lines = textwrap.wrap(title, int(12.5 * figure.get_figwidth()))
        figure.suptitle("\n".join(lines), fontsize=11, x=0.02, ha="left")
        with writing(path) as part:
            figure.savefig(part)
