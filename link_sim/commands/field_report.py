"""``voicelink field report``: what was received in the field, as one page."""

from __future__ import annotations

import argparse
import sys

HELP = "logs of frames as one page: FER against SNR beside the simulation, time lines, totals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "logs", nargs="+", metavar="LOG", help="what record, replay and demodulate --json wrote"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="field.html", help="the page (default field.html)"
    )
    parser.add_argument("--title", default="Field test", help="of the page")
    parser.add_argument(
        "--curves",
        metavar="CSV",
        help="the simulation's curves, as `voicelink modem curve --csv` writes them (default: those"
        " that come with this software)",
    )


def run(args: argparse.Namespace) -> int:
    from voicelink.link_sim.field.report import write_field_report
    from voicelink.models.files import check_apart

    check_apart([args.output], [*args.logs, args.curves])
    page = write_field_report(args.logs, args.output, args.title, args.curves)
    for note in page.notes:
        print(f"voicelink: note: {note}", file=sys.stderr)
    print(*page.answers, sep="\n")
    print(f"{args.output}: {page.size / 1e6:.1f} MB")
    return 0
