"""A sweep on a Dask cluster: a worker that dies on the way costs no point."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

from voicelink.link_sim.sweeping import read_sweep, run_sweep

GRID = """\
channel: [awgn: {ebn0_db: 2}]
vary: {channel.awgn.ebn0_db: [1, 2, 3], profile: [half, third]}
seeds: 3
frames: 60
"""

CLUSTER = """
import json, os, signal, sys
from distributed import Client, LocalCluster
from voicelink.link_sim.sweeping import read_sweep, run_sweep

def main(sweep, folder):
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster, Client(cluster) as client:
        # Ids of processes, asked of the workers themselves.
        pids = client.run(os.getpid)
        assert len(set(pids.values())) == 2
        killed = []

        def kill_one(done, total, name):
            if done == 4:
                busy = [worker for worker, tasks in client.processing().items() if tasks]
                killed.append((busy or list(pids))[0])
                os.kill(pids[killed[0]], signal.SIGKILL)

        outcome = run_sweep(
            read_sweep(sweep), folder, dask=cluster.scheduler_address, report=kill_one
        )
    print(json.dumps({"killed": len(killed), "failed": len(outcome.failed)}))

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{n: v for n, v in r.items() if n not in ("cpu_s", "times_real_time")} for r in rows]


def test_all_points_finish_though_one_of_two_workers_is_killed(tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(GRID)
    (tmp_path / "cluster.py").write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, tmp_path / "cluster.py", tmp_path / "grid.yaml", tmp_path / "cluster"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["killed"] == 1 and told["failed"] == 0
    run_sweep(read_sweep(tmp_path / "grid.yaml"), tmp_path / "local")
    assert len(table(tmp_path / "local")) == 18
    assert table(tmp_path / "cluster") == table(tmp_path / "local")


def test_no_scheduler_and_no_dask_are_said(tmp_path: Path, refused, monkeypatch) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(GRID)
    options = ("sweep", path, "-o", tmp_path / "out", "--dask")
    assert "no scheduler answers" in refused(*options, "nowhere")
    assert "cannot go with --dask" in refused(*options, "tcp://127.0.0.1:1", "--workers", 2)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install '.[cluster]'" in refused(*options, "tcp://127.0.0.1:1")
