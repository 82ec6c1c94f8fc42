"""``voicelink models``: which models there are, and what else can be had of them."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicelink.models.card import Card

HELP = "list the models, show one's card, generate speech, enrol a voice"

STEPS = ("show", "generate", "voice")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The list by itself, and one module for each thing that can be done with a model."""
    parser.add_argument("--json", action="store_true", help="the list as JSON, for programs")
    steps = parser.add_subparsers(dest="step", metavar="STEP")
    for step in STEPS:
        module = importlib.import_module(f"voicelink.link_sim.commands.models_{step}")
        sub = steps.add_parser(step, help=module.HELP, description=module.HELP)
        module.add_arguments(sub)
        sub.set_defaults(run_step=module.run)


def run(args: argparse.Namespace) -> int:
    """Run the step; without one, list the models."""
    import json

    from voicelink.models.card import card, released

    if args.step:
        return args.run_step(args)
    cards = sorted((card(name) for name in released()), key=lambda card: card.number)
    if args.json:
        print(json.dumps([c.text for c in cards], indent=2, default=str))
        return 0
    print(_table(cards))
    return 0


def _table(cards: list[Card]) -> str:
    """The models and their variants, as wide as the terminal, titles at least 30 columns."""
    import shutil
    import textwrap

    from voicelink.models.engines import absent

    rows = [("model", "number", "bit/s", "MB", "")]
    for each in cards:
        size = sum(file["bytes"] for file in each.text["files"].values()) / 1e6
        numbers = (f"{each.number}", f"{each.bit_rate:.0f}", f"{size:.1f}")
        rows.append((each.id, *numbers, each.text["title"]))
        for name, title in each.text.get("variants", {}).items():
            rows.append((f"{each.id}:{name}", "", "", "", title))
        if missing := absent(each):
            rows.append(("", "", "", "", f"not on this machine yet: needs {missing}"))
    longest = max(len(row[0]) for row in rows)
    lines = []
    for name, number, rate, size, title in rows:
        begin = f"{name:{longest}} {number:>6} {rate:>5} {size:>4}  "
        room = max(shutil.get_terminal_size().columns - len(begin), 30)
        first, *more = textwrap.wrap(title, room) or [""]
        lines += [begin + first, *(" " * len(begin) + line for line in more)]
    return "\n".join(line.rstrip() for line in lines)
