"""The libraries of the extra ``report``."""

from __future__ import annotations

import importlib.util

from voicelink.link_sim.picture import check_matplotlib
from voicelink.models.errors import ParameterError

LIBRARIES = ("jinja2", "pyloudnorm", "scipy")


def check_libraries() -> None:
    """Raise `ParameterError` where one of them is absent, or too old: before the work."""
    for name in LIBRARIES:
        if importlib.util.find_spec(name) is None:
            raise ParameterError(f"a report needs {name}: pip install '.[report]'")
    check_matplotlib("report")
