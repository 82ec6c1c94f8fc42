"""Processes that work beside this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of ``count`` processes. When the block ends, or this process does, by a kill too, none
    is left, whatever it was at."""
    before = set(multiprocessing.active_children())
    # Processes that begin afresh: threads of progress bars and of ONNX Runtime would not survive a
    # fork.
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
            child.join()


def _begin() -> None:
    """What a process does first: leave Ctrl-C to the one that started it, and end with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
