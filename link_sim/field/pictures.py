"""The pictures of a field report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from voicelink.blocks.status import Status
from voicelink.link_sim.field.simulated import Curve
from voicelink.link_sim.field.summary import FAILED
from voicelink.link_sim.picture import COLOURS as STATUS_COLOURS
from voicelink.link_sim.report.curves import percent_axis
from voicelink.link_sim.report.interval import Estimate
from voicelink.link_sim.report.style import COLOURS, INK, QUIET, plain
from voicelink.link_sim.report.svg import as_svg, drawing

MOST_DOTS = 1500
"""Frames that a time line shows; of more, every second, third..., and all that failed."""

FAR = 16.0
"""dB to which a curve is drawn, or further where frames failed."""

_CURVE = (4.6, 3.6)
_LINE = (9.2, 3.2)
_DASHES = ((0, (1, 1.6)), (0, (4, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 2)))


def curve_picture(
    mode: str, measured: dict[float, Estimate], simulated: list[Curve], name: str
) -> str:
    """Frames that fail over SNR, as measured and as simulated: an SVG.

    Args:
        mode: of the modem, for what is read out.
        measured: by SNR in 3 kHz, dB; not empty.
        simulated: of the same mode, those that are `reaching`.
        name: letters and digits, no other picture's.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=_CURVE, layout="constrained")
        axis = figure.subplots()
        low, high = shown_range(measured)
        least = 0.02
        for number, curve in enumerate(simulated):
            points = [(snr, fer) for snr, fer in curve.points if fer > 0]
            axis.plot(
                [snr for snr, _ in points], [100 * fer for _, fer in points],
                color=QUIET, linewidth=1.4, linestyle=_DASHES[number % len(_DASHES)],
                label=curve.path.replace("$", r"\$"),
            )  # fmt: skip
        for snr, estimate in measured.items():
            shown = estimate.value or estimate.high
            least = min(least, shown)
            ends = (shown, estimate.high) if not estimate.value else (estimate.low, estimate.high)
            axis.plot([snr, snr], [100 * max(end, 1e-6) for end in ends], color=COLOURS[0],
                      linewidth=1)  # fmt: skip
            axis.plot(snr, 100 * shown, "o", markersize=4.5, color=COLOURS[0],
                      markerfacecolor=COLOURS[0] if estimate.value else "none")  # fmt: skip
        percent_axis(axis, 0.6 * least)
        axis.set_xlim(low, high)
        axis.set_xlabel("SNR in 3 kHz, dB", color=INK)
        axis.set_ylabel("frames that fail, %", color=INK)
        if simulated:
            axis.legend(frameon=False, title="simulated", loc="upper right")
        plain(axis)
        return as_svg(figure, name, f"Curve: frames that fail over SNR, mode {mode}")


def shown_range(measured: dict[float, Estimate]) -> tuple[int, int]:
    """The SNRs, dB, from which to which a curve is drawn: where frames failed, and not far beyond.

    At least 6 dB, from 2 dB below the lowest that was measured; upwards to 2 dB beyond the
    highest, but where none failed only to `FAR`.
    """
    low = min(measured) - 2
    failed = [snr + 3 for snr, estimate in measured.items() if estimate.value]
    high = min(max(measured) + 2, max([FAR, *failed]))
    return math.floor(low), math.ceil(max(high, low + 6))


def reaching(measured: dict[float, Estimate], simulated: list[Curve]) -> list[Curve]:
    """The simulated curves of which something is within `shown_range`."""
    low, high = shown_range(measured)
    seen = [(curve, [snr for snr, fer in curve.points if fer > 0]) for curve in simulated]
    return [curve for curve, places in seen if places and low < max(places) and min(places) < high]


def time_picture(frames: list[dict[str, Any]], seconds: list[float], name: str, said: str) -> str:
    """SNR and frequency offset over time, a dot for each frame in its status' colour: an SVG.

    Args:
        frames: lines of a log.
        seconds: of each, since the first.
        name: letters and digits, no other picture's.
        said: what is read out in its place.
    """
    from matplotlib.figure import Figure

    unit, scale = (1, "s") if not seconds or seconds[-1] < 180 else (60, "min")
    unit, scale = (3600, "h") if seconds and seconds[-1] > 3 * 3600 else (unit, scale)
    with drawing():
        figure = Figure(figsize=_LINE, layout="constrained")
        rows = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        shown = list(_thinned(frames, seconds))
        for status in Status:
            mine = [pair for pair in shown if pair[0]["status"] == status.value]
            for axis, field in zip(rows, ("snr_db", "offset_hz"), strict=True):
                dots = [(at / unit, frame[field]) for frame, at in mine
                        if frame.get(field) is not None]  # fmt: skip
                axis.plot([x for x, _ in dots], [y for _, y in dots], ".", markersize=4,
                          color=STATUS_COLOURS[status])  # fmt: skip
        missed = [at / unit for frame, at in shown if frame.get("snr_db") is None]
        if missed:
            rows[0].plot(missed, [0.03] * len(missed), "|", color=STATUS_COLOURS[Status.CONCEALED],
                         transform=rows[0].get_xaxis_transform())  # fmt: skip
        rows[0].set_ylabel("SNR, dB", color=INK)
        rows[1].set_ylabel("offset, Hz", color=INK)
        rows[1].set_xlabel(f"time, {scale}", color=INK)
        for axis in rows:
            plain(axis)
        low, high = rows[1].get_ylim()
        if high - low < 4:  # what is steady looks so
            rows[1].set_ylim((low + high) / 2 - 2, (low + high) / 2 + 2)
        return as_svg(figure, name, said)


def _thinned(
    frames: list[dict[str, Any]], seconds: list[float]
) -> Iterable[tuple[dict[str, Any], float]]:
    step = math.ceil(len(frames) / MOST_DOTS)
    for number, pair in enumerate(zip(frames, seconds, strict=True)):
        if number % step == 0 or pair[0]["status"] in FAILED:
            yield pair
