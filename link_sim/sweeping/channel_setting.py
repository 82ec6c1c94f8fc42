"""The settings of channels by name, as a sweep varies them: ``channel.awgn.ebn0_db``."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.compose import parse_flag
from voicelink.link_sim.channels.registry import CHANNELS, check_setting
from voicelink.models.errors import ParameterError, one_of

PREFIX = "channel."


@dataclass(frozen=True)
class ChannelSetting:
    """One setting of one channel in a list.

    Attributes:
        index: of the channel in the list, from 0.
        channel: its name.
        key: the setting's name.
    """

    index: int
    channel: str
    key: str

    def check(self, value: Any) -> Any:
        """``value`` as the channel keeps it; `ParameterError` if it cannot be."""
        return check_setting(self.channel, self.key, value)

    def put(self, channels: list, value: Any) -> None:
        """Set it in a list of ``{name: {setting: value}}``."""
        settings = channels[self.index][self.channel] or {}
        if isinstance(settings, dict):  # else it is for who builds the channels to say so
            channels[self.index] = {self.channel: settings | {self.key: value}}


def find_setting(name: str, channels: list) -> ChannelSetting:
    """The setting that ``channel.NAME.SETTING`` or ``channel.PLACE.NAME.SETTING`` names.

    Args:
        name: with the channel's place, from 1, where two of that name stand in the list.
        channels: a list of ``{name: {setting: value}}`` or flags.

    Raises:
        ParameterError: there is no such channel or setting, or more than one.

    >>> find_setting("channel.2.loss.probability", ["loss:probability=0", {"loss": {}}])
    ChannelSetting(index=1, channel='loss', key='probability')
    """
    names = [name_of(item) for item in channels]
    where, _, key = name.removeprefix(PREFIX).rpartition(".")
    place, _, channel = where.rpartition(".")
    if place:
        wanted = [f"{number}.{each}" for number, each in enumerate(names, 1)]
        index = wanted.index(one_of("a channel", where, wanted))
    else:
        places = [n for n, each in enumerate(names) if each == one_of("a channel", channel, names)]
        if len(places) > 1:
            examples = " or ".join(f"{PREFIX}{n + 1}.{channel}.{key}" for n in places)
            raise ParameterError(f"{name} must say which {channel} it means: {examples}")
        index = places[0]
    settings = [parameter.name for parameter in CHANNELS[names[index]].parameters()]
    return ChannelSetting(
        index, names[index], one_of(f"a setting of {names[index]}", key, settings)
    )


def as_mappings(channels: list) -> list:
    """A list of channels with its flags written as ``{name: {setting: value}}``."""
    return [
        plain(parse_flag(item)) if isinstance(item, str) and ":" in item
        else {item: {}} if isinstance(item, str)
        else copy.deepcopy(item)
        for item in channels
    ]  # fmt: skip


def plain(channel: Channel) -> dict[str, dict[str, Any]]:
    """A channel as ``{name: {setting: value}}``, with the settings that are not the default."""
    settings = {}
    for parameter in channel.parameters():
        value = getattr(channel, parameter.name)
        if value != parameter.default:
            settings[parameter.name] = (
                [list(v) for v in value] if parameter.kind == "times" else value
            )
    return {channel.name: settings}


def name_of(item: Any) -> str:
    """The name of a channel in a list; "" where it is written as no channel can be."""
    if isinstance(item, str):
        return item.partition(":")[0].strip()
    return str(next(iter(item))) if isinstance(item, dict) and len(item) == 1 else ""
