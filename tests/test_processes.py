"""Processes that work beside another: they end with it, however it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

# Its processes say who they are, then sleep for longer than a test may take.
SLEEPERS = """
import os, time
from voicelink.models.processes import workers

if __name__ == "__main__":
    with workers(2) as pool:
        print(*{each.result() for each in [pool.submit(os.getpid) for _ in range(8)]}, flush=True)
        for _ in range(2):
            pool.submit(time.sleep, 600)
        time.sleep(600)
"""


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    # A container's first process may not reap those whose parent has gone.
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_none_is_left_when_their_maker_is_killed(tmp_path, number):
    script = tmp_path / "sleepers.py"
    script.write_text(SLEEPERS)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as maker:
        sleepers = [int(word) for word in maker.stdout.readline().split()]
        assert sleepers
        maker.send_signal(number)
        maker.communicate(timeout=60)
        end = time.monotonic() + 60
        while not all(map(gone, sleepers)) and time.monotonic() < end:
            time.sleep(0.05)
        assert all(map(gone, sleepers))


FAILING = """
import numpy as np
from voicelink.models.processes import workers

def fail(audio):
    raise ValueError

if __name__ == "__main__":
    with workers(2) as pool:
        # More than a pipe holds: what is written to it waits for somebody who reads it.
        for task in [pool.submit(fail, np.zeros(500_000)) for _ in range(20)]:
            task.result()
"""


def test_an_error_ends_a_block_with_much_to_do(tmp_path):
    script = tmp_path / "failing.py"
    script.write_text(FAILING)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ValueError")
