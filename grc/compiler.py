"""Flowgraphs to Python programs, by GRC's own generator."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from voicelink.grc.headless import headless
from voicelink.models.errors import FormatError, VoiceLinkError


def compile_flowgraph(
    platform: Any, path: Path, folder: Path, without_gui: bool = False, realtime: bool = False
) -> Path:
    """Write the Python program of a flowgraph, as ``grcc`` does; its path.

    Args:
        platform: of `voicelink.grc.library.platform`.
        path: the flowgraph.
        folder: where the program goes; made if it is not there. The program's name is the
            flowgraph's id.
        without_gui: compile its `headless` form.
        realtime: that one paced by the clock.

    Raises:
        FormatError: the flowgraph cannot be compiled; the message is GRC's.
        VoiceLinkError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VoiceLinkError(f"cannot write to {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise VoiceLinkError(f"cannot write to {folder}: Permission denied")
    if not without_gui:
        return _generate(platform, path, folder)
    with tempfile.TemporaryDirectory() as temporary:
        form = Path(temporary) / path.name
        try:
            text = headless(path.read_text(encoding="utf-8"), realtime)
        except (OSError, UnicodeDecodeError, FormatError) as error:
            raise FormatError(f"{path.name} does not compile: {error}") from None
        form.write_text(text, encoding="utf-8")
        return _generate(platform, form, folder)


def _generate(platform: Any, path: Path, folder: Path) -> Path:
    from gnuradio.grc.core import Messages

    said: list[str] = []
    # In place of standard output.
    Messages.MESSENGERS_LIST[:] = [said.append]
    # As grcc has it: a flowgraph that defines a block leaves its description there.
    platform.config.hier_block_lib_dir = str(folder)
    _, program = platform.load_and_generate_flow_graph(str(path), str(folder.resolve()))
    if not program:
        lines = [line.strip() for text in said for line in text.splitlines()]
        reason = "; ".join(line for line in lines if line and "Loading:" not in line)
        raise FormatError(f"{path.name} does not compile: {reason}")
    return Path(program)
