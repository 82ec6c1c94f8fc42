"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil

import pytest

import voicelink.blocks
import voicelink.link_sim
import voicelink.models

MODULES = [
    module.name
    for package in (voicelink.models, voicelink.blocks, voicelink.link_sim)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    if ".training" not in module.name
    and (".gnuradio" not in module.name or importlib.util.find_spec("gnuradio"))
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = sum(
        bool(test.examples) for n in MODULES for test in finder.find(importlib.import_module(n))
    )
    assert found >= 10
