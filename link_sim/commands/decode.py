"""``voicelink decode``: a bitstream to speech."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from voicelink.blocks.bitstream import BitstreamHeader

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
    from voicelink.blocks.bitstream import HEADER_BYTES, MAGIC
    from voicelink.link_sim.commands.streams import (
        check_no_audio_name,
        name_of,
        note,
        open_input,
        open_output,
    )
    from voicelink.models import codec2_file
    from voicelink.models.card import card, card_of_number
    from voicelink.models.codec import SpeechDecoder
    from voicelink.models.errors import FormatError
    from voicelink.models.files import check_apart, check_no_terminal
    from voicelink.models.sizes import SUPERFRAME_SAMPLES

    if args.raw:
        check_no_audio_name(args.output, "--raw writes samples without a header: name it .raw")
        check_no_terminal(args.output)
    else:
        check_audio_name(args.output)
    check_apart([args.output], [args.input])
    name = name_of(args.input)
    with open_input(args.input) as source:
        start = source.read(HEADER_BYTES)
        bare = args.model and card(args.model).engine == "codec2" and not start.startswith(MAGIC)
        if bare or start.startswith(codec2_file.MAGIC):
            decoder = SpeechDecoder(args.model or "codec2-700c-neural")
            if decoder.card.engine != "codec2":
                raise FormatError(
                    f"{name} is of Codec 2's 700C, which {decoder.card.id} does not decode"
                )
            pieces = _of_codec2(source, start, name)
            unit = f"frame of {codec2_file.FRAME_BYTES}"
        else:
            header = _header(start, name)
            decoder = SpeechDecoder(args.model or card_of_number(header.model).id)
            if decoder.card.number != header.model:
                raise FormatError(
                    f"{name} is of the model with the number {header.model};"
                    f" {decoder.card.id} has {decoder.card.number}"
                )
            voice = source.read(header.voice_bytes)
            if voice and len(voice) == header.voice_bytes:
                decoder.set_voice(voice)
            payloads = iter(lambda: source.read(decoder.card.payload_bytes), b"")
            pieces = ((payload, SUPERFRAME_SAMPLES) for payload in payloads)
            unit = f"superframe of {decoder.card.payload_bytes}"
        size = decoder.card.payload_bytes
        empty = FormatError(f"{name} holds no whole {unit} bytes")
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
        note(f"{name} is cut in the middle: its last {left} bytes are no whole superframe")
    return 0


def _header(start: bytes, name: str) -> BitstreamHeader:
    """The header that a bitstream begins with; `FormatError` says what else it may be."""
    from voicelink.blocks.bitstream import BitstreamHeader
    from voicelink.models import codec2_file
    from voicelink.models.errors import FormatError

    try:
        return BitstreamHeader.from_bytes(start)
    except FormatError as error:
        hint = ""
        named = name.lower().endswith(codec2_file.SUFFIX) and start
        if named or codec2_file.may_begin(start):
            hint = (
                "; if it is Codec 2's 700C without a header, --model codec2-700c-neural decodes it"
            )
        raise FormatError(f"{name}: {error}{hint}") from None


def _of_codec2(source: BinaryIO, start: bytes, name: str) -> Iterator[tuple[bytes, int]]:
    """The payloads of a stream as Codec 2's ``c2enc`` writes it, as they come, and how many samples
    each stands for. The last one is filled up; where it is whole, one more follows that stands for
    none, so that the decoder, which lags, says all of it."""
    from voicelink.link_sim.commands.streams import note
    from voicelink.models import codec2_file
    from voicelink.models.sizes import FRAME_SAMPLES, FRAMES

    size = codec2_file.SUPERFRAME_BYTES
    held, frames, last = start, 0, b""
    if start.startswith(codec2_file.MAGIC):
        codec2_file.check_header(start, name)
        held = start[codec2_file.HEADER_BYTES :]
    while held := held + source.read(size - len(held)):
        whole = held[: len(held) // codec2_file.FRAME_BYTES * codec2_file.FRAME_BYTES]
        if whole:
            last = whole[-codec2_file.FRAME_BYTES :]
            payload, frames = codec2_file.payloads(whole, name)
            yield payload, frames * FRAME_SAMPLES
        if frames and (left := len(held) - len(whole)):
            note(f"{name} is cut in the middle: its last {left} bytes are no whole frame")
        held = b""
    if frames == FRAMES:
        yield codec2_file.payloads(last, name)[0], 0
