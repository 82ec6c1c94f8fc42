"""The options of ZeroMQ sockets, and how they are opened."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

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
        "--pdu",
        action="store_true",
        help="send PDUs, as GNU Radio's message blocks take them: soft bits and numbers travel"
        " too; what receives knows both forms",
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
    from voicelink.blocks.zeromq import FrameSender

    return FrameSender(
        args.to,
        _patterns(args)[0],
        bind=bind,
        pdu=args.pdu,
        keys=_keys(args),
        allow_remote=args.allow_remote,
    )


def open_receiver(args: argparse.Namespace, bind: bool) -> FrameReceiver:
    """The receiving socket at ``args.source``."""
    from voicelink.blocks.zeromq import FrameReceiver

    return FrameReceiver(
        args.source,
        _patterns(args)[1],
        bind=bind,
        keys=_keys(args),
        allow_remote=args.allow_remote,
    )


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


def _keys(args: argparse.Namespace) -> Keys | None:
    from voicelink.blocks.zeromq import Keys
    from voicelink.models.errors import ParameterError

    if args.keys is None:
        if args.server_key or args.clients:
            raise ParameterError("--server-key and --clients need --keys, this end's own key file")
        return None
    return Keys.load(args.keys, args.server_key, args.clients)
