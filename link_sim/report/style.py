"""How lines are drawn: colour tells the profile, the marker how far it is spread, dashes codecs."""

from __future__ import annotations

from dataclasses import dataclass

from voicelink.link_sim.report.results import Link
from voicelink.link_sim.report.study import Series, Study

INK = "#1c2127"
QUIET = "#6a727c"
GRID = "#dde1e6"

COLOURS = ("#0b62a4", "#c4451c", "#1b7f4d", "#7b3fa0", "#8a6d00", "#00808c", "#b0306f")
"""Of profiles, on white paper; the page has others of the same names for a dark one."""

_MARKERS = (  # of depths of spreading, with their paths in SVG
    ("o", "M17 7m-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0"),
    ("s", "M14 4h6v6h-6z"),
    ("^", "M17 3.2l3.6 6.6h-7.2z"),
    ("D", "M17 3l4 4-4 4-4-4z"),
    ("v", "M17 10.8l3.6-6.6h-7.2z"),
)
_DASHES = ((), (4, 1.5), (1.5, 1.2), (6, 1.5, 1.5, 1.5))
"""Of codecs."""

_WIDTH = 1.6


def plain(axis, grid: str = "both") -> None:
    """Draw a matplotlib axis quietly: two spines, and the grid of ``both`` or one axis behind."""
    axis.grid(color=GRID, linewidth=0.7, axis=grid)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(QUIET)
    axis.tick_params(colors=INK, length=3)


def colour(study: Study, link: Link) -> str:
    """Of everything that belongs to a link."""
    return COLOURS[_number(study, link)]


def style(study: Study, line: Series) -> dict:
    """Matplotlib's settings of a line."""
    dashes = _dashes(study, line)
    return {
        "color": colour(study, line.link),
        "marker": _marker(study, line)[0],
        "linestyle": (0, dashes) if dashes else "-",
        "linewidth": _WIDTH,
        "markersize": 4.5,
    }


@dataclass(frozen=True)
class Sample:
    """A line as the page's legend shows it: its CSS colour, SVG dashes and marker, and name."""

    colour: str
    dashes: str
    marker: str
    label: str


def sample(study: Study, line: Series) -> Sample:
    """How the page's legend shows a line."""
    return Sample(
        f"var(--line{_number(study, line.link)})",
        " ".join(f"{_WIDTH * length:g}" for length in _dashes(study, line)),
        _marker(study, line)[1],
        label(study, line),
    )


def label(study: Study, line: Series) -> str:
    """What a legend calls a line."""
    text = study.label(line.link)
    return f"{text}: {line.codec}" if line.codec and len(study.codecs) > 1 else text


def _number(study: Study, link: Link) -> int:
    kinds = list(dict.fromkeys((each.profile, each.model) for each in study.links))
    return kinds.index((link.profile, link.model)) % len(COLOURS)


def _marker(study: Study, line: Series) -> tuple[str, str]:
    depths = sorted({link.spread for link in study.links})
    return _MARKERS[depths.index(line.link.spread) % len(_MARKERS)]


def _dashes(study: Study, line: Series) -> tuple[float, ...]:
    return _DASHES[study.codecs.index(line.codec) % len(_DASHES)] if line.codec else ()
