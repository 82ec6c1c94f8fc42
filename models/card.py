"""Released models: their cards, and their files, checked before they are used.

A model is a folder with ``card.yaml`` and the files that it names. The released ones are found by
their id; any other by the path of its folder. Where another decoder of the same payloads comes with
a model, a colon and its name follow: ``parametric-800:plain``.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from voicelink.models import sizes
from voicelink.models.errors import ModelError, ParameterError, VoiceLinkError, one_of, require

RELEASED = Path(__file__).parent / "released"
DEFAULT = "neural-800"
PAYLOAD_VERSION = 1
"""The version of the payload's layout (the order and labelling of its bits)."""

ENGINES = ("neural", "vae", "parametric", "profile", "codec2")
"""What a card's ``engine`` may be: the modules of `voicelink.models.engines`."""

RELIABLE_FROM = 0.3
"""What a card's ``reliable_from`` is where it names none."""

MOST_PAYLOAD_BITS = sizes.PAYLOAD_BITS
MOST_VOICE_BYTES = 64


@dataclass(frozen=True)
class Card:
    """What is known about a model.

    Attributes:
        id: its name, as ``--model`` takes it.
        number: 1..15, what travels in the link frame's header.
        delay: samples by which decoded audio lags, beside the superframe itself.
        folder: where its files are.
        text: the whole card, as read.
        payload_bits: bits of a superframe, a multiple of 8.
        engine: what runs it, one of `ENGINES`.
        variant: which of the decoders that it comes with; "" for the first.
        voice_bytes: of the speaker's voice, which is sent apart; 0 where it is not.
        reliable_from: mean reliability, 0..1, from which a payload that could not be mended is
            understood, and noise alone is not taken for one. FORMAT.md says how it is measured.
    """

    id: str
    number: int
    delay: int
    folder: Path
    text: dict
    payload_bits: int = sizes.PAYLOAD_BITS
    engine: str = ENGINES[0]
    variant: str = ""
    voice_bytes: int = 0
    reliable_from: float = RELIABLE_FROM

    @property
    def payload_bytes(self) -> int:
        """Bytes of a superframe."""
        return self.payload_bits // 8

    @property
    def bit_rate(self) -> float:
        """Bits per second."""
        return self.payload_bits / sizes.SUPERFRAME_SECONDS

    @property
    def name(self) -> str:
        """The id and, behind a colon, the variant: what finds a released model again."""
        return f"{self.id}:{self.variant}" if self.variant else self.id

    @property
    def is_released(self) -> bool:
        """Whether it came with the package, so that its `name` finds it again."""
        return self.folder.resolve() == (RELEASED / self.id).resolve()

    @property
    def place(self) -> str:
        """The folder and, behind a colon, the variant: what finds any model again."""
        return f"{self.folder}:{self.variant}" if self.variant else str(self.folder)

    def file(self, name: str) -> bytes:
        """The content of one of the model's files, its SHA-256 compared with the card's.

        Raises:
            ModelError: the file is missing, or is not the one that the card describes.
        """
        if name not in self.text["files"]:
            raise ModelError(f"model {self.id}: its card names no file {name}, which it needs")
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"model {self.id}: cannot read {path}: {error.strerror}") from None
        wanted = str(self.text["files"][name]["sha256"])
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


def variants() -> list[str]:
    """All that ``--model`` takes by name: the ids, each followed by those with its variants."""
    names = []
    for model in released():
        names += [model, *(f"{model}:{name}" for name in card(model).text.get("variants", ()))]
    return names


def card(model: str | Path = DEFAULT) -> Card:
    """The card of a released model (its id) or of a model's folder (its path; with ``./`` in front
    where it is named as an id).

    Raises:
        ParameterError: there is no model of that name, or it has no such variant.
        ModelError: the card cannot be read, or describes another payload.
    """
    import yaml

    # An id is the released model's, whatever folder of that name there is: others may choose ids.
    ids = released()
    name, variant = str(model), None
    before, colon, last = name.rpartition(":")
    if colon and (before in ids or not (_holds_card(Path(name)) or Path(name).is_dir())):
        name, variant = before, last
    folder = RELEASED / name if name in ids else Path(name)
    if not name or not _holds_card(folder):
        if name and folder.is_dir():
            raise ParameterError(f"model must be an id or a folder with a card.yaml, not {name}")
        folder = RELEASED / one_of("model", name, ids)
    try:
        # A copy, as those who write cards change it.
        text = deepcopy(_plain((folder / "card.yaml").read_text(encoding="utf-8")))
        payload = text["payload"]
        result = Card(
            text["id"],
            _whole("number", text["number"], 1, 15),
            _whole("delay_samples", text["delay_samples"], 0, sizes.SAMPLE_RATE),
            folder,
            text,
            _whole("bits", payload["bits"], 8),
            one_of("engine", text.get("engine", ENGINES[0]), ENGINES),
            variant or "",
            _whole("voice", text.get("voice", {}).get("bytes", 0), 0, MOST_VOICE_BYTES),
            float(require("reliable_from", text.get("reliable_from", RELIABLE_FROM), 0, 1)),
        )
        sums = [file["sha256"] for file in text["files"].values()]
        version, known = payload["version"], list(text.get("variants", ()))
    except (
        OSError,
        yaml.YAMLError,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        kind = "" if isinstance(error, VoiceLinkError) else f"{type(error).__name__}: "
        reason = " ".join(f"{kind}{error}".split())
        raise ModelError(f"cannot read the model card {folder / 'card.yaml'}: {reason}") from None
    bits = result.payload_bits
    if version != PAYLOAD_VERSION or bits > MOST_PAYLOAD_BITS or bits % 8 or not all(sums):
        raise ModelError(
            f"model {result.id}: its payload is version {version} of {bits} bits; this software"
            f" reads version {PAYLOAD_VERSION} of up to {MOST_PAYLOAD_BITS} bits, in whole bytes"
        )
    if variant is not None and variant not in known:
        names = [result.id, *(f"{result.id}:{name}" for name in known)]
        one_of("model", f"{result.id}:{variant}", names)
    return result


def _holds_card(folder: Path) -> bool:
    try:
        return (folder / "card.yaml").is_file()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        reason = f"cannot look into {str(folder)[:60]!r}: {error.strerror}"
        raise ParameterError(f"model must be one of {', '.join(released())}; {reason}") from None


def _whole(name: str, value: object, low: int, high: int | None = None) -> int:
    """``value``, if it is a whole number within [low, high]; else `ParameterError`."""
    if not isinstance(require(name, value, low, high), int):
        raise ParameterError(f"{name} must be a whole number, not {value!r:.60}")
    return value


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
