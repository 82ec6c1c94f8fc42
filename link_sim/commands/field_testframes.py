"""``voicelink field testframes``: a signal of frames that the receiver knows too."""

from __future__ import annotations

import argparse

HELP = "write a signal of known frames, by which receivers count bit errors (--testframes)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.modulate import add_output_options
    from voicelink.link_sim.commands.signal_options import add_mode_options
    from voicelink.link_sim.commands.streams import add_model_option

    add_output_options(parser)
    add_mode_options(parser)
    add_model_option(parser)
    parser.add_argument(
        "--callsign", default="", help="up to 9 characters that identify the sender"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="how long, in frames of 320 ms (default 60)",
    )


def run(args: argparse.Namespace) -> int:
    from voicelink.blocks.modem import mode
    from voicelink.link_sim.commands.modulate import check_output, write_over
    from voicelink.link_sim.field.testframes import packets
    from voicelink.models.errors import require
    from voicelink.models.sizes import SUPERFRAME_SECONDS

    require("--seconds", args.seconds, SUPERFRAME_SECONDS, 1e6)
    check_output(args)
    frames = round(args.seconds / SUPERFRAME_SECONDS)
    profile = mode(args.mode).profile
    return write_over(args, packets(profile, args.model, args.callsign, args.spread, frames))
