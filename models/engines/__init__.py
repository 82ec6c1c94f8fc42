"""What runs models: a module for each kind, named by the card's ``engine``.

Each has ``Encoder`` and ``Decoder``, made of a card and a number of threads and stepped by one
superframe; ``absent``, which says what must be installed first; and ``graphs``, which of the
model's files are ONNX graphs that run. A new kind is one more module, and its name in `ENGINES`.
`voicelink.models.codec` checks what goes in, so that a step need not:

- ``Encoder.step``: float32 (2560,) within +-1 to one payload, or b"" in its first ``lag`` steps;
- ``Decoder.step``: float32 (bits,) LLRs to float32 (2560,); all 0 is a superframe that was lost.

Where a model sends the speaker's voice apart (`Card.voice_bytes`), its ``Encoder`` has ``voice``
and ``set_voice``, its ``Decoder`` ``set_voice``.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from voicelink.models.card import ENGINES, Card
from voicelink.models.errors import ModelError, one_of


def engine(card: Card) -> ModuleType:
    """The module that runs a model; what it needs may be absent, see `absent`."""
    return import_module(f"{__name__}.{one_of('engine', card.engine, ENGINES)}")


def absent(card: Card) -> str | None:
    """What to install, in words, before a model runs on this machine; None where all is there."""
    return engine(card).absent(card)


def graphs(card: Card) -> dict[str, float]:
    """The model's files that are ONNX graphs and run, a variant's only with that variant, each with
    the seconds of speech that it is stepped by: infinite where it runs once for a speaker."""
    return engine(card).graphs(card)


def present(card: Card) -> ModuleType:
    """The module that runs a model on this machine.

    Raises:
        ModelError: something must be installed first.
    """
    missing = absent(card)
    if missing:
        raise ModelError(f"model {card.id} needs {missing}")
    return engine(card)
