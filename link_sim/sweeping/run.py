"""The work on a sweep: points to workers, results to the folder."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from voicelink.link_sim.channels.parameters import shown
from voicelink.link_sim.sweeping.folder import open_folder
from voicelink.link_sim.sweeping.point import Result, run_point
from voicelink.link_sim.sweeping.sweep import Point, Sweep
from voicelink.link_sim.sweeping.workers import dask_workers, local_workers

_TRIES = 3
"""So often a point may be at work when its process dies, before it counts as failed."""


@dataclass(frozen=True)
class Outcome:
    """What a sweep left.

    Attributes:
        folder: where.
        columns: of the table.
        rows: its rows, text by column, in the order of the grid.
        before: points that were there already.
    """

    folder: Path
    columns: list[str]
    rows: list[dict[str, str]]
    before: int

    @property
    def failed(self) -> list[dict[str, str]]:
        """The rows of the points that failed."""
        return [row for row in self.rows if row["error"]]


def run_sweep(
    sweep: Sweep,
    folder: str | Path,
    workers: int = 1,
    dask: str | None = None,
    report: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Outcome:
    """Run the points of a sweep that the folder does not have yet; those that failed, again.

    The results are the same for any number of workers, here or in a cluster.

    Args:
        folder: where the results go; made if it is not there.
        workers: processes on this machine.
        dask: the address of a Dask scheduler, whose workers take the points instead.
        report: called with the points done, all points, and what is being done.

    Raises:
        ParameterError: the folder is another sweep's, or cannot be written. What is in it stays.
        VoiceLinkError: Dask is asked for, and not installed.
    """
    points = {point.id: point for point in sweep.points()}
    with ExitStack() as stack:
        kept = stack.enter_context(open_folder(folder, sweep))
        kept.forget_failed()
        before = len(kept.rows)
        missing = deque(point for name, point in points.items() if name not in kept.rows)
        report(before, len(points), "starting")
        if sweep.keep_audio:
            kept.keep_recordings()
        if missing:
            if dask is None:
                size = min(workers, len(missing))
                make, count = stack.enter_context(local_workers(size)), lambda: size
            else:
                make, count = stack.enter_context(dask_workers(dask))

            def keep(result: Result) -> None:
                kept.add(result)
                report(len(kept.rows), len(points), _name(points[result.row["point"]]))

            _work(missing, make, count, keep)
        kept.sort(list(points))
        return Outcome(kept.path, kept.columns, list(kept.rows.values()), before)


def _work(
    missing: deque[Point],
    make: Callable[[], Executor],
    count: Callable[[], int],
    keep: Callable[[Result], None],
) -> None:
    executor = make()
    running: dict[Future, Point] = {}
    tries: dict[str, int] = {}

    def room() -> int:
        # A point at which a process may have died is at work alone, so that no other is blamed.
        if any(point.id in tries for point in (missing[0], *running.values())):
            return 1
        # No more than keeps everybody busy, so that few are lost where a process dies.
        return max(1, 2 * count())

    while missing or running:
        dead = False
        while missing and len(running) < room():
            point = missing.popleft()
            try:
                running[executor.submit(run_point, point)] = point
            except BrokenExecutor:
                missing.appendleft(point)
                dead = True
                break
        done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
        broken = []
        for future in done:
            point = running.pop(future)
            try:
                result = future.result()
            except BrokenExecutor:
                broken.append(point)
            except Exception as error:  # a point that cannot be sent, or a cluster that gave it up
                keep(_failed(point, f"{type(error).__name__}: {error}"))
            else:
                keep(result)
        if broken:
            # One process has died, and nobody knows at which of the points at work.
            broken += running.values()
            running.clear()
            for point in broken:
                tries[point.id] = tries.get(point.id, 0) + 1
                if tries[point.id] < _TRIES:
                    missing.appendleft(point)
                else:
                    keep(_failed(point, "its process died, perhaps for want of memory"))
        if broken or (dead and not running):
            executor = make()


def _failed(point: Point, reason: str) -> Result:
    row = {
        "point": point.id, "seed": point.seed, "profile": point.profile,
        "spread": point.spread, "model": point.model, "codec": point.codec,
        "speech": point.speech, **point.varied, "error": reason,
    }  # fmt: skip
    return Result(row)


def _name(point: Point) -> str:
    words = [point.profile, *map(shown, point.varied.values()), point.speech]
    return " ".join(word for word in words if word)
