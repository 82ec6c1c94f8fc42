"""Flowgraphs for the tests: each runs in a process of its own, with a time-out, and is judged here.

A script of graphs holds functions that build a graph, run it and return plain data, and ends with
``serve(globals())``; `run_graph` calls one of them in a new process.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from gnuradio_python import TIMEOUT_S, clean_environment, gnuradio_python


@functools.cache
def graph_python() -> str:
    """The tests' own Python, which must see GNU Radio and voicelink alike."""
    if gnuradio_python() != sys.executable:
        import pytest  # not for the graphs' own processes, which import this file as well

        message = f"{sys.executable} has no GNU Radio beside this package (a system-site venv has)"
        if "CI" in os.environ:
            pytest.fail(message)
        pytest.skip(message)
    return sys.executable


def run_graph(script: str, function: str, *args: Any, timeout_s: float = TIMEOUT_S) -> Any:
    """What ``function(*args)`` of ``script``, a file in this folder, returns.

    Args and result travel as JSON. The test fails if the process does not end by itself, or well.
    """
    done = subprocess.run(
        [graph_python(), str(Path(__file__).with_name(script)), function],
        input=json.dumps(args),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=clean_environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def serve(functions: dict[str, Any]) -> None:
    """The main program of a script of graphs: call what `run_graph` names, print the result."""
    function = functions[sys.argv[1]]
    print(json.dumps(function(*json.load(sys.stdin))))
