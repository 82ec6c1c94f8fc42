"""Simulated channels: what may happen to packets on their way, alone and one after another.

`channels_from` makes channels from YAML, flags or a scenario's name; `ChannelChain` runs them.
CHANNELS.md, next to this folder, describes each.
"""

from voicelink.link_sim.channels.bandwidth import Bandwidth
from voicelink.link_sim.channels.bits import Awgn, BitErrors
from voicelink.link_sim.channels.chain import ChannelChain, check_order
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.compose import (
    channels_from,
    parse_flag,
    scenario,
    scenario_names,
)
from voicelink.link_sim.channels.losses import GilbertElliott, Loss, Outage
from voicelink.link_sim.channels.order import Duplicate, Reorder
from voicelink.link_sim.channels.registry import CHANNELS, make
from voicelink.link_sim.channels.timing import Delay, Jitter

__all__ = [
    "CHANNELS",
    "Awgn",
    "Bandwidth",
    "BitErrors",
    "Channel",
    "ChannelChain",
    "Delay",
    "Duplicate",
    "GilbertElliott",
    "Jitter",
    "Loss",
    "Outage",
    "Reorder",
    "channels_from",
    "check_order",
    "make",
    "parse_flag",
    "scenario",
    "scenario_names",
]
