"""What several verbs share: the model option, notes, and files that may be pipes."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from voicelink.models.card import DEFAULT
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.files import writing


def add_model_option(parser: argparse.ArgumentParser, found: bool = False) -> None:
    """Add ``--model``; ``found``: whether a recording says it itself."""
    usual = f"what a recording says, else {DEFAULT}" if found else DEFAULT
    parser.add_argument(
        "--model",
        default=None if found else DEFAULT,
        help=f"a model's id or folder (default: {usual})",
    )


def payload_bits_of(args: argparse.Namespace) -> int:
    """Bits of the payloads of the model that ``--model`` names."""
    from voicelink.models.card import card

    return card(args.model).payload_bits


def add_voice_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--voice``."""
    parser.add_argument(
        "--voice",
        metavar="FILE",
        help="the speaker's voice, as `voicelink models voice` writes it, for models that send it"
        " apart; without, it is taken from the speech",
    )


def voice_of_option(args: argparse.Namespace) -> bytes | None:
    """The voice that ``--voice`` names, for the model that ``--model`` names; None without.

    Raises:
        FormatError: the file cannot be read.
        ParameterError: the model takes no voice, or one of another length.
    """
    from voicelink.blocks.voice import read_voice
    from voicelink.models.card import card, released

    if args.voice is None:
        return None
    found = card(args.model)
    if not found.voice_bytes:
        others = ", ".join(name for name in released() if card(name).voice_bytes)
        raise ParameterError(
            f"--voice: {found.name} has no voice to be given, as it does not send it apart;"
            f" {others} has"
        )
    voice = read_voice(args.voice)
    if len(voice) != found.voice_bytes:
        raise ParameterError(
            f"--voice: {args.voice} holds {len(voice)} bytes; a voice of {found.name} has"
            f" {found.voice_bytes}"
        )
    return voice


def check_no_audio_name(path: str, instead: str) -> None:
    """Raise `ParameterError` where what is no audio file would get the name of one; ``instead``
    says what goes there."""
    from voicelink.blocks.audio import names_audio

    if path != "-" and names_audio(path):
        raise ParameterError(f"{path} has the name of an audio file; {instead}")


def add_link_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--profile``, ``--spread``, ``--model`` and ``--callsign``."""
    parser.add_argument(
        "--profile",
        default="checked",
        help="how the link protects a superframe: plain, checked (default), half, third",
    )
    parser.add_argument(
        "--spread",
        type=int,
        default=1,
        metavar="N",
        help="spread each frame over N packets, 1 (default), 2, 4, 8 or 16, against lost packets; "
        "it comes (N - 1) x 320 ms later; with plain and checked, which correct no errors, a lost "
        "packet harms N frames a little instead of one wholly",
    )
    add_model_option(parser)
    parser.add_argument(
        "--callsign", default="", help="up to 9 characters that identify the sender"
    )


def note(text: str) -> None:
    """One line to standard error, beside the data."""
    print(f"voicelink: note: {text}", file=sys.stderr)


def name_of(path: str) -> str:
    """What an input is called in messages."""
    return "standard input" if path == "-" else path


@contextmanager
def open_input(path: str) -> Iterator[BinaryIO]:
    """A file to read bytes from; ``-`` is standard input."""
    if path == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb"))
        except OSError as error:
            raise FormatError(f"cannot read {path}: {error.strerror}") from None
        yield file


@contextmanager
def open_output(path: str) -> Iterator[BinaryIO]:
    """A file to write bytes to, there only when all went well; ``-`` is standard output."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with writing(path) as part, open(part, "wb") as file:
        yield file


@contextmanager
def ended_by_signals() -> Iterator[Callable[[], bool]]:
    """Take SIGINT and SIGTERM as a wish to end in order: gives what tells whether one came.

    The second one does what it does elsewhere: it ends a program that waits for its input.
    """
    came = []
    before = {s: signal.getsignal(s) for s in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def heed(*_: object) -> None:
        came.append(1)
        restore()

    for number in _SIGNALS:
        signal.signal(number, heed)
    try:
        yield lambda: bool(came)
    finally:
        restore()


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
