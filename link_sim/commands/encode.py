"""``voicelink encode``: speech to a bitstream of 800 b/s."""

from __future__ import annotations

import argparse
import sys

HELP = "speech file to bitstream (800 bit/s)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.streams import add_model_option

    parser.add_argument("input", help="audio file, or - for standard input")
    parser.add_argument("output", help="bitstream file, or - for standard output")
    parser.add_argument(
        "--raw",
        action="store_true",
        help="the input is raw 16-bit samples, 8 kHz mono, encoded as they come",
    )
    add_model_option(parser)


def run(args: argparse.Namespace) -> int:
    from voicelink.blocks.audio import read_audio, read_samples
    from voicelink.blocks.bitstream import BitstreamHeader
    from voicelink.link_sim.commands.streams import ended_by_signals, note, open_input, open_output
    from voicelink.models.codec import SpeechEncoder
    from voicelink.models.errors import FormatError
    from voicelink.models.sizes import SUPERFRAME_SAMPLES

    encoder = SpeechEncoder(args.model)
    header = BitstreamHeader(encoder.card.number).to_bytes()
    if args.raw:
        with open_input(args.input) as source, open_output(args.output) as sink:
            sink.write(header)
            heard = False
            # What was said until then is kept when the program is told to end.
            with ended_by_signals() as ended:
                while not ended() and len(audio := read_samples(source, SUPERFRAME_SAMPLES)):
                    sink.write(encoder.encode(audio))
                    sink.flush()
                    heard = True
            if not heard:
                raise FormatError(f"{args.input} holds no samples")
            sink.write(encoder.flush())
        return 0
    payload = encoder.encode(read_audio(args.input, note)) + encoder.flush()
    with open_output(args.output) as sink:
        sink.write(header + payload)
    if args.output != "-":
        print(f"{len(payload)} bytes of payload to {args.output}", file=sys.stderr)
    return 0
