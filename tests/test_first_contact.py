"""The checklist for a first contact, and FIELD.md: their commands and options do exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from voicelink.link_sim.cli import parser

PROJECT = Path(__file__).parents[1]
TEXT = "".join(
    (PROJECT / name).read_text() for name in ("grc/FIRST_CONTACT.md", "link_sim/FIELD.md")
)
LINES = [line.partition("   #")[0].rpartition(" | ")[2].strip() for line in TEXT.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("voicelink ") and ":" not in line[:11]]
COMMANDS += [
    part.strip()
    for quoted in re.findall(r"`(voicelink [^`]+)`", TEXT)
    for part in quoted.split("&&")
]


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 12


@pytest.mark.parametrize("command", COMMANDS)
def test_each_can_be_typed_as_it_stands(command: str) -> None:
    parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", TEXT))))
def test_each_option_is_one_of_a_verb(option: str) -> None:
    import argparse

    def options(of: argparse.ArgumentParser) -> set[str]:
        found = set(of._option_string_actions)
        for action in of._actions:
            if isinstance(action, argparse._SubParsersAction):
                found |= {name for sub in action.choices.values() for name in options(sub)}
        return found

    assert option in options(parser())


def test_the_files_that_it_names_are_there() -> None:
    for name in re.findall(r"`(grc/[\w.]+)`", TEXT):
        assert (PROJECT / name).exists()
