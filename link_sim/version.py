"""Which version of the package this is."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata


@lru_cache(maxsize=1)
def version() -> str:
    """As installed; "unknown" where it runs from a source tree alone."""
    try:
        return metadata.version("gr-voicelink")
    except metadata.PackageNotFoundError:
        return "unknown"
