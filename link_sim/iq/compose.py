"""Effects by name: from YAML, from lists, from flags, and ready-made."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from voicelink.link_sim.channels import read_yaml
from voicelink.link_sim.channels.read_yaml import Document
from voicelink.link_sim.channels.registry import make
from voicelink.link_sim.iq.clipping import Clipping
from voicelink.link_sim.iq.clock import Clock
from voicelink.link_sim.iq.dc_offset import DcOffset
from voicelink.link_sim.iq.effect import Effect
from voicelink.link_sim.iq.frequency import Frequency
from voicelink.link_sim.iq.imbalance import Imbalance
from voicelink.link_sim.iq.impulses import Impulses
from voicelink.link_sim.iq.multipath import Multipath
from voicelink.link_sim.iq.noise import Noise
from voicelink.link_sim.iq.quantisation import Quantisation
from voicelink.link_sim.iq.watterson import Watterson
from voicelink.models.errors import ParameterError, one_of

EFFECTS: dict[str, type[Effect]] = {
    effect.name: effect
    for effect in (
        Watterson, Multipath, Impulses, Noise,
        Frequency, Clock, Imbalance, DcOffset, Clipping, Quantisation,
    )
}  # fmt: skip
"""The effects by their names in YAML, in the order in which a signal meets them as a rule."""

_KEYS = ("title", "about", "source", "iq")


def ready_made() -> list[str]:
    """The names of the compositions that come with the package, sorted."""
    folder = resources.files("voicelink.link_sim.iq")
    return sorted(e.name.removesuffix(".yaml") for e in folder.iterdir() if ".yaml" in e.name)


def effects_from(spec: Any) -> list[Effect]:
    """The effects that ``spec`` describes.

    Args:
        spec: a list whose items are ``{name: {setting: value}}`` or `Effect` objects; a mapping
            with such a list as ``iq``; a YAML file that holds either; or one of `ready_made`.

    Raises:
        ParameterError: in one line, what is wrong, with the file's name and line where there is
            one.

    >>> effects_from([{"noise": {"snr_db": -3}}])
    [Noise(snr_db=-3.0)]
    """
    document = _read(spec)
    data, at = document.data, ()
    if isinstance(data, Mapping):
        for key in data:
            with document.errors_at((key,)):
                one_of("a key", key, _KEYS)
        if "iq" not in data:
            raise document.error((), "the key iq, a list of effects, is missing")
        data, at = data["iq"], ("iq",)
    if not isinstance(data, (list, tuple)):
        wanted = "effects must be a list, such as [noise: {snr_db: 3}]"
        raise document.error(at, f"{wanted}, not {data!r:.60}")
    effects = []
    for index, item in enumerate(data):
        with document.errors_at((*at, index)):
            effects.append(_effect(item))
    return effects


def _read(spec: Any) -> Document:
    if isinstance(spec, Path) or (isinstance(spec, str) and spec.endswith((".yaml", ".yml"))):
        return read_yaml.read_file(Path(spec))
    if not isinstance(spec, str):
        return Document(spec)
    one_of("a composition of effects, a .yaml file or a name,", spec, ready_made())
    file = resources.files("voicelink.link_sim.iq") / f"{spec}.yaml"
    return read_yaml.parse(file.read_text("utf-8"), f"composition {spec}")


def _effect(item: Any) -> Effect:
    if isinstance(item, Effect):
        return item
    if not isinstance(item, Mapping) or len(item) != 1:
        raise ParameterError(f"an effect must be one name with its settings, not {item!r:.60}")
    ((name, settings),) = item.items()
    if not isinstance(settings or {}, Mapping):
        raise ParameterError(
            f"the settings of {name} must be written {{setting: value}}, not {settings!r:.60}"
        )
    return make(name, settings or {}, EFFECTS, "an effect")
