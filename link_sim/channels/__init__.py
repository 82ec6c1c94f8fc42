"""Simulated channels: what may happen to packets on their way, alone and one after another.

`channels_from` makes channels from YAML, flags or a scenario's name; `ChannelChain` runs them.
CHANNELS.md, next to this folder, describes each.
"""

from voicelink.link_sim.channels.awgn import Awgn
from voicelink.link_sim.channels.bandwidth import Bandwidth
from voicelink.link_sim.channels.bits import BitErrors
from voicelink.link_sim.channels.chain import ChannelChain, check_order
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.compose import (
    channels_from,
    parse_flag,
    scenario,
    scenario_names,
)
from voicelink.link_sim.channels.fading import Rayleigh, Rician
from voicelink.link_sim.channels.impulses import ImpulseNoise
from voicelink.link_sim.channels.losses import GilbertElliott, Loss, Outage
from voicelink.link_sim.channels.mobile import Mobile
from voicelink.link_sim.channels.modem import Modem
from voicelink.link_sim.channels.offsets import ClockOffset, FrequencyOffset
from voicelink.link_sim.channels.order import Duplicate, Reorder
from voicelink.link_sim.channels.registry import CHANNELS, make
from voicelink.link_sim.channels.timing import Delay, Jitter
from voicelink.link_sim.channels.trace import Trace
from voicelink.link_sim.channels.watterson import Watterson

__all__ = [
    "CHANNELS",
    "Awgn",
    "Bandwidth",
    "BitErrors",
    "Channel",
    "ChannelChain",
    "ClockOffset",
    "Delay",
    "Duplicate",
    "FrequencyOffset",
    "GilbertElliott",
    "ImpulseNoise",
    "Jitter",
    "Loss",
    "Mobile",
    "Modem",
    "Outage",
    "Rayleigh",
    "Reorder",
    "Rician",
    "Trace",
    "Watterson",
    "channels_from",
    "check_order",
    "make",
    "parse_flag",
    "scenario",
    "scenario_names",
]
