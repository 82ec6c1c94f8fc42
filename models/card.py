"""Released models: their cards, and their files, checked before they are used.

A model is a folder with ``card.yaml``, ``encoder.onnx`` and ``decoder.onnx``. The released ones are
found by their id; any other by the path of its folder.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from voicelink.models import sizes
from voicelink.models.errors import ModelError, one_of, require

RELEASED = Path(__file__).parent / "released"
DEFAULT = "neural-800"
PAYLOAD_VERSION = 1
"""The version of the payload's layout (the order and labelling of its bits)."""


@dataclass(frozen=True)
class Card:
    """What is known about a model.

    Attributes:
        id: its name, as ``--model`` takes it.
        number: 1..15, what travels in the link frame's header.
        delay: samples by which decoded audio lags, beside the superframe itself.
        folder: where its files are.
        text: the whole card, as read.
    """

    id: str
    number: int
    delay: int
    folder: Path
    text: dict

    def file(self, name: str) -> bytes:
        """The content of one of the model's files, its SHA-256 compared with the card's.

        Raises:
            ModelError: the file is missing, or is not the one that the card describes.
        """
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"model {self.id}: cannot read {path}: {error.strerror}") from None
        wanted = self.text["files"][name]["sha256"]
        found = hashlib.sha256(content).hexdigest()
        if found != wanted:
            raise ModelError(
                f"model {self.id}: {path} is damaged or another version: its SHA-256 begins"
                f" {found[:12]}, the card's {wanted[:12]}; install the package again"
            )
        return content


def released() -> list[str]:
    """The ids of the models that come with the package, sorted."""
    return sorted(p.parent.name for p in RELEASED.glob("*/card.yaml"))


def card(model: str | Path = DEFAULT) -> Card:
    """The card of a released model (its id) or of a model's folder (its path).

    Raises:
        ParameterError: there is no model of that name.
        ModelError: the card cannot be read, or describes another payload.
    """
    import yaml

    folder = Path(model)
    if not (folder / "card.yaml").is_file():
        folder = RELEASED / one_of("model", str(model), released())
    try:
        # A copy, as those who write cards change it.
        text = deepcopy(_plain((folder / "card.yaml").read_text(encoding="utf-8")))
        number = int(require("number", text["number"], 1, 15))
        delay = int(require("delay_samples", text["delay_samples"], 0, sizes.SUPERFRAME_SAMPLES))
        result = Card(text["id"], number, delay, folder, text)
        payload = text["payload"]
        files = {name: text["files"][name]["sha256"] for name in ("encoder.onnx", "decoder.onnx")}
        layout = {"version": payload["version"], "bits": payload["bits"]}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelError(f"cannot read the model card {folder / 'card.yaml'}: {reason}") from None
    if layout != {"version": PAYLOAD_VERSION, "bits": sizes.PAYLOAD_BITS} or not all(
        files.values()
    ):
        raise ModelError(
            f"model {result.id}: its payload is version {layout['version']} of {layout['bits']}"
            f" bits; this software reads version {PAYLOAD_VERSION} of {sizes.PAYLOAD_BITS} bits"
        )
    return result


@lru_cache(maxsize=8)
def _plain(text: str) -> dict:
    """A card's YAML as plain data: parsing takes longer than encoding some seconds of speech."""
    import yaml

    return yaml.safe_load(text)


def card_of_number(number: int) -> Card:
    """The released model with this number (1..15), as a link frame or bitstream names it.

    Raises:
        ModelError: no released model has it.
    """
    known = [card(name) for name in released()]
    for each in known:
        if each.number == number:
            return each
    numbers = ", ".join(f"{c.number} ({c.id})" for c in known)
    raise ModelError(f"no model here has the number {number}; there are {numbers}")
