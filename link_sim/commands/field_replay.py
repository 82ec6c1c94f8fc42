"""``voicelink field replay``: a SigMF recording received again, as if live."""

from __future__ import annotations

import argparse
import sys

HELP = "receive a SigMF recording again, as if live"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.signal_options import (
        add_listener_options,
        add_mode_options,
        add_speaker_option,
    )

    parser.add_argument("input", metavar="recording", help="either of its two files")
    parser.add_argument("heard", nargs="?", help="audio file for what is heard")
    parser.add_argument("--realtime", action="store_true", help="at the pace of the signal")
    add_speaker_option(parser)
    add_mode_options(parser, found=True)
    add_listener_options(parser)
    parser.add_argument(
        "--log",
        "--json",
        dest="json",
        metavar="FILE",
        help="write a line of JSON for each frame; - for stdout",
    )


def run(args: argparse.Namespace) -> int:
    import time

    from voicelink.link_sim.commands.listening import listen
    from voicelink.link_sim.commands.signal_options import loudspeaker
    from voicelink.link_sim.commands.streams import note
    from voicelink.link_sim.field.recording import file_names, read_recording
    from voicelink.link_sim.field.replay import Comparison
    from voicelink.link_sim.field.signals import open_signal
    from voicelink.models.errors import ParameterError

    if args.speaker is not None and not args.realtime:
        raise ParameterError("--speaker goes with --realtime")
    _, meta = file_names(args.input)
    before = Comparison(read_recording(meta).annotations)
    with (
        open_signal(str(meta), note=note) as signal,
        loudspeaker(args, signal.settings, note) as tap,
    ):
        began = time.monotonic()
        done = 0

        def pace(samples: int) -> None:
            nonlocal done
            done += samples
            time.sleep(max(0.0, began + done / signal.rate - time.monotonic()))

        listen(args, signal, pace if args.realtime else lambda _: None, before.add, tap)
    if before.known:
        print(f"voicelink: {before.summary()}", file=sys.stderr)
    return 0
