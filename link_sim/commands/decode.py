"""``voicelink decode``: a bitstream to speech."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import BinaryIO

HELP = "bitstream to speech file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input", help="bitstream file, or a .c2 file of Codec 2's 700C, or - for standard input"
    )
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
    from voicelink.blocks.bitstream import HEADER_BYTES, MAGIC, BitstreamHeader
    from voicelink.link_sim.commands.streams import note, open_input, open_output
    from voicelink.models import codec2_file
    from voicelink.models.card import card, card_of_number
    from voicelink.models.codec import SpeechDecoder
    from voicelink.models.errors import FormatError

    if not args.raw:
        check_audio_name(args.output)
    with open_input(args.input) as source:
        start = source.read(HEADER_BYTES)
        bare = args.model and card(args.model).engine == "codec2" and not start.startswith(MAGIC)
        if bare or start.startswith(codec2_file.MAGIC):
            decoder = SpeechDecoder(args.model or "codec2-700c-neural")
            payloads = _of_codec2(source, start, args.input)
        else:
            header = BitstreamHeader.from_bytes(start)
            decoder = SpeechDecoder(args.model or card_of_number(header.model).id)
            voice = source.read(header.voice_bytes)
            if voice and len(voice) == header.voice_bytes:
                decoder.set_voice(voice)
            payloads = iter(lambda: source.read(decoder.card.payload_bytes), b"")
        size = decoder.card.payload_bytes
        empty = FormatError(f"{args.input} holds no whole superframe of {size} bytes")
        left = 0
        if args.raw:
            # The codec's delay is cut from the front, so that the output lines up with the input.
            skip, heard = decoder.delay, False
            with open_output(args.output) as sink:
                for payload in payloads:
                    if left := len(payload) % size:
                        break
                    audio, heard = decoder.decode(payload), True
                    write_samples(sink, audio[skip:])
                    skip = max(skip - len(audio), 0)
                if not heard:
                    raise empty
        else:
            content = b"".join(payloads)
            left = len(content) % size
            if len(content) < size:
                raise empty
            audio = decoder.decode(content[: len(content) - left])[decoder.delay :]
            write_audio(args.output, np.asarray(audio))
    if left:
        note(f"{args.input} is cut in the middle: its last {left} bytes are no whole superframe")
    return 0


def _of_codec2(source: BinaryIO, start: bytes, name: str) -> Iterator[bytes]:
    """The payloads of a stream as Codec 2's ``c2enc`` writes it, as they come."""
    from voicelink.models import codec2_file

    size = codec2_file.SUPERFRAME_BYTES
    held = start
    if start.startswith(codec2_file.MAGIC):
        codec2_file.check_header(start, name)
        held = start[codec2_file.HEADER_BYTES :]
    while held := held + source.read(size - len(held)):
        whole = held[: len(held) // codec2_file.FRAME_BYTES * codec2_file.FRAME_BYTES]
        if whole:
            yield codec2_file.payloads(whole, name)[0]
        held = b""
