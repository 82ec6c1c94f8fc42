"""GRC's own platform, with the blocks of this package in its library."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voicelink.grc.files import FOLDER
from voicelink.models.errors import VoiceLinkError, one_line


def gnuradio() -> Any:
    """GNU Radio's module ``gr``.

    Raises:
        VoiceLinkError: this Python cannot import it; the message names what to do.
    """
    try:
        from gnuradio import gr
        from gnuradio.grc.core import platform  # noqa: F401
    except (ImportError, AttributeError) as error:  # the latter where numpy's major is not its own
        raise VoiceLinkError(
            f"GNU Radio cannot be imported by {sys.executable} ({one_line(error)}): install"
            " the package gnuradio, and voicelink into an environment that sees it, made with "
            "/usr/bin/python3 -m venv --system-site-packages"
        ) from None
    return gr


def config() -> Any:
    """GRC's configuration, of which ``block_paths`` and ``hier_block_lib_dir`` are of use here."""
    gr = gnuradio()
    from gnuradio.grc.core.Config import Config

    return Config(version=gr.version(), prefs=gr.prefs())


def platform() -> tuple[Any, list[str]]:
    """GRC's platform with all blocks that it finds and those here, and what it said of these.

    Returns:
        The platform, and a line for each complaint about a file of this package.
    """
    gr = gnuradio()
    from gnuradio.grc.core.platform import Platform

    result = Platform(
        name="voicelink grc",
        prefs=gr.prefs(),
        version=gr.version(),
        version_parts=(gr.major_version(), gr.api_version(), gr.minor_version()),
    )
    # Importing a flowgraph's modules, GNU Radio may miss libraries that none here needs, and tells
    # standard output so.
    gr.logging().set_default_level(gr.log_levels.err)
    # The last one counts where a block is found twice, as with copies installed earlier.
    paths = [path for path in result.config.block_paths if Path(path).resolve() != FOLDER]
    with _log() as lines:
        result.build_library([*paths, str(FOLDER)])
    return result, [line for line in lines if "voicelink_" in line and "overwritten" not in line]


@contextlib.contextmanager
def _log() -> Iterator[list[str]]:
    """What GRC logs goes into the list, and not to standard error."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(" ".join(record.getMessage().split()))
    logger = logging.getLogger("gnuradio.grc")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
