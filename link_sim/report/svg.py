"""A matplotlib figure as SVG to stand in a page: its letters and its light or dark colours."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager

from voicelink.link_sim.report.style import COLOURS, GRID, INK, QUIET

_THEME = {INK: "currentColor", QUIET: "var(--quiet)", GRID: "var(--grid)"} | {
    colour: f"var(--line{k})" for k, colour in enumerate(COLOURS)
}
_FONT = "DejaVu Sans"


@contextmanager
def drawing():
    """Matplotlib's settings for pictures of the report."""
    import matplotlib

    settings = {
        "svg.fonttype": "none",  # letters stay letters: sharp, searchable, in the page's font
        "svg.hashsalt": "voicelink",
        "font.family": _FONT,
        "font.size": 9.5,
        "axes.labelsize": 9.5,
        "text.color": INK,
        "legend.fontsize": 9,
    }
    with matplotlib.rc_context(settings):
        yield


def as_svg(figure, name: str, title: str) -> str:
    """The figure as an ``<svg>`` element.

    Args:
        name: letters and digits; no other picture on the page has it, so that ids differ.
        title: what is read out in its place.
    """
    import html

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, variable in _THEME.items():
        text = text.replace(colour, variable)
    # The first is how matplotlib before 3.11 says it.
    text = re.sub(rf"font: ([\d.]+px) '{_FONT}'", r"font-size: \1", text)
    text = re.sub(rf"font-family: '{_FONT}'(; )?", "", text)
    said = html.escape(title)
    opening = f'<svg role="img" aria-label="{said}"'
    text = re.sub(r'<svg (?:width|height)="[^"]*"|<svg', opening, text, count=1)
    head, _, rest = text.partition(">")
    head = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", head)
    return head + ">" + rest.strip()
