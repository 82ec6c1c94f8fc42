"""``voicelink models show``: a model's card, its files compared with it."""

from __future__ import annotations

import argparse

HELP = "show a model's card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model's id or folder")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(args: argparse.Namespace) -> int:
    import json

    import yaml

    from voicelink.models.card import card

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
