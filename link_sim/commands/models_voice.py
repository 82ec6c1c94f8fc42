"""``voicelink models voice``: a speaker's voice, to be sent before what they say."""

from __future__ import annotations

import argparse
import sys

HELP = "take a speaker's voice from a recording, for --voice"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", help="audio file with some seconds of one person's speech")
    parser.add_argument("output", help="file for the voice, or - for standard output")
    parser.add_argument(
        "--model", default="voice-profile", help="a model that sends the voice apart"
    )


def run(args: argparse.Namespace) -> int:
    from voicelink.blocks.audio import read_audio
    from voicelink.link_sim.commands.streams import check_no_audio_name, note, open_output
    from voicelink.models.card import card
    from voicelink.models.errors import ParameterError
    from voicelink.models.files import check_apart, check_folder, check_no_terminal
    from voicelink.models.voice import voice_of

    check_no_audio_name(args.output, "a voice is none: name it .voice")
    check_no_terminal(args.output)
    if args.output != "-":
        check_folder(args.output)
    check_apart([args.output], [args.input])
    if not card(args.model).voice_bytes:
        raise ParameterError(
            f"--model must send the voice apart, as voice-profile, not {args.model}"
        )
    voice = voice_of(read_audio(args.input, note), args.model)
    with open_output(args.output) as sink:
        sink.write(voice)
    if args.output != "-":
        print(f"a voice of {len(voice)} bytes to {args.output}", file=sys.stderr)
    return 0
