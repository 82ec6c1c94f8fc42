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


def new_pool(count: int) -> ProcessPoolExecutor:
    """A pool of ``count`` processes, which end with this one, by a kill too."""
    # Processes that begin afresh: threads of progress bars and of ONNX Runtime would not survive a
    # fork.
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """`new_pool` for a block. When that ends early, what is begun is ended, and the rest left."""
    pool = new_pool(count)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """What a process does first: leave Ctrl-C to the one that started it, and end with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
