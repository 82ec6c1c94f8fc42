"""The options of verbs that read or write signals of the modem."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicelink.blocks.packet import Packet

    Tap = Callable[[Packet], object]


def add_mode_options(parser: argparse.ArgumentParser, found: bool = False) -> None:
    """Add ``--mode``, ``--spread`` and ``--offset``.

    Args:
        parser: of the verb.
        found: whether a recording says them itself.
    """
    default = "; default: what a recording says, else " if found else " (default "
    end = "" if found else ")"
    parser.add_argument(
        "--mode",
        default=None if found else "bpsk",
        help=f"of the modem; `voicelink modem modes` lists them{default}bpsk{end}",
    )
    parser.add_argument(
        "--spread",
        type=int,
        default=None if found else 1,
        metavar="N",
        help=f"packets that each frame is spread over, 1, 2, 4, 8 or 16{default}1{end}",
    )
    parser.add_argument(
        "--offset",
        type=float,
        default=None if found else 0.0,
        metavar="HZ",
        help="how far the signal lies above the middle of the I/Q, or above 1500 Hz"
        f"{default}0{end}",
    )


def add_raw_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--rate`` and ``--format``, of signals that do not say them."""
    parser.add_argument(
        "--rate", type=float, metavar="HZ", help="samples/s of raw samples (.cf32, .cu8, .cs16...)"
    )
    parser.add_argument(
        "--format",
        help="of raw samples, where the ending does not say it: cf32, cs16, cs8, cu8, f32, s16;"
        " real ones are a passband signal around 1500 Hz",
    )


def add_listener_options(parser: argparse.ArgumentParser) -> None:
    """Add what a receiver of signals has beside its mode."""
    from voicelink.link_sim.commands.streams import add_model_option

    parser.add_argument(
        "--range",
        type=float,
        default=250.0,
        metavar="HZ",
        help="look for the signal so far to either side (default 250, at most 500)",
    )
    parser.add_argument(
        "--testframes",
        action="store_true",
        help="count the bit errors of what `voicelink field testframes` sends, before and after"
        " error correction; nothing is heard of it",
    )
    add_model_option(parser, found=True)


def add_speaker_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--speaker``."""
    parser.add_argument(
        "--speaker",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="play what is heard on this sound card: its number or a part of its name; alone: the"
        " default one",
    )


@contextmanager
def loudspeaker(
    args: argparse.Namespace, settings: dict, say: Callable[[str], object]
) -> Iterator[Tap]:
    """What takes the packets that are to be heard, where ``--speaker`` was given.

    Args:
        args: the options of the verb.
        settings: what a recording says of how to receive it.
        say: called with a line of what happens.
    """
    if args.speaker is None:
        yield lambda _: None
        return
    from voicelink.blocks.sound_card import SoundOutput
    from voicelink.link_sim.field.loudspeaker import Loudspeaker

    model = mode_of(args, settings)["model"]
    with SoundOutput(args.speaker, say) as card, Loudspeaker(card, say, model) as speaker:
        yield speaker.put


def listener_for(
    args: argparse.Namespace,
    rate: float,
    real: bool,
    settings: dict,
    speech: bool,
    tap: Tap = lambda _: None,
):
    """The listener that the options ask for, with what a recording says where they do not."""
    from voicelink.link_sim.field.listener import SignalListener

    return SignalListener(
        rate,
        real,
        frequency_range=args.range,
        speech=speech,
        testframes=args.testframes,
        tap=tap,
        **mode_of(args, settings),
    )


def mode_of(args: argparse.Namespace, settings: dict) -> dict:
    """Mode, spread, offset and model: of the options, else of a recording, else the usual ones.

    Raises:
        FormatError: the recording's model is none of those here, and none was given.
    """
    from voicelink.models.card import DEFAULT, variants
    from voicelink.models.errors import FormatError

    usual = {"mode": "bpsk", "spread": 1, "offset": 0.0, "model": DEFAULT}
    given = {name: getattr(args, name) for name in usual if getattr(args, name) is not None}
    # By name only: what somebody else's recording says leads into no folder.
    if "model" in settings and "model" not in given and settings["model"] not in variants():
        raise FormatError(
            f"the recording says that it is of the model {settings['model']!r:.60}, which is none"
            " of those here: --model must give its folder"
        )
    return usual | settings | given


def noted(mode: dict) -> dict:
    """What `mode_of` gave, as recordings and logs say it: the model by its name, that of one in a
    folder so that it is not taken for a released one."""
    from voicelink.models.card import card

    found = card(mode["model"])
    return mode | {"model": found.name if found.is_released else f"{found.name} (not released)"}
