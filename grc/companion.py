"""GNU Radio Companion with these blocks, in this Python, whose packages its flowgraphs need."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from voicelink.grc.files import FOLDER, flowgraph
from voicelink.grc.install import installed
from voicelink.grc.library import gnuradio
from voicelink.models.errors import VoiceLinkError


def working_copy(name: str) -> Path:
    """The flowgraph to open: a file, or a copy in this folder of one that comes with the package.

    The companion writes beside what it opens, and saves into it. A copy that is there already is
    opened as it is.

    Raises:
        ParameterError: there is no such flowgraph.
        VoiceLinkError: this folder cannot be written to.
    """
    path = flowgraph(name)
    if path.parent != FOLDER or Path(name).is_file():
        return path
    copy = Path.cwd() / path.name
    if not copy.exists():
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            raise VoiceLinkError(f"cannot write to {copy}: {error.strerror}") from None
    return copy


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """``variables`` with the folder of the block files in GRC_BLOCKS_PATH.

    Left as they are where the user's folder has the same files: GRC warns of a block that it finds
    twice.
    """
    if installed():
        return dict(variables)
    paths = [str(FOLDER), *filter(None, [variables.get("GRC_BLOCKS_PATH")])]
    return {**variables, "GRC_BLOCKS_PATH": os.pathsep.join(paths)}


def command(files: Sequence[str | Path]) -> list[str]:
    """The command that starts it with ``files`` open.

    GRC runs flowgraphs with the Python that runs GRC, so it is started by this one and not by the
    first line of its script.

    Raises:
        VoiceLinkError: GNU Radio or GTK cannot be imported.
    """
    gnuradio()
    try:
        import gi

        gi.require_version("Gtk", "3.0")
    except (ImportError, ValueError) as error:
        raise VoiceLinkError(
            f"the companion needs GTK 3 ({error}): install gir1.2-gtk-3.0 and python3-gi-cairo"
        ) from None
    return [sys.executable, "-m", "gnuradio.grc", *map(str, files)]


def start(files: Sequence[str | Path]) -> int:
    """Run the companion with flowgraphs open; its exit status."""
    import subprocess

    return subprocess.call(command(files), env=environment(os.environ))
