"""``voicelink encode``: speech to a bitstream."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicelink.models.card import Card

HELP = "speech file to bitstream (800 bit/s with the default model)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from voicelink.link_sim.commands.streams import add_model_option, add_voice_option

    parser.add_argument("input", help="audio file, or - for standard input")
    parser.add_argument(
        "output",
        help="bitstream file (.vl), or - for standard output; with --model codec2-700c-neural also"
        " .c2, which c2dec reads",
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="the input is raw 16-bit samples, 8 kHz mono, encoded as they come",
    )
    add_model_option(parser)
    add_voice_option(parser)


def run(args: argparse.Namespace) -> int:
    from voicelink.blocks.audio import read_audio, read_samples
    from voicelink.link_sim.commands.streams import (
        check_no_audio_name,
        ended_by_signals,
        name_of,
        note,
        open_input,
        open_output,
        voice_of_option,
    )
    from voicelink.models.codec import SpeechEncoder
    from voicelink.models.errors import FormatError, ParameterError
    from voicelink.models.files import check_apart, check_folder, check_no_terminal
    from voicelink.models.sizes import SUPERFRAME_SAMPLES

    check_no_audio_name(args.output, "a bitstream is none: name it .vl")
    if args.raw:
        check_no_audio_name(args.input, "--raw takes samples without a header: leave --raw out")
    check_apart([args.output], [args.input, args.voice])
    voice = voice_of_option(args)
    encoder = SpeechEncoder(args.model, voice=voice)
    card = encoder.card
    begin, content = _form(args.output, card)
    check_no_terminal(args.output)
    if args.output != "-":
        check_folder(args.output)
    if args.raw:
        if card.voice_bytes and voice is None:
            note(f"{card.id} needs --voice to know the voice from the start; it stays neutral")
        with open_input(args.input) as source, open_output(args.output) as sink:
            start = begin(voice)
            # What was said until then is kept when the program is told to end.
            with ended_by_signals() as ended:
                while not ended() and len(audio := read_samples(source, SUPERFRAME_SAMPLES)):
                    sink.write(start + content(encoder.encode(audio)))
                    sink.flush()
                    start = b""
            if start:
                raise FormatError(f"{name_of(args.input)} holds no samples")
            sink.write(content(encoder.flush()))
        return 0
    audio = read_audio(args.input, note)
    payload = encoder.encode(audio) + encoder.flush()
    if card.voice_bytes and voice is None:
        from voicelink.models.voice import voice_of

        try:
            voice = voice_of(audio, args.model)
        except ParameterError as error:
            # What was said is worth more than whose voice it is in.
            note(f"{name_of(args.input)}: {error}; it stays in the neutral voice")
    whole = begin(voice) + content(payload)
    with open_output(args.output) as sink:
        sink.write(whole)
    if args.output != "-":
        print(f"{len(whole)} bytes to {args.output}", file=sys.stderr)
    return 0


def _form(
    output: str, card: Card
) -> tuple[Callable[[bytes | None], bytes], Callable[[bytes], bytes]]:
    """What a file of this name begins with, given the voice, and what payloads become in it.

    Raises:
        ParameterError: it is named as one of Codec 2's, and the model is another.
    """
    from voicelink.blocks.bitstream import BitstreamHeader
    from voicelink.models import codec2_file
    from voicelink.models.errors import ParameterError

    if Path(output).suffix.lower() == codec2_file.SUFFIX:
        if card.engine != "codec2":
            raise ParameterError(
                f"{output}: {codec2_file.SUFFIX} files are Codec 2's, which c2enc makes, or --model"
                f" codec2-700c-neural; name a bitstream of {card.name} .vl"
            )
        return lambda voice: codec2_file.HEADER, codec2_file.stream

    def begin(voice: bytes | None) -> bytes:
        return BitstreamHeader(card.number, len(voice or b"")).to_bytes() + (voice or b"")

    return begin, lambda payload: payload
