"""``voicelink models``: which models there are, and what else can be had of them."""

from __future__ import annotations

import argparse
import importlib

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
    from voicelink.models.engines import absent

    if args.step:
        return args.run_step(args)
    cards = sorted((card(name) for name in released()), key=lambda card: card.number)
    if args.json:
        print(json.dumps([c.text for c in cards], indent=2, default=str))
        return 0
    for each in cards:
        size = sum(file["bytes"] for file in each.text["files"].values()) / 1e6
        print(
            f"{each.id:20} number {each.number}  {each.bit_rate:3.0f} b/s {size:5.1f} MB"
            f"  {each.text['title']}"
        )
        for name, title in each.text.get("variants", {}).items():
            print(f"{each.id}:{name:{19 - len(each.id)}} {title}")
        if missing := absent(each):
            print(f"{'':20} not on this machine yet: needs {missing}")
    return 0
