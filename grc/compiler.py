"""Flowgraphs to Python programs, by GRC's own generator."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

from voicelink.grc.headless import headless
from voicelink.models.errors import FormatError, VoiceLinkError


def compile_flowgraph(
    platform: Any,
    path: Path,
    folder: Path,
    without_gui: bool = False,
    realtime: bool = False,
    speaker: bool = False,
) -> Path:
    """Write the Python program of a flowgraph, as ``grcc`` does; its path.

    Args:
        platform: of `voicelink.grc.library.platform`.
        path: the flowgraph.
        folder: where the program goes; made if it is not there. The program's name is the
            flowgraph's id.
        without_gui: compile its `headless` form.
        realtime: that one paced by the clock.
        speaker: that one with the sound card's output.

    Raises:
        FormatError: it is no flowgraph, names a block that GRC does not know, or cannot be
            compiled: then the message is GRC's.
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
            text = headless(path.read_text(encoding="utf-8"), realtime, speaker)
        except OSError as error:
            raise FormatError(f"cannot read {path.name}: {error.strerror}") from None
        except (UnicodeDecodeError, FormatError):
            raise _no_flowgraph(path) from None
        form.write_text(text, encoding="utf-8")
        return _generate(platform, form, folder)


def _generate(platform: Any, path: Path, folder: Path) -> Path:
    from gnuradio.grc.core import Messages

    said: list[str] = []
    # In place of standard output.
    Messages.MESSENGERS_LIST[:] = [said.append]
    # As grcc has it: a flowgraph that defines a block leaves its description there.
    platform.config.hier_block_lib_dir = str(folder)
    _whole(platform, path, said)
    _, program = platform.load_and_generate_flow_graph(str(path), str(folder.resolve()))
    if not program:
        raise FormatError(f"{path.name} does not compile: {_reason(said)}")
    return Path(program)


def _whole(platform: Any, path: Path, said: list[str]) -> None:
    """Refuse what GRC reads with holes: it leaves out blocks and connections without ports."""
    graph = platform.make_flow_graph()
    graph.grc_file_path = str(path)
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it prints tracebacks
            unconnected = graph.import_data(platform.parse_flow_graph(str(path)))
    except OSError as error:
        raise FormatError(f"cannot read {path.name}: {error.strerror}") from None
    except Exception:  # whatever GRC stumbles over in a file of another kind
        raise _no_flowgraph(path) from None
    enabled = [block for block in graph.blocks if block.state != "disabled"]
    unknown = sorted({block.key for block in enabled if block.is_dummy_block})
    if unknown:
        raise FormatError(f"{path.name} has blocks that GRC does not know: {', '.join(unknown)}")
    if unconnected:
        raise FormatError(f"{path.name} does not compile: {_reason(said)}")
    graph.rewrite()
    graph.validate()
    wrong = [_wrong(*message) for message in graph.iter_error_messages()]
    if wrong:
        raise FormatError(f"{path.name} does not compile: {'; '.join(wrong)}")


def _wrong(element: Any, message: str) -> str:
    of = [part for part in (element.parent_block, element) if part]
    names = ", ".join(getattr(part, "name", str(part)) for part in of)
    return " ".join(f"{names}: {message}".split())


def _no_flowgraph(path: Path) -> FormatError:
    return FormatError(f"{path.name} is no flowgraph of GRC")


def _reason(said: list[str]) -> str:
    lines = [line.strip().removeprefix(">>> ") for text in said for line in text.splitlines()]
    return "; ".join(line for line in lines if line and "Loading:" not in line)
