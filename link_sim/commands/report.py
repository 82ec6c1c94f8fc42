"""``voicelink report``: what a sweep found, as a page or as a picture."""

from __future__ import annotations

import argparse
import sys

HELP = "what a sweep found, as one page with curves and sound, or as a picture"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument("results", metavar="RESULTS", help="folder that `voicelink sweep` wrote")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the page (default, without --picture: report.html)"
    )
    parser.add_argument("--picture", metavar="FILE", help="the main curve as PNG, SVG or PDF")
    parser.add_argument(
        "--curve",
        metavar="NAME",
        default="",
        help="what --picture draws: estoi or another measure of the sweep, fer, delay"
        " (default: estoi where speech was measured, else fer)",
    )
    parser.add_argument(
        "--understood",
        metavar="ESTOI",
        type=float,
        default=0.6,
        help="from which ESTOI on speech counts as understandable (default: %(default)s)",
    )
    parser.add_argument(
        "--players",
        metavar="N",
        type=int,
        default=60,
        help="recordings that the page may have beside the originals (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from voicelink.link_sim.report import write_picture, write_report
    from voicelink.link_sim.sweeping.folder import files_of_points, table_files
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.files import check_apart

    if args.curve and not args.picture:
        raise ParameterError("--curve goes with --picture")
    require("--players", args.players, 0)
    path = args.output or (None if args.picture else "report.html")
    own = [*table_files(args.results), *files_of_points(args.results)]
    check_apart([path, args.picture], own)
    if args.picture:
        write_picture(args.results, args.picture, args.understood, args.curve)
    if path:
        page = write_report(args.results, path, args.understood, args.players)
        for note in page.notes:
            print(f"voicelink: note: {note}", file=sys.stderr)
        print(*page.answers, sep="\n")
        print(f"{path}: {page.size / 1e6:.1f} MB, {page.players} recordings")
    return 0
