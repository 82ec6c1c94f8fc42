"""``voicelink sim``: speech through a simulated link, and what became of it."""

from __future__ import annotations

import argparse
import sys

HELP = "speech file through a simulated link to a speech file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.options import add_channel_options
    from voicelink.link_sim.commands.streams import add_link_options, add_voice_option

    parser.add_argument("input", help="audio file, or - for standard input")
    parser.add_argument("output", help="audio file (.wav, .flac...), or - for standard output")
    add_link_options(parser)
    add_voice_option(parser)
    add_channel_options(parser)
    parser.add_argument(
        "--buffer",
        type=float,
        default=0.2,
        metavar="S",
        help="seconds that the receiver waits for stragglers (default 0.2)",
    )
    parser.add_argument("--picture", metavar="FILE", help="draw waveform, spectrograms and frames")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON; - for stdout")


def run(args: argparse.Namespace) -> int:
    import json

    from voicelink.blocks.audio import check_audio_name, read_audio, write_audio
    from voicelink.link_sim.commands.options import chain_from, channel_files
    from voicelink.link_sim.commands.streams import note, voice_of_option
    from voicelink.link_sim.picture import check_picture_name, draw
    from voicelink.link_sim.score import score
    from voicelink.link_sim.simulation import simulate
    from voicelink.link_sim.summary import summary
    from voicelink.models.errors import ParameterError
    from voicelink.models.files import check_apart, check_folder, writing

    if args.output == "-" and args.json == "-":
        raise ParameterError("--json must name a file where the audio goes to standard output")
    check_audio_name(args.output)
    if args.picture:
        check_picture_name(args.picture)
    if args.json and args.json != "-":
        check_folder(args.json)
    chain = chain_from(args)
    outputs = [args.output, args.picture, args.json]
    check_apart(outputs, [args.input, args.voice, *channel_files(args, chain)])
    voice = voice_of_option(args)
    audio = read_audio(args.input, note)
    result = simulate(
        audio, chain, args.profile, args.model, args.buffer, args.callsign, args.spread, voice
    )
    report = result.report
    report["seed"] = args.seed
    report["quality"] = score(audio, result.audio)
    write_audio(args.output, result.audio)
    if args.picture:
        stages = ", ".join(map(str, chain.channels)) or "no channel"
        link = report["profile"] + (f" spread over {args.spread}" if args.spread > 1 else "")
        title = f"{report['model']}, profile {link}, over {stages}"
        draw(args.picture, audio, result.audio, result.statuses, title)
    if args.json == "-":
        print(json.dumps(report, indent=2))
    else:
        if args.json:
            with writing(args.json) as part:
                part.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        # With audio on standard output, the words go beside it.
        print(summary(report), file=sys.stderr if args.output == "-" else sys.stdout)
    return 0
