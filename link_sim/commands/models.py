"""``voicelink models``: which models there are, and whether they are whole."""

from __future__ import annotations

import argparse

HELP = "list the models, or show one's card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="a model's id or folder: show its card")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(args: argparse.Namespace) -> int:
    import json

    import yaml

    from voicelink.models.card import card, released

    if args.model:
        found = card(args.model)
        for name in found.text["files"]:
            found.file(name)
        text = found.text
        print(
            json.dumps(text, indent=2, default=str)
            if args.json
            else yaml.safe_dump(text, sort_keys=False, allow_unicode=True, width=100).rstrip()
        )
        return 0
    cards = [card(name) for name in released()]
    if args.json:
        print(json.dumps([c.text for c in cards], indent=2, default=str))
        return 0
    for each in cards:
        size = sum(f["bytes"] for f in each.text["files"].values())
        print(f"{each.id:12} number {each.number}  {size / 1e6:.1f} MB  {each.text['title']}")
    return 0
