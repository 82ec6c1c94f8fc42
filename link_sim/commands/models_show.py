"""``voicelink models show``: what a model's card says, its files compared with it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicelink.models.card import Card

HELP = "show a model's card, in short or whole"

RELEASED_AS = "fp16"
"""Which of the forms of a card's cost is the released one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model's id or folder")
    whole = parser.add_mutually_exclusive_group()
    whole.add_argument("--json", action="store_true", help="the whole card as JSON, for programs")
    whole.add_argument("--yaml", action="store_true", help="the whole card as YAML")


def run(args: argparse.Namespace) -> int:
    import json

    import yaml

    from voicelink.models.card import card
    from voicelink.models.errors import ModelError

    found = card(args.model)
    for name in found.text["files"]:
        found.file(name)
    if args.json:
        print(json.dumps(found.text, indent=2, default=str))
    elif args.yaml:
        print(yaml.safe_dump(found.text, sort_keys=False, allow_unicode=True, width=100).rstrip())
    else:
        try:
            text = _short(found)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"model {found.name}: its card has not all that is shown"
                f" ({type(error).__name__}: {error}); --yaml shows it as it is"
            ) from None
        print(text)
    return 0


def _short(card: Card) -> str:
    """What a person wants to know, as wide as the terminal."""
    import shutil
    import textwrap

    room = max(shutil.get_terminal_size().columns - 14, 40)
    lines = []
    for name, text in _rows(card):
        first, *more = textwrap.wrap(
            text, room, break_long_words=False, break_on_hyphens=False
        ) or [""]
        lines += [f"{name:13} {first}", *(f"{'':13} {line}" for line in more)]
    return "\n".join(lines)


def _rows(card: Card) -> list[tuple[str, str]]:
    """Each row's name, "" where it goes on with that above, and its text."""
    from voicelink.models.engines import absent, engine
    from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS

    text = card.text
    frame = 1000 * SUPERFRAME_SECONDS
    delay = 1000 * card.delay / SAMPLE_RATE + engine(card).Encoder.lag * frame
    voice = f"; and a voice of {card.voice_bytes} bytes, once" if card.voice_bytes else ""
    size = sum(file["bytes"] for file in text["files"].values()) / 1e6
    rows = [("model", f"{card.id}: {text['title']}")]
    if card.variant:
        rows = [("model", f"{card.name}: {text['variants'][card.variant]}")]
        rows.append(("a variant of", f"{card.id}: {text['title']}"))
    if missing := absent(card):
        rows.append(("needs", f"{missing}, not on this machine yet"))
    rows += [
        ("number", f"{card.number}, by which frames and bitstreams name it"),
        (
            "payload",
            f"{card.payload_bits} bits in {frame:.0f} ms: {card.bit_rate:.0f} bit/s{voice}",
        ),
        ("delay", f"{delay:.0f} ms, beside the {frame:.0f} ms of a payload"),
        ("size", f"{size:.1f} MB: {', '.join(text['files'])}"),
        ("licence", text["licence"]),
    ]
    if "uses" in text:
        rows.append(("uses", text["uses"]))
    for number, source in enumerate(text.get("trained_on", ())):
        said = f"{source['corpus']}, {source['hours']} h, {source['licence']}"
        rows.append(("" if number else "learned from", said))
    if "limits" in text:
        rows.append(("limits", text["limits"]))
    if measures := text.get("quality", {}).get("measures", {}).get(card.name):
        rows.append(("quality", _quality(measures, text["quality"]["recordings"])))
    # Of a variant it was not measured.
    if "cost" in text and not card.variant:
        rows.append(("costs", _cost(text["cost"])))
    for name, title in {} if card.variant else text.get("variants", {}).items():
        rows.append(("variant", f"{card.id}:{name}, {title}"))
    if (page := card.folder / "README.md").exists():
        rows.append(("page", f"{page}"))
    name = card.name if card.is_released else card.place
    return [*rows, ("whole card", f"voicelink models show {name} --yaml, or --json")]


def _quality(measures: dict[str, float], recordings: int) -> str:
    from voicelink.models.evaluation.measures import MEASURES

    known = [(MEASURES[name], value) for name, value in measures.items() if name in MEASURES]
    values = [
        f"{m.label} {value:.{m.digits}f}{' %' if m.unit == '%' else ''}"
        for m, value in known
        if value is not None
    ]
    return f"{', '.join(values)}; means over {recordings} recordings"


def _cost(cost: dict) -> str:
    forms = cost["forms"]
    form = next((form for form in forms if form["name"] == RELEASED_AS), forms[0])
    work = sum(cost["multiply_adds"].values()) / 1e6
    return (
        f"{form['cpu']:.4f} CPU-seconds and {work:.0f} million multiply-adds for each second of"
        " speech, encoded and decoded"
    )
