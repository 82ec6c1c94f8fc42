"""Options that several verbs share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicelink.link_sim.channels import ChannelChain

SHORT = {
    "loss": ("probability", "P", "lose packets independently with probability P"),
    "bit-errors": ("rate", "P", "invert bits with probability P"),
    "awgn": ("ebn0_db", "DB", "BPSK over white noise at an Eb/N0 of DB, soft decisions"),
    "delay": ("seconds", "S", "hold packets for S seconds"),
    "jitter": ("deviation", "S", "hold packets for a random time, half-normal with S seconds"),
    "reorder": ("probability", "P", "hold packets behind their successor with probability P"),
    "duplicate": ("probability", "P", "send packets twice with probability P"),
    "bandwidth": ("rate", "BPS", "a link of BPS bit/s with a queue of 8 packets"),
}
"""Flags for channels with one number: the setting, its letter in the help, and what it does.

Written out here, and not taken from the channels, so that ``--help`` need not load them."""


def add_channel_options(parser: argparse.ArgumentParser) -> None:
    """The group of options that choose a channel; `chain_from` reads them."""
    group = parser.add_argument_group(
        "channel", "Applied in the order given; without any, packets pass unchanged."
    )
    group.set_defaults(channel_parts=[])
    group.add_argument(
        "--scenario", metavar="NAME", action=_Part, help="a ready-made channel (channel --list)"
    )
    group.add_argument(
        "--yaml", metavar="FILE", action=_Part, type=Path, help="channels from a YAML file"
    )
    group.add_argument(
        "--channel",
        metavar="NAME:KEY=VALUE,...",
        action=_Part,
        help="any channel, as in gilbert-elliott:loss=0.1,burst=3 (channel --list has all)",
    )
    for name, (_, letter, text) in SHORT.items():
        group.add_argument(f"--{name}", metavar=letter, type=float, action=_Part, help=text)
    group.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="of everything random: the same seed gives the same run (default: 0)",
    )


def chain_from(args: argparse.Namespace) -> ChannelChain:
    """The chain that the options of `add_channel_options` describe.

    Raises:
        ParameterError: unknown channels or settings, files that cannot be read, channels that do
            not go together.
    """
    from voicelink.link_sim.channels import ChannelChain
    from voicelink.link_sim.channels.compose import part, scenario

    parts = []
    for option, value in args.channel_parts:
        if option == "scenario":
            value = scenario(value)
        elif option == "channel":
            value = [value]
        elif option in SHORT:
            value = [{option: {SHORT[option][0]: value}}]
        parts.append(part(value))
    channels = [channel for _, some in parts for channel in some]
    return ChannelChain(channels, args.seed, ", ".join(title for title, _ in parts))


def channel_files(args: argparse.Namespace, chain: ChannelChain) -> list[str | Path]:
    """The files that `chain_from` read for its chain."""
    written = [value for option, value in args.channel_parts if option == "yaml"]
    named = [
        getattr(channel, parameter.name)
        for channel in chain.channels
        for parameter in channel.parameters()
        if parameter.kind == "file"
    ]
    return [*written, *named]


class _Part(argparse.Action):
    """Notes the option and its value, so that the order among different options is kept."""

    def __call__(self, parser, namespace, values, option_string=None):
        part = (self.option_strings[0].removeprefix("--"), values)
        namespace.channel_parts = [*namespace.channel_parts, part]
