"""The options of a ZeroMQ end, and how it is opened."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicelink.blocks.zeromq import Receiver, Sender


def add_socket_options(parser: argparse.ArgumentParser, binds: bool) -> None:
    """Add the options of a socket that binds, or connects, unless told otherwise."""
    parser.add_argument(
        "--pattern", default="pubsub",
        help="pubsub (default): every receiver hears all; pushpull: each frame goes to one",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--bind", dest="bind", action="store_true", default=binds,
        help="wait at the address" + (" (default)" if binds else ""),
    )
    where.add_argument(
        "--connect", dest="bind", action="store_false",
        help="go to the address" + ("" if binds else " (default)"),
    )
    parser.add_argument(
        "--pdu", action="store_true",
        help="serialised PDUs, as GNU Radio's message blocks speak; a receiver knows both",
    )
    parser.add_argument(
        "--allow-remote", action="store_true",
        help="bind also where other machines reach it (use --keys then)",
    )
    parser.add_argument("--keys", metavar="FILE", help="CURVE secret key file of this end")
    parser.add_argument("--server-key", metavar="FILE", help="public key file of the binding end")
    parser.add_argument(
        "--clients", metavar="DIR", help="public key files of those who may connect (binding end)"
    )
    parser.add_argument(
        "--make-keys", metavar="DIR", help="make key files for both ends in DIR, and end"
    )


def open_sender(args: argparse.Namespace) -> Sender:
    """The sending socket at ``args.to``."""
    from voicelink.blocks.zeromq import Sender

    return Sender(
        args.to,
        patterns(args)[0],
        bind=args.bind,
        pdu=args.pdu,
        keys=_keys(args),
        allow_remote=args.allow_remote,
    )


def open_receiver(args: argparse.Namespace) -> Receiver:
    """The receiving socket at ``args.source``."""
    from voicelink.blocks.zeromq import Receiver

    return Receiver(
        args.source,
        patterns(args)[1],
        bind=args.bind,
        form="pdu" if args.pdu else "auto",
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


def patterns(args: argparse.Namespace) -> tuple[str, str]:
    """The patterns of the sending and of the receiving end."""
    from voicelink.models.errors import one_of

    known = {"pubsub": ("pub", "sub"), "pushpull": ("push", "pull")}
    return known[one_of("--pattern", args.pattern, known)]


def _keys(args: argparse.Namespace):
    from voicelink.blocks.zeromq import Keys
    from voicelink.models.errors import ParameterError

    if args.keys is None:
        if args.server_key or args.clients:
            raise ParameterError("--server-key and --clients need --keys, this end's own key file")
        return None
    return Keys.load(args.keys, args.server_key, args.clients)
