"""GNU Radio for the tests: in a process of its own, as Debian's serves its own python3 only."""

import functools
import os
import subprocess
import sys

import pytest

TIMEOUT_S = 120
"""A guard against graphs that hang, not a measure of speed."""


@functools.cache
def _find() -> str | None:
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-c", "from gnuradio import gr, zeromq"],
                capture_output=True,
                timeout=TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return python
    return None


def gnuradio_python() -> str:
    """A Python that imports gnuradio; without one the test is skipped, and in CI it fails."""
    python = _find()
    if python is None:
        message = "no Python here imports gnuradio (apt-get install gnuradio)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return python


def clean_environment() -> dict[str, str]:
    """The environment without PYTHONPATH, which may hold packages for another Python."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
