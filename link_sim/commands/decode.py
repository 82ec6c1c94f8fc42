"""``voicelink decode``: a bitstream to speech."""

from __future__ import annotations

import argparse

HELP = "bitstream to speech file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", help="bitstream file, or - for standard input")
    parser.add_argument("output", help="audio file (.wav, .flac...), or - for standard output")
    parser.add_argument(
        "--raw",
        action="store_true",
        help="give out raw 16-bit samples, 8 kHz mono, decoded as they come",
    )
    parser.add_argument(
        "--model", help="decode with this model; by default the one that the bitstream names"
    )


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from voicelink.blocks.audio import check_audio_name, write_audio, write_samples
    from voicelink.blocks.bitstream import HEADER_BYTES, BitstreamHeader, split_payloads
    from voicelink.link_sim.commands.streams import note, open_input, open_output
    from voicelink.models.card import card_of_number
    from voicelink.models.codec import SpeechDecoder
    from voicelink.models.errors import FormatError

    if not args.raw:
        check_audio_name(args.output)
    with open_input(args.input) as source:
        header = BitstreamHeader.from_bytes(source.read(HEADER_BYTES))
        decoder = SpeechDecoder(args.model or card_of_number(header.model).id)
        voice = source.read(header.voice_bytes)
        size = decoder.card.payload_bytes
        empty = f"{args.input} holds no whole superframe of {size} bytes"
        if voice and len(voice) == header.voice_bytes:
            decoder.set_voice(voice)
        left = 0
        if args.raw:
            # The codec's delay is cut from the front, so that the output lines up with the input.
            skip, heard = decoder.delay, False
            with open_output(args.output) as sink:
                while content := source.read(size):
                    payload, left = split_payloads(content, size)
                    if payload:
                        audio, heard = decoder.decode(payload), True
                        write_samples(sink, audio[skip:])
                        skip = max(skip - len(audio), 0)
                if not heard:
                    raise FormatError(empty)
        else:
            payload, left = split_payloads(source.read(), size)
            if not payload:
                raise FormatError(empty)
            audio = decoder.decode(payload)[decoder.delay :]
            write_audio(args.output, np.asarray(audio))
    if left:
        note(f"{args.input} is cut in the middle: its last {left} bytes are no whole superframe")
    return 0
