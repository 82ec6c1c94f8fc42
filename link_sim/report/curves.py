"""The curves: a measure over the swept setting, a line for each link and codec."""

from __future__ import annotations

import math

from voicelink.blocks.crc import CRC_BITS
from voicelink.blocks.profile import profiles
from voicelink.link_sim.fer import normal_approximation
from voicelink.link_sim.report.interval import Estimate
from voicelink.link_sim.report.labels import snr_offset
from voicelink.link_sim.report.limits import Criterion
from voicelink.link_sim.report.study import DELAY, FER, Condition, Series, Study
from voicelink.link_sim.report.style import INK, QUIET, label, plain, style
from voicelink.models.evaluation.measures import MEASURES

_SHARES = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4, 1e-5)

_BPSK = ("bpsk", "qpsk")
"""Modulations by which a bit has the energy and the noise of BPSK."""

_DOTS = (0, (1, 1.6))


def measure_label(measure: str) -> str:
    """For an axis."""
    if measure == FER:
        return "frames that fail, %"
    if measure == DELAY:
        return "delay by the channel, ms"
    return MEASURES[measure].label if measure in MEASURES else measure


def draw_curves(axis, study: Study, condition: Condition, measure: str, wanted: Criterion) -> None:
    """Draw into matplotlib's axes; the legend is left to the caller."""
    if study.x is None:
        _draw_dots(axis, study, condition, measure)
    else:
        _draw_lines(axis, study, condition, measure)
    if measure == wanted.measure:
        along = axis.axhline if study.x else axis.axvline
        limit = wanted.limit * (100 if measure == FER else 1)
        along(limit, color=QUIET, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
    plain(axis)


def _draw_lines(axis, study: Study, condition: Condition, measure: str) -> None:
    scale = study.x.scale
    logarithmic = measure == FER and study.x.unit == "dB"
    for line in study.series(condition, measure):
        look = style(study, line)
        curve = study.curve(line, measure)
        places = [scale * value for value in curve]
        estimates = list(curve.values())
        if measure == FER:
            estimates = [_times_hundred(e) for e in estimates]
        _bars(axis, places, estimates, look["color"])
        if logarithmic:
            seen = [(p, e.value) for p, e in zip(places, estimates, strict=True) if e.value]
            none = [(p, e.high) for p, e in zip(places, estimates, strict=True) if not e.value]
            axis.plot(*_columns(none), **look | {"linestyle": "", "markerfacecolor": "none"})
            axis.plot(*_columns(seen), **look, label=label(study, line))
        else:
            heights = [e.value for e in estimates]
            axis.plot(places, heights, **look, label=label(study, line))
        if measure == FER and has_bound(study, line):
            axis.plot(
                *_columns(_bound(study, line)),
                color=look["color"], linewidth=1.5, linestyle=_DOTS,
            )  # fmt: skip
    if measure == FER and any(has_bound(study, line) for line in study.series(condition, FER)):
        axis.plot([], [], color=QUIET, linewidth=1.5, linestyle=_DOTS, label="bound of the code")
    axis.set_xlabel(study.x.label, color=INK)
    axis.set_ylabel(measure_label(measure), color=INK)
    if logarithmic:
        percent_axis(axis, min(_lowest(study, condition), 0.05))
    elif measure in (FER, DELAY):
        axis.set_ylim(bottom=0)
    elif measure == "estoi":
        axis.set_ylim(-0.02, 1)  # a sentence that is not heard may score less than 0
    sizes = {link.payload_bits for link in study.links}
    if study.x.is_ebn0 and len(sizes) == 1:
        offset = snr_offset(sizes.pop())
        top = axis.secondary_xaxis("top", functions=(lambda e: e + offset, lambda s: s - offset))
        top.set_xlabel("SNR in 3 kHz, dB", color=QUIET)
        top.tick_params(colors=QUIET, length=3)
        top.spines["top"].set_color(QUIET)


def percent_axis(axis, low: float) -> None:
    """Make the axis of error rates logarithmic, from a share ``low`` to 1, in per cent."""
    axis.set_yscale("log")
    axis.set_ylim(100 * low, 115)
    shares = [s for s in _SHARES if s >= low and (low > 0.004 or s in (1, 0.1, 0.01, 1e-3, 1e-4))]
    axis.set_yticks([100 * s for s in shares], [f"{100 * s:g}" for s in shares])
    axis.minorticks_off()


def _draw_dots(axis, study: Study, condition: Condition, measure: str) -> None:
    lines = study.series(condition, measure)
    for place, line in enumerate(lines):
        curve = study.curve(line, measure)
        (estimate,) = curve.values()
        if measure == FER:
            estimate = _times_hundred(estimate)
        look = style(study, line)
        axis.plot([estimate.low, estimate.high], [place, place], color=look["color"], linewidth=1.6)
        axis.plot(estimate.value, place, **look)
    axis.set_yticks(range(len(lines)), [label(study, line) for line in lines])
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.set_xlabel(measure_label(measure), color=INK)
    axis.set_xlim(left=min(0, axis.get_xlim()[0]))


def _bars(axis, places: list[float], estimates: list[Estimate], colour: str) -> None:
    known = [(p, e) for p, e in zip(places, estimates, strict=True) if e.known]
    if not known:
        return
    axis.errorbar(
        [p for p, _ in known],
        [e.value for _, e in known],
        yerr=[[e.value - e.low for _, e in known], [e.high - e.value for _, e in known]],
        fmt="none", ecolor=colour, elinewidth=1, capsize=2, alpha=0.8,
    )  # fmt: skip


def _columns(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in pairs], [y for _, y in pairs]


def _times_hundred(e: Estimate) -> Estimate:
    return Estimate(100 * e.value, 100 * e.low, 100 * e.high, e.count)


def _lowest(study: Study, condition: Condition) -> float:
    """The bottom of an axis of error rates: under all that was seen."""
    ends = [
        estimate.value or estimate.high
        for line in study.series(condition, FER)
        for estimate in study.curve(line, FER).values()
    ]
    return 0.6 * min(ends)


def has_bound(study: Study, line: Series) -> bool:
    """Whether the finite-block-length bound applies: a code, on white noise and nothing else."""
    known = profiles(line.link.payload_bits).get(line.link.profile)
    coded = known is not None and known.fec != "none" and line.link.spread == 1
    return bool(study.x and study.x.is_ebn0 and coded and _modulation(study, line) in _BPSK)


def _modulation(study: Study, line: Series) -> str:
    """How bits become symbols; "" where there is more than white noise."""
    channel = study.results.channel
    if not isinstance(channel, list) or len(channel) != 1 or "awgn" not in channel[0]:
        return ""
    settings = channel[0]["awgn"] if isinstance(channel[0], dict) else None
    varied = {name.rpartition(".")[2]: value for name, value in line.condition}
    return ((settings or {}) | varied).get("modulation", "bpsk")


def _bound(study: Study, line: Series) -> list[tuple[float, float]]:
    """The normal approximation for as much information in as many coded bits, in per cent."""
    known = profiles(line.link.payload_bits)[line.link.profile]
    low, high = study.values[0], study.values[-1]
    energy = 10 * math.log10(known.payload_bits / known.bits)
    places = [low + (high - low) * k / 60 for k in range(61)]
    bits = known.information_bits - CRC_BITS
    rates = [normal_approximation(bits, known.bits, place + energy) for place in places]
    return [(p, 100 * r) for p, r in zip(places, rates, strict=True) if r > 1e-6]
