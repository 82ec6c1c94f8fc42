"""Whether GRC can use what is here: every block, and every flowgraph in both forms."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from voicelink.grc.compiler import compile_flowgraph
from voicelink.grc.files import block_files, flowgraphs
from voicelink.grc.library import platform
from voicelink.models.errors import VoiceLinkError


def check() -> Iterator[tuple[str, str]]:
    """Load every block and compile every flowgraph with GRC's own code.

    Yields:
        What was looked at, and what is wrong with it: empty if nothing is.

    Raises:
        VoiceLinkError: GNU Radio cannot be imported.
    """
    library, said = platform()
    for file in block_files():
        name = file.name.removesuffix(".block.yml")
        complaints = [line for line in said if name in line]
        block = library.blocks.get(name)
        if block is None or block.loaded_from != str(file):
            complaints.append("GRC has not loaded it")
        else:
            complaints += _importable(block)
        yield f"block {name}", "; ".join(complaints)
    with tempfile.TemporaryDirectory() as folder:
        for file in flowgraphs():
            for without_gui in (False, True):
                form = ", headless" if without_gui else ""
                try:
                    program = compile_flowgraph(library, file, Path(folder), without_gui)
                    compile(program.read_text(encoding="utf-8"), program.name, "exec")
                    wrong = ""
                except (VoiceLinkError, SyntaxError) as error:
                    wrong = str(error)
                yield f"flowgraph {file.stem}{form}", wrong


def _importable(block: type) -> list[str]:
    """Whether the class that a block's description makes can be imported."""
    names: dict = {}
    try:
        exec(block.templates["imports"], names)
        module, _, name = block.templates["make"].partition("(")[0].strip().partition(".")
        getattr(names[module], name)
    except (ImportError, AttributeError, KeyError) as error:
        return [f"{type(error).__name__}: {error}"]
    return []
