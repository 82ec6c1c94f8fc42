"""``voicelink field``: record a signal from a radio, hear it again, test and report a link."""

from __future__ import annotations

import argparse
import importlib

HELP = "record signals from a radio as SigMF, replay them, send test frames, report"

STEPS = ("record", "replay", "testframes", "report")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs of the field-test kit, one module each."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for step in STEPS:
        module = importlib.import_module(f"voicelink.link_sim.commands.field_{step}")
        sub = steps.add_parser(step, help=module.HELP, description=module.HELP)
        module.add_arguments(sub)
        sub.set_defaults(run_step=module.run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    return args.run_step(args)
