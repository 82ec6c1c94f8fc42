"""How settings, links and their values are called on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from voicelink.link_sim.channels import CHANNELS
from voicelink.link_sim.channels.parameters import Parameter
from voicelink.link_sim.report.results import Link
from voicelink.models.sizes import SUPERFRAME_SECONDS

SNR_BANDWIDTH = 3000
"""Hz in which amateurs give the signal-to-noise ratio of speech."""

_WORDS = {"ebn0": "Eb/N0", "snr": "SNR"}
_UNITS = ("db", "hz", "ms", "kmh", "mhz", "m")


def snr_offset(payload_bits: int) -> float:
    """dB from Eb/N0 to SNR: -5.74 with payloads of 256 bits."""
    return 10 * math.log10(payload_bits / SUPERFRAME_SECONDS / SNR_BANDWIDTH)


@dataclass(frozen=True)
class Setting:
    """A channel setting that a sweep varies.

    Attributes:
        name: as in the sweep, such as ``channel.awgn.ebn0_db``.
        unit: of its values as they are shown; "" for none.
        scale: what a value is multiplied by to be shown; shares are shown in per cent.
        help: what it means.
    """

    name: str
    unit: str
    scale: float
    help: str

    @classmethod
    def of(cls, name: str) -> Setting:
        """What the channels know of a setting; those they do not know are shown as they are."""
        parameter = _parameter(name)
        if parameter is None:
            return cls(name, "", 1, "")
        share = parameter.kind == "number" and not parameter.unit and parameter.high == 1
        return cls(
            name, "%" if share else parameter.unit, 100 if share else 1,
            parameter.help.partition(";")[0],
        )  # fmt: skip

    @property
    def word(self) -> str:
        """A short name: ``Eb/N0``, ``loss``, ``delay``."""
        channel, _, key = self.name.rpartition(".")
        own = ("seconds", "probability", self.unit.lower())
        if key in own or (key == "rate" and self.unit == "%"):
            return channel.rpartition(".")[2].replace("-", " ")
        parts = key.split("_")
        if len(parts) > 1 and parts[-1] in (*_UNITS, self.unit):
            parts.pop()
        return " ".join(_WORDS.get(part, part) for part in parts)

    @property
    def label(self) -> str:
        """For an axis."""
        return f"{self.word}, {self.unit}" if self.unit else self.word

    @property
    def is_ebn0(self) -> bool:
        return self.name.endswith(".ebn0_db")

    def shown(self, value: Any, digits: int | None = None) -> str:
        """A value with its unit; ``digits`` decimals, or as many as it has."""
        if not isinstance(value, float):
            return str(value)
        value *= self.scale
        text = f"{value:.6g}" if digits is None else f"{value + 0.0:.{digits}f}"
        if float(text) == 0:
            text = text.lstrip("-")
        unit = self.unit.removesuffix("s") if self.unit == "packets" and text == "1" else self.unit
        return f"{text} {unit}" if unit else text

    def between(self, first: float, second: float) -> int:
        """Decimals for values read between two points of the sweep: a fifth of their step."""
        step = abs(first - second) * self.scale
        return max(0, -math.floor(math.log10(step / 5) + 1e-9)) if step else 1


def _parameter(name: str) -> Parameter | None:
    channel, _, key = name.rpartition(".")
    kind = CHANNELS.get(channel.rpartition(".")[2])
    return next((p for p in kind.parameters() if p.name == key), None) if kind else None


def link_label(link: Link, models: Iterable[str]) -> str:
    """A link's name, its model only where there are several."""
    text = link.profile
    if link.spread > 1:
        text += f" over {link.spread}"
    return f"{text}, {link.model}" if len(set(models)) > 1 else text


def condition_label(condition: tuple[tuple[str, Any], ...]) -> str:
    """``loss 20 %, burst 3 packets``; "" for no conditions."""
    settings = [(Setting.of(name), value) for name, value in condition]
    return ", ".join(f"{setting.word} {setting.shown(value)}" for setting, value in settings)


def percent(share: float) -> str:
    """A share to two figures: ``0.12 %``, ``12 %``."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
