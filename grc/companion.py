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
    opened as it is. Standard output says which.

    Raises:
        ParameterError: there is no such flowgraph.
        VoiceLinkError: this folder cannot be written to.
    """
    path = flowgraph(name)
    if path.parent != FOLDER or Path(name).is_file():
        return path
    copy = Path.cwd() / path.name
    if copy.exists():
        print(f"{copy} is there already, and opened as it is", flush=True)
        return copy
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        raise VoiceLinkError(f"cannot write to {copy}: {error.strerror}") from None
    print(f"{path.name} copied to {copy}", flush=True)
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


def command() -> list[str]:
    """The command that starts it, to which the files to open are added.

    GRC runs flowgraphs with the Python that runs GRC, so it is started by this one and not by the
    first line of its script.

    Raises:
        VoiceLinkError: GNU Radio or GTK cannot be imported, or GTK has no display.
    """
    gnuradio()
    try:
        import gi

        gi.require_version("Gtk", "3.0")
        from gi.repository import Gtk
    except (ImportError, ValueError) as error:
        raise VoiceLinkError(
            f"the companion needs GTK 3 ({error}): install gir1.2-gtk-3.0 and python3-gi-cairo"
        ) from None
    display, _ = Gtk.init_check()
    if not display:
        raise VoiceLinkError(
            "the companion needs a display, and GTK can open none: DISPLAY is "
            f"{os.environ.get('DISPLAY') or 'not set'}, WAYLAND_DISPLAY is "
            f"{os.environ.get('WAYLAND_DISPLAY') or 'not set'}"
        )
    return [sys.executable, "-m", "gnuradio.grc"]


def start(names: Sequence[str]) -> int:
    """Run the companion with flowgraphs open, each as `working_copy`; its exit status.

    Raises:
        VoiceLinkError: as `command` and `working_copy`, the former before anything is copied.
    """
    import subprocess

    for name in names:
        flowgraph(name)
    program = command()
    files = [str(working_copy(name)) for name in names]
    return subprocess.call([*program, *files], env=environment(os.environ))
