"""``voicelink encode``: speech to a bitstream."""

from __future__ import annotations

import argparse
import sys

HELP = "speech file to bitstream (800 bit/s with the default model)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.streams import add_model_option, add_voice_option

    parser.add_argument("input", help="audio file, or - for standard input")
    parser.add_argument("output", help="bitstream file, or - for standard output")
    parser.add_argument(
        "--raw",
        action="store_true",
        help="the input is raw 16-bit samples, 8 kHz mono, encoded as they come",
    )
    add_model_option(parser)
    add_voice_option(parser)


def run(args: argparse.Namespace) -> int:
    from voicelink.blocks.audio import read_audio, read_samples
    from voicelink.blocks.bitstream import BitstreamHeader
    from voicelink.blocks.voice import read_voice
    from voicelink.link_sim.commands.streams import ended_by_signals, note, open_input, open_output
    from voicelink.models.codec import SpeechEncoder
    from voicelink.models.errors import FormatError, ParameterError
    from voicelink.models.sizes import SUPERFRAME_SAMPLES

    voice = read_voice(args.voice)
    encoder = SpeechEncoder(args.model, voice=voice)
    card = encoder.card
    if args.raw:
        if card.voice_bytes and voice is None:
            note(f"{card.id} needs --voice to know the voice from the start; it stays neutral")
        header = BitstreamHeader(card.number, len(voice or b"")).to_bytes()
        with open_input(args.input) as source, open_output(args.output) as sink:
            sink.write(header + (voice or b""))
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
    audio = read_audio(args.input, note)
    payload = encoder.encode(audio) + encoder.flush()
    if card.voice_bytes and voice is None:
        from voicelink.models.voice import voice_of

        try:
            voice = voice_of(audio, args.model)
        except ParameterError as error:
            # What was said is worth more than whose voice it is in.
            note(f"{args.input}: {error}; it stays in the neutral voice")
    with open_output(args.output) as sink:
        sink.write(BitstreamHeader(card.number, len(voice or b"")).to_bytes())
        sink.write((voice or b"") + payload)
    if args.output != "-":
        print(f"{len(payload)} bytes of payload to {args.output}", file=sys.stderr)
    return 0
