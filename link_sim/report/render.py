"""Templates filled: pages that hold all they need."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

_UNIT = re.compile(r"(?<=\d) (?=(?:dB|%|b/s|Hz|ms|s)(?:\W|$))")
_MINUS = re.compile(r"(?<!\w)-(?=\d)")


def render(template: str, context: dict[str, Any]) -> str:
    """A page of one of the templates, with style and scripts in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("voicelink.link_sim.report"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    templates = resources.files(__package__) / "templates"
    environment.filters["typeset"] = _typeset
    own = {
        name.replace(".", "_"): Markup((templates / name).read_text(encoding="utf-8"))
        for name in ("style.css", "listen.js", "blind.js", "sort.js")
    }
    return environment.get_template(template).render(**context, **own)


def _typeset(text: str) -> str:
    """Values stay with their units on one line, and a minus is one."""
    return _MINUS.sub("\u2212", _UNIT.sub("\u00a0", text))
