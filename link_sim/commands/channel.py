"""``voicelink channel``: a simulated channel between two ZeroMQ addresses, in real time."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from voicelink.link_sim.commands.options import add_channel_options, chain_from
from voicelink.link_sim.commands.sockets import (
    add_form_option,
    add_socket_options,
    add_stream_option,
    open_receiver,
    open_sender,
)
from voicelink.link_sim.commands.streams import (
    add_model_option,
    ended_by_signals,
    payload_bits_of,
)
from voicelink.models.errors import ParameterError, require

if TYPE_CHECKING:
    from voicelink.blocks.zeromq import FrameReceiver, FrameSender
    from voicelink.link_sim.live import LiveReport, PacketSink

HELP = "a simulated channel between two ZeroMQ addresses, in real time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument(
        "--from",
        dest="source",
        metavar="ADDRESS",
        default="tcp://127.0.0.1:5555",
        help="where packets come from; connects (default: %(default)s)",
    )
    parser.add_argument(
        "--to",
        metavar="ADDRESS",
        default="tcp://127.0.0.1:5556",
        help="where they go; binds (default: %(default)s)",
    )
    parser.add_argument("--bind-from", action="store_true", help="bind --from, not connect")
    parser.add_argument("--connect-to", action="store_true", help="connect --to, not bind")
    add_stream_option(parser)
    parser.add_argument(
        "--profile",
        metavar="NAME",
        default="auto",
        help="of the frames in a --stream: plain, checked, half, third",
    )
    add_form_option(parser)
    add_socket_options(parser)
    parser.add_argument("--seconds", metavar="S", type=float, help="stop after so long")
    parser.add_argument(
        "--every", metavar="S", type=float, default=5.0, help="report every S seconds (default: 5)"
    )
    parser.add_argument("--json", action="store_true", help="report as JSON, one line each time")
    parser.add_argument(
        "--no-view",
        action="store_true",
        help="lines in place of the picture that is shown where standard error is a terminal",
    )
    parser.add_argument(
        "--list", action="store_true", help="list channels, settings and scenarios, and leave"
    )
    add_model_option(parser)
    add_channel_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    if args.list:
        listing = _listing()
        print(json.dumps(listing, indent=2) if args.json else _listing_text(listing))
        return 0
    require("--every", args.every, 0.01)
    if args.seconds is not None:
        require("--seconds", args.seconds, 0)
    chain = chain_from(args)
    chain.carry(payload_bits_of(args))
    if chain.gives_soft(args.stream == "floats") and args.form != "pdu":
        raise ParameterError(
            f"--form {args.form} carries hard bits: --form pdu sends soft ones, or give "
            "--channel awgn:ebn0_db=...,decisions=hard"
        )

    from voicelink.link_sim.live import run_live
    from voicelink.link_sim.live_view import EVERY_S, can_show

    with (
        ended_by_signals() as stop,
        open_receiver(args, bind=args.bind_from) as receiver,
        open_sender(args, bind=not args.connect_to) as sender,
        ExitStack() as stack,
    ):
        title = f"channel: {receiver.endpoint} -> {sender.endpoint}"
        print(title, file=sys.stderr, flush=True)
        every = args.every
        if can_show() and not (args.no_view or args.json):
            sender, show = _view(args, title, receiver, sender, stack)
            every = min(every, EVERY_S)
        else:

            def show(report: LiveReport) -> None:
                if args.json:
                    values = _as_dict(report, receiver.malformed)
                    print(json.dumps({"final": False} | values), flush=True)
                else:
                    print(_line(report), file=sys.stderr, flush=True)

        report = run_live(
            receiver, sender, chain,
            stop=stop, seconds=args.seconds, on_status=show, status_every=every,
        )  # fmt: skip
        stack.close()
        values = _as_dict(report, receiver.malformed)
        print(json.dumps({"final": True} | values) if args.json else _summary(values), flush=True)
    return 0


def _view(
    args: argparse.Namespace,
    title: str,
    receiver: FrameReceiver,
    sender: FrameSender,
    stack: ExitStack,
) -> tuple[PacketSink, Callable[[LiveReport], None]]:
    """Begin the picture on the terminal: a sink that reads what it sends, and what draws."""
    from voicelink.link_sim.live_reading import ReadingSink
    from voicelink.link_sim.live_view import LiveView

    reading = ReadingSink(sender, args.profile, model=args.model)
    view = stack.enter_context(LiveView(title, reading))
    return reading, lambda report: view.show(report, receiver.malformed)


def _line(report: LiveReport) -> str:
    return (
        f"{report.seconds:7.1f} s  in {report.packets_in} ({report.rate_in:.0f} b/s)  "
        f"out {report.packets_out} ({report.rate_out:.0f} b/s)  waiting {report.waiting}"
    )


def _as_dict(report: LiveReport, malformed: int) -> dict[str, Any]:
    values = report.as_dict()
    channels = values.pop("channels")
    return values | {"malformed": malformed, "channels": channels}


def _summary(values: dict[str, Any]) -> str:
    channels = values.pop("channels")
    rows = [f"{name.replace('_', ' '):20} {value}" for name, value in values.items()]
    for counts in channels:
        words = [f"{name.replace('_', ' ')} {_short(value)}" for name, value in counts.items()]
        rows.append(", ".join(words))
    return "\n".join(rows)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _listing() -> dict[str, Any]:
    from voicelink.link_sim.channels import CHANNELS, scenario, scenario_names

    channels = {
        name: {
            "help": channel.help,
            "settings": {
                parameter.name: {
                    "help": parameter.help,
                    "kind": parameter.kind,
                    "range": parameter.range,
                    "unit": parameter.unit,
                    "required": parameter.required,
                    "default": None if parameter.required else parameter.default,
                }
                for parameter in channel.parameters()
            },
        }
        for name, channel in CHANNELS.items()
    }
    return {"channels": channels, "scenarios": {name: scenario(name) for name in scenario_names()}}


def _listing_text(listing: dict[str, Any]) -> str:
    rows = ["Channels, for --channel NAME:KEY=VALUE,... and YAML:"]
    for name, channel in listing["channels"].items():
        rows.append(f"\n  {name}: {channel['help']}")
        for key, setting in channel["settings"].items():
            default = setting["default"]
            if setting["required"]:
                note = "required"
            elif default is None:
                note = "optional"
            else:
                note = f"default {str(default).lower() if isinstance(default, bool) else default}"
            rows.append(f"    {key:14} {setting['help']}; {setting['range']}; {note}")
    rows.append("\nReady-made, for --scenario NAME:\n")
    for name, scenario in listing["scenarios"].items():
        rows.append(f"  {name:16} {scenario['title']}: {scenario['about']}")
    return "\n".join(rows)
