"""How lines are drawn: colour tells the link, dashes and marker the codec."""

from __future__ import annotations

from dataclasses import dataclass

from voicelink.link_sim.report.study import Series, Study

INK = "#1c2127"
QUIET = "#6a727c"
GRID = "#dde1e6"

COLOURS = ("#0b62a4", "#c4451c", "#1b7f4d", "#7b3fa0", "#8a6d00", "#00808c", "#b0306f")
"""Of links, on white paper; the page has others of the same names for a dark one."""

_CODECS = (  # marker, its path in SVG, and dashes
    ("o", "M17 7m-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0", ()),
    ("s", "M14 4h6v6h-6z", (4, 1.5)),
    ("^", "M17 3.2l3.6 6.6h-7.2z", (1.5, 1.2)),
    ("D", "M17 3l4 4-4 4-4-4z", (6, 1.5, 1.5, 1.5)),
)
_WIDTH = 1.6


def style(study: Study, line: Series) -> dict:
    """Matplotlib's settings of a line."""
    marker, _, dashes = _codec(study, line)
    return {
        "color": COLOURS[_colour(study, line)],
        "marker": marker,
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
    _, marker, dashes = _codec(study, line)
    return Sample(
        f"var(--line{_colour(study, line)})",
        " ".join(f"{_WIDTH * length:g}" for length in dashes),
        marker,
        label(study, line),
    )


def label(study: Study, line: Series) -> str:
    """What a legend calls a line."""
    text = study.label(line.link)
    return f"{text}: {line.codec}" if line.codec and len(study.codecs) > 1 else text


def _colour(study: Study, line: Series) -> int:
    return study.links.index(line.link) % len(COLOURS)


def _codec(study: Study, line: Series) -> tuple:
    return _CODECS[study.codecs.index(line.codec) % len(_CODECS) if line.codec else 0]
