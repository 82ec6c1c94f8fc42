"""The libraries of the extra ``report``."""

from __future__ import annotations

import importlib.util

from voicelink.models.errors import ParameterError

LIBRARIES = ("jinja2", "matplotlib", "pyloudnorm", "scipy")


def check_libraries() -> None:
    """Raise `ParameterError` where one of them is not installed: before the work."""
    for name in LIBRARIES:
        if importlib.util.find_spec(name) is None:
            raise ParameterError(f"a report needs {name}: pip install 'gr-voicelink[report]'")
