"""``voicelink demodulate``: a signal from the air to speech."""

from __future__ import annotations

import argparse

HELP = "the modem's signal (audio, SigMF or raw I/Q) to speech file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.signal_options import (
        add_listener_options,
        add_mode_options,
        add_raw_options,
    )

    parser.add_argument(
        "input",
        help="signal: .wav, .flac (mono: passband around 1500 Hz; stereo: I/Q), .sigmf-meta,"
        " .cf32, .cs16, .cs8, .cu8, or - for raw samples on standard input",
    )
    parser.add_argument(
        "heard", nargs="?", help="audio file (.wav, .flac...), or - for standard output"
    )
    add_raw_options(parser)
    add_mode_options(parser, found=True)
    add_listener_options(parser)
    parser.add_argument(
        "--json", metavar="FILE", help="write a line of JSON for each frame; - for stdout"
    )


def run(args: argparse.Namespace) -> int:
    from voicelink.link_sim.commands.listening import listen
    from voicelink.link_sim.commands.streams import note
    from voicelink.link_sim.field.signals import open_signal

    with open_signal(args.input, args.rate, args.format, note) as signal:
        return listen(args, signal)
