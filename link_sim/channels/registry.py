"""All channels by name, and the making of one from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from voicelink.link_sim.channels.awgn import Awgn
from voicelink.link_sim.channels.bandwidth import Bandwidth
from voicelink.link_sim.channels.bits import BitErrors
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.fading import Rayleigh, Rician
from voicelink.link_sim.channels.impulses import ImpulseNoise
from voicelink.link_sim.channels.losses import GilbertElliott, Loss, Outage
from voicelink.link_sim.channels.mobile import Mobile
from voicelink.link_sim.channels.modem import Modem
from voicelink.link_sim.channels.offsets import ClockOffset, FrequencyOffset
from voicelink.link_sim.channels.order import Duplicate, Reorder
from voicelink.link_sim.channels.parameters import Configured
from voicelink.link_sim.channels.timing import Delay, Jitter
from voicelink.link_sim.channels.trace import Trace
from voicelink.link_sim.channels.watterson import Watterson
from voicelink.models.errors import ParameterError, one_of

Made = TypeVar("Made", bound=Configured)

CHANNELS: dict[str, type[Channel]] = {
    channel.name: channel
    for channel in (
        Loss, GilbertElliott, Outage, BitErrors,
        Rayleigh, Rician, Mobile, Watterson, FrequencyOffset, ClockOffset, ImpulseNoise, Awgn,
        Modem, Delay, Jitter, Reorder, Duplicate, Bandwidth, Trace,
    )
}  # fmt: skip
"""The channels by their names in YAML and flags."""


def check_setting(
    name: str, key: str, value: Any, kinds: Mapping[str, type[Configured]] = CHANNELS
) -> Any:
    """``value`` as the channel ``name`` keeps it; `ParameterError` for a bad key or value."""
    parameters = {parameter.name: parameter for parameter in kinds[name].parameters()}
    return parameters[one_of(f"a setting of {name}", key, parameters)].check(f"{name}.{key}", value)


def make(
    name: str,
    settings: Mapping[str, Any],
    kinds: Mapping[str, type[Made]] = CHANNELS,
    what: str = "a channel",
) -> Made:
    """The channel ``name`` with ``settings``; `ParameterError` for any that it does not know.

    Args:
        kinds: what there is to choose from, by name.
        what: what a message calls one of them.
    """
    kind = kinds[one_of(what, name, kinds)]
    checked = {key: check_setting(name, key, value, kinds) for key, value in settings.items()}
    for parameter in kind.parameters():
        if parameter.required and parameter.name not in checked:
            raise ParameterError(f"{name} needs {parameter.name} ({parameter.help})")
    return kind(**checked)
