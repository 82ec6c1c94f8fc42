"""Channels from YAML, from mappings and lists, from flags, and from ready-made scenarios."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from voicelink.link_sim.channels import read_yaml
from voicelink.link_sim.channels.chain import ChannelChain, order_problem
from voicelink.link_sim.channels.channel import Channel
from voicelink.link_sim.channels.read_yaml import Document
from voicelink.link_sim.channels.registry import CHANNELS, check_setting, make
from voicelink.models.errors import ParameterError, one_of

_KEYS = ("title", "about", "source", "channel")


def scenario_names() -> list[str]:
    """The names of the ready-made scenarios, sorted."""
    folder = resources.files("voicelink.link_sim") / "scenarios"
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


def scenario(name: str) -> dict[str, Any]:
    """A ready-made scenario: ``title``, ``about``, ``source`` and the list ``channel``."""
    return _scenario(name).data


def channels_from(spec: Any) -> list[Channel]:
    """The channels that ``spec`` describes, checked to go together.

    Args:
        spec: one of

            - a list whose items are ``{name: {setting: value}}``, flags, or `Channel` objects;
            - a mapping with such a list as ``channel``, and perhaps ``title``, ``about`` and
              ``source``;
            - a YAML file that holds either: a `Path`, or a string that ends in .yaml or .yml;
            - the name of a scenario (`scenario_names`);
            - a flag (`parse_flag`);
            - a `Document` of such a list or mapping.

    Raises:
        ParameterError: in one line, what is wrong, with the file's name and line where there is
            one, and near matches for names.

    >>> channels_from(["loss:probability=0.1", {"delay": {"seconds": 2}}])
    [Loss(probability=0.1), Delay(seconds=2.0)]
    """
    return _checked(read(spec))


def chain(spec: Any, seed: int = 0) -> ChannelChain:
    """The chain that ``spec`` describes (as in `channels_from`), with its title if it has one."""
    document = read(spec)
    return ChannelChain(_checked(document), seed, _title(document))


def part(spec: Any) -> tuple[str, list[Channel]]:
    """Channels that are only a part of a chain, and what they may be called.

    They may need others after them: that they go together is checked when all are there.
    """
    document = read(spec)
    channels = _build(document)
    return _title(document) or ", ".join(map(str, channels)) or "no impairment", channels


def parse_flag(text: str) -> Channel:
    """The channel that a flag describes: ``name``, or ``name:setting=value,setting=value``.

    Values are written as in YAML: ``outage:times=[[1, 2], [5, 6]]``.

    >>> print(parse_flag("awgn:ebn0_db=2,decisions=hard"))
    awgn ebn0_db=2 decisions=hard
    """
    name, colon, rest = text.partition(":")
    one_of("a channel", name.strip(), CHANNELS)
    if colon and "=" not in rest:
        raise ParameterError(f"{text!r} must be written name:setting=value,setting=value")
    settings = read_yaml.parse("{" + rest.replace("=", ": ") + "}", f"channel {text!r}").data
    return make(name.strip(), settings)


def read(spec: Any) -> Document:
    """What ``spec`` (as in `channels_from`) says, before anything is made of it."""
    if isinstance(spec, Document):
        return spec
    if isinstance(spec, os.PathLike):
        return read_yaml.read_file(Path(spec))
    if not isinstance(spec, str):
        return Document(spec)
    if spec.endswith((".yaml", ".yml")):
        return read_yaml.read_file(Path(spec))
    if ":" in spec or spec in CHANNELS:
        return Document([spec])
    one_of("a channel or scenario", spec, [*CHANNELS, *scenario_names()])
    return _scenario(spec)


def _scenario(name: str) -> Document:
    one_of("a scenario", name, scenario_names())
    file = resources.files("voicelink.link_sim") / "scenarios" / f"{name}.yaml"
    return read_yaml.parse(file.read_text("utf-8"), f"scenario {name}")


def _title(document: Document) -> str:
    return document.data.get("title", "") if isinstance(document.data, Mapping) else ""


def _checked(document: Document) -> list[Channel]:
    channels = _build(document)
    problem = order_problem(channels)
    if problem:
        index, message = problem
        at = ("channel",) if isinstance(document.data, Mapping) else ()
        raise document.error((*at, index), message)
    return channels


def _build(document: Document) -> list[Channel]:
    """The channels, each checked by itself."""
    data, at = document.data, ()
    if isinstance(data, Mapping):
        for key, value in data.items():
            with document.errors_at((key,)):
                one_of("a key", key, _KEYS)
                if key != "channel" and not isinstance(value, str):
                    raise ParameterError(f"{key} must be text, not {value!r:.60}")
        if "channel" not in data:
            raise document.error((), "the key channel, a list of channels, is missing")
        data, at = data["channel"], ("channel",)
    if not isinstance(data, (list, tuple)):
        wanted = "channels must be a list, such as [loss: {probability: 0.1}]"
        raise document.error(at, f"{wanted}, not {data!r:.60}")
    channels = []
    for index, item in enumerate(data):
        with document.errors_at((*at, index)):
            channels.append(_channel(document, (*at, index), item))
    return channels


def _channel(document: Document, at: tuple, item: Any) -> Channel:
    if isinstance(item, Channel):
        return item
    if isinstance(item, str):
        return parse_flag(item)
    if not isinstance(item, Mapping) or len(item) != 1:
        raise ParameterError(f"a channel must be one name with its settings, not {item!r:.60}")
    ((name, settings),) = item.items()
    with document.errors_at((*at, name)):
        one_of("a channel", name, CHANNELS)
        if settings is None:
            settings = {}
        if not isinstance(settings, Mapping):
            raise ParameterError(
                f"the settings of {name} must be written {{setting: value}}, not {settings!r:.60}"
            )
        settings = {key: _from_folder(document, name, key, settings[key]) for key in settings}
        for key, value in settings.items():
            with document.errors_at((*at, name, key)):
                check_setting(name, key, value)
        return make(name, settings)


def _from_folder(document: Document, name: str, key: Any, value: Any) -> Any:
    """``value``, and a file's name from the folder of the YAML file that names it."""
    kinds = {parameter.name: parameter.kind for parameter in CHANNELS[name].parameters()}
    if document.folder and kinds.get(key) == "file" and isinstance(value, str):
        return str(document.folder / value)
    return value
