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
    from voicelink.models.sizes import SUPERFRAME_SAMPLES

    if not args.raw:
        check_audio_name(args.output)
    with open_input(args.input) as source:
        start = source.read(HEADER_BYTES)
        bare = args.model and card(args.model).engine == "codec2" and not start.startswith(MAGIC)
        if bare or start.startswith(codec2_file.MAGIC):
            decoder = SpeechDecoder(args.model or "codec2-700c-neural")
            if decoder.card.engine != "codec2":
                raise FormatError(
                    f"{args.input} is of Codec 2's 700C, which {decoder.card.id} does not decode"
                )
            pieces = _of_codec2(source, start, args.input)
        else:
            header = BitstreamHeader.from_bytes(start)
            decoder = SpeechDecoder(args.model or card_of_number(header.model).id)
            if decoder.card.number != header.model:
                raise FormatError(
                    f"{args.input} is of the model with the number {header.model};"
                    f" {decoder.card.id} has {decoder.card.number}"
                )
            voice = source.read(header.voice_bytes)
            if voice and len(voice) == header.voice_bytes:
                decoder.set_voice(voice)
            payloads = iter(lambda: source.read(decoder.card.payload_bytes), b"")
            pieces = ((payload, SUPERFRAME_SAMPLES) for payload in payloads)
        size = decoder.card.payload_bytes
        empty = FormatError(f"{args.input} holds no whole superframe of {size} bytes")
        left = 0
        if args.raw:
            # The codec's delay is cut from the front, so that the output lines up with the input.
            skip, heard = decoder.delay, False
            with open_output(args.output) as sink:
                for payload, said in pieces:
                    if left := len(payload) % size:
                        break
                    audio, heard = decoder.decode(payload), True
                    write_samples(sink, audio[skip : said + decoder.delay])
                    skip = max(skip - len(audio), 0)
                if not heard:
                    raise empty
        else:
            parts = list(pieces)
            content, said = b"".join(p for p, _ in parts), sum(samples for _, samples in parts)
            left = len(content) % size
            if len(content) < size:
                raise empty
            audio = decoder.decode(content[: len(content) - left])[decoder.delay :][:said]
            write_audio(args.output, np.asarray(audio))
    if left:
        note(f"{args.input} is cut in the middle: its last {left} bytes are no whole superframe")
    return 0


def _of_codec2(source: BinaryIO, start: bytes, name: str) -> Iterator[tuple[bytes, int]]:
    """The payloads of a stream as Codec 2's ``c2enc`` writes it, as they come, and how many samples
    each stands for: the last one may be filled up."""
    from voicelink.link_sim.commands.streams import note
    from voicelink.models import codec2_file
    from voicelink.models.sizes import FRAME_SAMPLES

    size = codec2_file.SUPERFRAME_BYTES
    held, frames = start, 0
    if start.startswith(codec2_file.MAGIC):
        codec2_file.check_header(start, name)
        held = start[codec2_file.HEADER_BYTES :]
    while held := held + source.read(size - len(held)):
        whole = held[: len(held) // codec2_file.FRAME_BYTES * codec2_file.FRAME_BYTES]
        if whole:
            payload, frames = codec2_file.payloads(whole, name)
            yield payload, frames * FRAME_SAMPLES
        if frames and (left := len(held) - len(whole)):
            note(f"{name} is cut in the middle: its last {left} bytes are no whole frame")
        held = b""
