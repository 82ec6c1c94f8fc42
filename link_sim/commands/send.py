"""``voicelink send``: speech from a file, a pipe or a microphone to ZeroMQ or a transceiver."""

from __future__ import annotations

import argparse

HELP = "speech file, pipe or microphone to a ZeroMQ address or a radio, in real time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.live import add_talk_options
    from voicelink.link_sim.commands.sockets import (
        add_end_options,
        add_form_option,
        add_socket_options,
    )
    from voicelink.link_sim.commands.streams import add_link_options, add_voice_option

    parser.add_argument("input", nargs="?", default="-", help="audio file, or - for standard input")
    parser.add_argument(
        "--to", default="tcp://127.0.0.1:5555", help="address (default %(default)s)"
    )
    add_form_option(parser)
    add_socket_options(parser)
    add_end_options(parser, binds=True)
    add_link_options(parser)
    add_voice_option(parser)
    parser.add_argument(
        "--raw",
        action="store_true",
        help="the input is raw 16-bit samples, 8 kHz mono, sent as they come",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="do not wait for the speech's own time: for a receiver with --fast",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=10,
        metavar="S",
        help="seconds to wait for a receiver before the first frame (default 10; 0: not at all)",
    )
    add_talk_options(parser)


def run(args: argparse.Namespace) -> int:
    import sys

    from voicelink.blocks.audio import read_audio, read_samples
    from voicelink.blocks.transmitter import Transmitter
    from voicelink.link_sim.commands.live import identifier_of, is_live, radio_profile, speak
    from voicelink.link_sim.commands.sockets import made_keys, open_sender
    from voicelink.link_sim.commands.streams import (
        ended_by_signals,
        note,
        open_input,
        voice_of_option,
    )
    from voicelink.link_sim.exchange import send_speech
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.sizes import FRAME_SAMPLES, SUPERFRAME_SAMPLES, SUPERFRAME_SECONDS

    if made_keys(args):
        return 0
    require("--wait", args.wait, 0, 1e6)
    profile = radio_profile(args, "checked")
    identifier = identifier_of(args, profile)
    voice = voice_of_option(args)
    transmitter = Transmitter(profile, args.model, args.callsign, args.spread, identifier, voice)
    if args.mic is not None and (args.input != "-" or args.raw or args.fast):
        raise ParameterError(
            "--mic is where the speech comes from: no file, --raw or --fast with it"
        )
    audio = None if args.raw or args.mic is not None else read_audio(args.input, note)
    if is_live(args):
        if args.raw or args.fast:
            raise ParameterError("--raw and --fast go with an address, and no transmitter to key")
        return speak(args, transmitter, audio)
    with open_sender(args, bind=args.bind) as sender:
        note(
            f"{args.profile}, {transmitter.spreader.packet_bits / SUPERFRAME_SECONDS:.0f} bit/s,"
            f" at {sender.endpoint}"
        )
        if args.wait and not sender.wait_for_peer(args.wait):
            note(f"no receiver came within {args.wait:g} s; sending all the same")

        def send(packet):
            # A receiver that is slow for a moment is waited for, as long as speech can wait.
            sender.send(packet, timeout_s=SUPERFRAME_SECONDS)

        # Who listens is told that the over ends, also where the program is told to end.
        with ended_by_signals() as ended:
            if audio is None:
                with open_input(args.input) as source:
                    live = iter(lambda: read_samples(source, FRAME_SAMPLES), None)
                    sent = send_speech(transmitter, _until_empty(live), send, False, ended)
            else:
                # Not all at once: a long file takes a while to encode.
                starts = range(0, len(audio), SUPERFRAME_SAMPLES)
                pieces = (audio[start : start + SUPERFRAME_SAMPLES] for start in starts)
                sent = send_speech(transmitter, pieces, send, not args.fast, ended)
        dropped = f", {sender.dropped} of them dropped" if sender.dropped else ""
        print(f"voicelink: {sent} link frames sent{dropped}", file=sys.stderr)
    return 0


def _until_empty(pieces):
    for piece in pieces:
        if not len(piece):
            return
        yield piece
