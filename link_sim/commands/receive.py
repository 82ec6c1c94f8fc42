"""``voicelink receive``: speech from ZeroMQ or a receiver to a file, a pipe or a loudspeaker."""

from __future__ import annotations

import argparse

HELP = "a ZeroMQ address or a radio to a speech file, pipe or loudspeaker, in real time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.live import add_listen_options
    from voicelink.link_sim.commands.sockets import (
        add_end_options,
        add_socket_options,
        add_stream_option,
    )
    from voicelink.link_sim.commands.streams import add_model_option

    parser.add_argument(
        "output",
        nargs="?",
        default="-",
        help="audio file (.wav, .flac...), or - for standard output",
    )
    parser.add_argument(
        "--from",
        dest="source",
        default="tcp://127.0.0.1:5555",
        metavar="FROM",
        help="address (default %(default)s)",
    )
    add_stream_option(parser)
    add_socket_options(parser)
    add_end_options(parser, binds=False)
    parser.add_argument(
        "--profile",
        default="auto",
        help="plain, checked, half, third; default auto: by the length of each frame",
    )
    add_model_option(parser)
    parser.add_argument(
        "--raw", action="store_true", help="give out raw 16-bit samples, 8 kHz mono, as they come"
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="do not wait for the speech's own time: for a sender with --fast",
    )
    parser.add_argument(
        "--buffer",
        type=float,
        metavar="S",
        help="seconds to wait for stragglers (default 0.4; with --speaker 0.1, and more while"
        " frames come too late)",
    )
    parser.add_argument(
        "--idle",
        type=float,
        default=5,
        metavar="S",
        help="seconds without a frame that end an over (default 5)",
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so long in any case")
    parser.add_argument("--keep", action="store_true", help="go on with the next over")
    parser.add_argument("--json", metavar="FILE", help="write the counts as JSON; - for stdout")
    add_listen_options(parser)


def run(args: argparse.Namespace) -> int:
    from contextlib import ExitStack

    import numpy as np

    from voicelink.blocks.audio import audio_writer, check_audio_name, write_samples
    from voicelink.blocks.receiver import LONGEST_BUFFER, Receiver
    from voicelink.blocks.status import Status
    from voicelink.link_sim.commands.live import (
        hear,
        json_file,
        packet_source,
        radio_profile,
        report,
    )
    from voicelink.link_sim.commands.sockets import made_keys
    from voicelink.link_sim.commands.streams import (
        check_no_audio_name,
        ended_by_signals,
        note,
        open_output,
    )
    from voicelink.link_sim.exchange import receive_speech
    from voicelink.link_sim.listen import Announcer
    from voicelink.link_sim.other_model import check_ours, of_another_model
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.files import check_apart, check_no_terminal

    if made_keys(args):
        return 0
    if args.buffer is None:
        args.buffer = 0.4 if args.speaker is None else 0.1
    require("--buffer", args.buffer, 0, LONGEST_BUFFER)
    require("--idle", args.idle, 0.1, 1e6)
    if args.seconds is not None:
        require("--seconds", args.seconds, 0, 1e9)
    if args.speaker is not None:
        return hear(args)
    if args.output == "-" and args.json == "-":
        raise ParameterError("--json must name a file where the audio goes to standard output")
    check_apart([args.output, args.json])
    if args.raw:
        check_no_audio_name(args.output, "--raw writes samples without a header: name it .raw")
        check_no_terminal(args.output)
    else:
        check_audio_name(args.output)
    receiver = Receiver(radio_profile(args, "auto"), args.model)
    # Where it does not go on, the end says it.
    announcer = Announcer(receiver, note, strangers=args.keep)
    skip = receiver.delay

    callsign = None
    held = []
    with ExitStack() as stack:
        part = stack.enter_context(json_file(args.json))
        source = stack.enter_context(packet_source(args, note))
        note(f"listening at {source.endpoint}")

        def record(write):
            def take(wait):
                announcer.look()
                return source.receive(wait)

            def play(superframe):
                nonlocal skip, callsign
                callsign = receiver.callsign or callsign
                held.append(superframe.audio)
                # In a file, what is concealed waits until speech follows: an over whose last frame
                # was lost does not end with seconds of nothing.
                if args.raw or superframe.status is not Status.CONCEALED:
                    audio = np.concatenate(held)
                    write(audio[skip:])
                    skip = max(0, skip - len(audio))
                    held.clear()

            # What was heard until then is kept when the program is told to end.
            with ended_by_signals() as ended:
                receive_speech(
                    receiver,
                    take,
                    play,
                    buffer=args.buffer,
                    idle=args.idle,
                    seconds=args.seconds,
                    paced=not args.fast,
                    keep=args.keep,
                    stop=ended,
                )
            check_ours(receiver.stranger, receiver.counts.clean + receiver.counts.corrected)

        if args.raw:
            with open_output(args.output) as sink:
                record(lambda audio: write_samples(sink, audio))
        else:
            with audio_writer(args.output) as write:
                record(write)
        counts = receiver.counts.as_dict()
        counts["received"] += source.malformed
        counts["malformed"] += source.malformed
        counts["concealed"] -= len(held)
        counts["callsign"] = callsign or receiver.station.callsign
        counts["text"] = receiver.station.text or None
        report(counts, args.json, part)
    if receiver.stranger is not None and not args.keep:
        note(of_another_model(receiver.stranger))
    return 0
