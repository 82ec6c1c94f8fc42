"""``voicelink grc``: the blocks and flowgraphs for GNU Radio Companion."""

from __future__ import annotations

import argparse
import sys

HELP = "blocks and flowgraphs for GNU Radio Companion: install, check, compile"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs below this one."""
    verbs = parser.add_subparsers(dest="grc_verb", required=True, metavar="WHAT")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=text, description=text)

    verb("path", "print the folder of the block files, for GRC_BLOCKS_PATH")
    verb("list", "list blocks and flowgraphs")
    install = verb("install", "put the blocks into the user's folder, which every companion reads")
    install.add_argument("--uninstall", action="store_true", help="take them out of it again")
    verb("check", "load all blocks and compile all flowgraphs with GRC's own code; 1 if any fails")
    companion = verb("companion", "start gnuradio-companion so that it finds blocks and package")
    companion.add_argument(
        "files",
        nargs="*",
        metavar="FLOWGRAPH",
        help="to open: a file, or a name as in list, copied here",
    )
    compiler = verb("compile", "make a Python program of a flowgraph")
    compiler.add_argument("file", metavar="FLOWGRAPH", help="a file, or a name as in list")
    compiler.add_argument(
        "--headless",
        action="store_true",
        help="without display and sound card: sliders become options, sound cards WAV files",
    )
    compiler.add_argument(
        "--realtime", action="store_true", help="with --headless: not faster than real time"
    )
    compiler.add_argument(
        "--speaker",
        action="store_true",
        help="with --realtime: play what is heard, as a radio does",
    )
    compiler.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="where it goes (default: here)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    return globals()[f"_{args.grc_verb}"](args)


def _path(args: argparse.Namespace) -> int:
    from voicelink.grc.files import FOLDER

    print(FOLDER)
    return 0


def _list(args: argparse.Namespace) -> int:
    import yaml

    from voicelink.grc.files import block_files, flowgraphs

    blocks, graphs = {}, {}
    for file in block_files():
        block = yaml.safe_load(file.read_text(encoding="utf-8"))
        blocks[block["id"]] = block["label"]
    for file in flowgraphs():
        options = yaml.safe_load(file.read_text(encoding="utf-8"))["options"]["parameters"]
        graphs[file.stem] = options["description"]
    width = max(map(len, [*blocks, *graphs]))
    for title, lines in (("Blocks", blocks), ("Flowgraphs", graphs)):
        print(title)
        for name, text in lines.items():
            print(f"  {name:{width}} {text}")
    return 0


def _install(args: argparse.Namespace) -> int:
    from voicelink.grc.install import install, uninstall, user_folder

    done = uninstall() if args.uninstall else install()
    for line in done:
        print(line)
    if not done:
        state = "holds none of the blocks" if args.uninstall else "holds the blocks already"
        print(f"nothing to do: {user_folder()} {state}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from voicelink.grc.check import check

    failed = 0
    for what, wrong in check():
        print(f"{what}: {wrong or 'ok'}", flush=True)
        failed += bool(wrong)
    return 1 if failed else 0


def _companion(args: argparse.Namespace) -> int:
    from voicelink.grc.companion import start

    return start(args.files)


def _compile(args: argparse.Namespace) -> int:
    from pathlib import Path

    from voicelink.grc.compiler import compile_flowgraph
    from voicelink.grc.files import flowgraph
    from voicelink.grc.library import platform
    from voicelink.models.errors import ParameterError

    if args.realtime and not args.headless:
        raise ParameterError("--realtime needs --headless: the other form always runs so")
    if args.speaker and not args.realtime:
        raise ParameterError(
            "--speaker needs --headless --realtime: a sound card plays in real time"
        )
    if not args.output:
        raise ParameterError("--output must be a folder, was ''")
    path = flowgraph(args.file)
    library, _ = platform()
    form = (args.headless, args.realtime, args.speaker)
    program = compile_flowgraph(library, path, Path(args.output), *form)
    print(program)
    print(f"run it with: {sys.executable} {program}", file=sys.stderr)
    return 0
