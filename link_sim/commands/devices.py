"""``voicelink devices``: the sound cards that there are."""

from __future__ import annotations

import argparse

HELP = "list the sound cards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    import json

    from voicelink.blocks.sound_card import sound_devices

    devices = sound_devices()
    if args.json:
        print(json.dumps(devices, indent=2))
        return 0
    for device in devices:
        ways = f"{device['inputs']} in, {device['outputs']} out, {device['rate']} Hz"
        default = f", default {' and '.join(device['default'])}" if device["default"] else ""
        print(f"{device['number']:3}  {device['name']}  ({ways}{default})")
    if not devices:
        print("no sound cards")
    return 0
