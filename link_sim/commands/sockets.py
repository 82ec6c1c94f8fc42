"""The options of ZeroMQ sockets, and how they are opened."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voicelink.blocks.zeromq import FrameReceiver, FrameSender, Keys

_PATTERNS = {"pubsub": ("pub", "sub"), "pushpull": ("push", "pull")}


def add_socket_options(parser: argparse.ArgumentParser) -> None:
    """Add what all sockets of a verb have in common."""
    parser.add_argument(
        "--pattern",
        metavar="pubsub|pushpull",
        default="pubsub",
        help="every receiver hears all (default), or each frame goes to one",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="bind also where other machines reach it (use --keys then)",
    )
    parser.add_argument("--keys", metavar="FILE", help="CURVE secret key file of this end")
    parser.add_argument("--server-key", metavar="FILE", help="public key file of the binding end")
    parser.add_argument(
        "--clients", metavar="DIR", help="public key files of those who may connect (binding end)"
    )


def add_form_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--form``, for a verb that sends."""
    parser.add_argument(
        "--form",
        metavar="raw|pdu|stream|tagged",
        default="raw",
        help="what is sent: frames alone (default); for GNU Radio's message blocks PDUs, which"
        " carry soft bits and numbers too; for its stream blocks bytes, with a sync word before"
        " each frame (pass tags off) or with tags (pass tags on)",
    )


def add_stream_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--stream``, for a verb that receives."""
    parser.add_argument(
        "--stream",
        metavar="bytes|bits|floats",
        help="what comes is a stream from GNU Radio's stream blocks, of packed bytes, of bits or"
        " of soft bits: frames are found by their sync words, which needs --profile, or by tags;"
        " without it, all other forms are told apart, and tagged bytes and bits too",
    )
    parser.add_argument(
        "--spread",
        type=int,
        default=1,
        metavar="N",
        help="packets that the sender spreads each frame of a --stream or --radio over (default 1);"
        " elsewhere their length tells it",
    )


def add_end_options(parser: argparse.ArgumentParser, binds: bool) -> None:
    """Add what a verb with one socket has, which binds, or connects, unless told otherwise."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--bind",
        action="store_true",
        default=binds,
        help="wait at the address" + (" (default)" if binds else ""),
    )
    where.add_argument(
        "--connect",
        dest="bind",
        action="store_false",
        help="go to the address" + ("" if binds else " (default)"),
    )
    parser.add_argument(
        "--make-keys", metavar="DIR", help="make key files for both ends in DIR, and leave"
    )


def open_sender(args: argparse.Namespace, bind: bool) -> FrameSender:
    """The sending socket at ``args.to``."""
    from voicelink.blocks.zeromq import SENT_FORMS, FrameSender
    from voicelink.link_sim.commands.streams import payload_bits_of
    from voicelink.models.errors import one_of

    return FrameSender(
        args.to,
        _patterns(args)[0],
        bind=bind,
        form=one_of("--form", args.form, SENT_FORMS),
        keys=_keys(args),
        allow_remote=args.allow_remote,
        payload_bits=payload_bits_of(args),
    )


def open_receiver(args: argparse.Namespace, bind: bool, others: bool = False) -> FrameReceiver:
    """The receiving socket at ``args.source``; ``others`` as of `FrameReceiver`."""
    from voicelink.blocks.zeromq import FrameReceiver
    from voicelink.link_sim.commands.streams import payload_bits_of

    return FrameReceiver(
        args.source,
        _patterns(args)[1],
        bind=bind,
        **_stream(args),
        keys=_keys(args),
        allow_remote=args.allow_remote,
        payload_bits=payload_bits_of(args),
        others=others,
    )


def zeromq_settings(args: argparse.Namespace) -> dict[str, Any]:
    """Pattern, end, keys and leave to bind of a receiving socket."""
    return {
        "pattern": _patterns(args)[1],
        "bind": args.bind,
        "keys": _keys(args),
        "allow_remote": args.allow_remote,
    }


def made_keys(args: argparse.Namespace) -> bool:
    """Whether ``--make-keys`` was asked for; then they are made and named."""
    if not args.make_keys:
        return False
    from voicelink.blocks.zeromq import make_keys

    for path in make_keys(args.make_keys):
        print(path)
    return True


def _patterns(args: argparse.Namespace) -> tuple[str, str]:
    """The patterns of the sending and of the receiving end."""
    from voicelink.models.errors import one_of

    return _PATTERNS[one_of("--pattern", args.pattern, _PATTERNS)]


def _stream(args: argparse.Namespace) -> dict[str, Any]:
    """How the receiving end finds frames."""
    from voicelink.blocks.profile import profiles
    from voicelink.blocks.stream_items import ITEMS
    from voicelink.models.errors import ParameterError, one_of

    if args.stream is None:
        if args.spread != 1:
            raise ParameterError("--spread goes with --stream: elsewhere the length tells it")
        return {}
    items = one_of("--stream", args.stream, ITEMS)
    if args.profile == "auto":
        known = ", ".join(profiles())
        raise ParameterError(f"--stream needs --profile, one of {known}: the frames' length")
    stream = {"form": "stream", "items": items, "profile": args.profile}
    return stream | {"spread": args.spread}


def _keys(args: argparse.Namespace) -> Keys | None:
    from voicelink.blocks.zeromq import Keys
    from voicelink.models.errors import ParameterError

    if args.keys is None:
        if args.server_key or args.clients:
            raise ParameterError("--server-key and --clients need --keys, this end's own key file")
        return None
    return Keys.load(args.keys, args.server_key, args.clients)
