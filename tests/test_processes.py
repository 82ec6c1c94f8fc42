"""Processes that work beside another: they end with it, however it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from voicelink.models.processes import workers

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_none_is_left_when_their_maker_is_stopped(tmp_path, number):
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


def test_none_is_left_when_the_block_ends():
    with workers(1) as pool:
        process = pool.submit(os.getpid).result()
        assert process != os.getpid()
        pool.submit(time.sleep, 600)
    assert gone(process)
