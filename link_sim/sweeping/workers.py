"""Processes that work on points: of this machine, or of a cluster through Dask."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager

from voicelink.models.errors import ParameterError, VoiceLinkError, one_line
from voicelink.models.processes import new_pool

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@contextmanager
def local_workers(count: int) -> Iterator[Callable[[], Executor]]:
    """A maker of pools of ``count`` processes: one pool at first, another where that one broke.

    When the block ends no process is left, whatever it was at. The maker raises `VoiceLinkError`
    where no process can be started.
    """
    pools: list[ProcessPoolExecutor] = []

    def make() -> Executor:
        # Numpy's threads are counted when it is imported.
        with _environment(_ONE_THREAD):
            pools.append(new_pool(count))
            # Processes start with the first tasks, which must be in this environment.
            try:
                for each in [pools[-1].submit(os.getpid) for _ in range(count)]:
                    each.result()
            except BrokenExecutor as error:
                raise VoiceLinkError(f"cannot start {count} processes: {error}") from None
        return pools[-1]

    before = set(multiprocessing.active_children())
    try:
        yield make
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
            child.join()


@contextmanager
def dask_workers(address: str) -> Iterator[tuple[Callable[[], Executor], Callable[[], int]]]:
    """The executor of a Dask cluster, and how many threads it has now.

    A worker that is killed costs nothing but time: Dask gives its points to the others.

    Raises:
        VoiceLinkError: Dask is not installed.
        ParameterError: no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise VoiceLinkError(
            f"--dask needs the Python package distributed: pip install '.[cluster]' ({error})"
        ) from None
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ParameterError(f"--dask {address}: no scheduler answers: {one_line(error)}") from None
    with client:
        executor = client.get_executor()
        try:
            yield lambda: executor, lambda: sum(client.nthreads().values())
        finally:
            executor.shutdown(wait=False)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
