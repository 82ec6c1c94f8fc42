"""Sweeps as they run: nothing is lost or done twice, whatever ends the work on the way."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections import deque
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import numpy as np
import pytest

from voicelink.blocks.audio import read_audio
from voicelink.blocks.status import LETTERS, Status
from voicelink.blocks.transmitter import split_payloads
from voicelink.link_sim.channels import ChannelChain, channels_from
from voicelink.link_sim.fer import wilson
from voicelink.link_sim.simulation import simulate
from voicelink.link_sim.sweeping import Point, read_sweep, run, run_sweep
from voicelink.link_sim.sweeping.link_run import run_link
from voicelink.link_sim.sweeping.point import Result, run_point
from voicelink.models.card import card
from voicelink.models.codec import SpeechEncoder

GRID = """\
title: A small grid, "quoted"
channel:
  - loss: {probability: 0.1}
  - awgn: {ebn0_db: 2}
vary:
  channel.loss.probability: [0, 0.1, 0.2]
  profile: [half, third]
seeds: 2
frames: 60
"""
POINTS = 12

AFTER_FIVE = """
import os, signal, sys
from voicelink.link_sim import cli
from voicelink.link_sim.sweeping.folder import ResultsFolder

append, rows = ResultsFolder._append, 0

def then_end(self, line):
    global rows
    if rows == 5:
        {end}
    append(self, line)
    rows += 1

if __name__ == "__main__":
    ResultsFolder._append = then_end
    sys.exit(cli.main(sys.argv[1:]))
"""
"""The command line, which meets its end at the sixth row."""

CPU = ("cpu_s", "times_real_time")


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def without_cpu(folder: Path) -> list[dict[str, str]]:
    return [{name: v for name, v in row.items() if name not in CPU} for row in table(folder)]


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "grid.yaml"
    path.write_text(GRID)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the grid's results, worked out by one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "grid.yaml").write_text(GRID)
    run_sweep(read_sweep(folder / "grid.yaml"), folder / "out")
    return folder / "out"


def ended(end: str, grid: Path, folder: Path, **options) -> subprocess.CompletedProcess:
    """Run the sweep in another process, which ends by a line of Python at the sixth row.

    That it returns shows that no worker is left over, as it would hold the pipes open.
    """
    return subprocess.run(
        [
            *(sys.executable, "-c", AFTER_FIVE.format(end=end)),
            *("sweep", str(grid), "-o", str(folder), "--workers", "2"),
        ],
        capture_output=True, text=True, check=False, timeout=120, **options,
    )  # fmt: skip


def test_after_a_kill_it_goes_on_and_does_nothing_twice(
    grid: Path, tmp_path: Path, undisturbed: Path, voicelink
) -> None:
    out = tmp_path / "out"
    torn = "append(self, line[: len(line) // 2]); os.kill(os.getpid(), signal.SIGKILL)"
    assert ended(torn, grid, out).returncode == -signal.SIGKILL
    before = (out / "results.csv").read_bytes()
    assert not before.endswith(b"\n")
    finished = before.splitlines()[1:6]

    status, shown, _ = voicelink("sweep", grid, "-o", out, "--workers", 1)
    assert status == 0 and f"{POINTS} points, 5 of them from before" in shown
    after = (out / "results.csv").read_bytes().splitlines()
    # To the last digit of the CPU time: these were not worked out again.
    assert [line for line in after if line in finished] == sorted(finished, key=after.index)
    assert len({line.split(b",")[0] for line in after[1:]}) == len(after) - 1 == POINTS
    assert without_cpu(out) == without_cpu(undisturbed)


def test_any_number_of_workers_gives_the_same(
    grid: Path, tmp_path: Path, undisturbed: Path
) -> None:
    run_sweep(read_sweep(grid), tmp_path / "out", workers=2)
    assert without_cpu(tmp_path / "out") == without_cpu(undisturbed)
    for name in ("sweep.yaml", *(f"details/{row['point']}.json" for row in table(undisturbed))):
        assert (tmp_path / "out" / name).read_bytes() == (undisturbed / name).read_bytes()


def test_a_worker_that_is_killed_costs_no_point(
    grid: Path, tmp_path: Path, undisturbed: Path
) -> None:
    killed = []

    def kill_one(done: int, total: int, name: str) -> None:
        if done == 3:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    run_sweep(read_sweep(grid), tmp_path / "out", workers=2, report=kill_one)
    assert killed
    assert without_cpu(tmp_path / "out") == without_cpu(undisturbed)


class Pool(Executor):
    """Processes at which one point, replica 3, kills all that are at work with it."""

    def __init__(self):
        self.futures = {}

    def submit(self, work, point):
        future = Future()
        self.futures[future] = point
        return future

    def wait(self, running, **options):
        """All that are at work come to an end."""
        dead = any(self.futures[future].replica == 3 for future in running)
        for future in running:
            if dead:
                future.set_exception(BrokenExecutor())
            else:
                future.set_result(Result({"point": self.futures[future].id}))
        return set(running), set()


def test_only_the_point_that_kills_its_process_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, kept = Pool(), []
    monkeypatch.setattr(run, "wait", pool.wait)
    points = [point(replica=replica) for replica in range(10)]
    run._work(deque(points), lambda: pool, lambda: 2, kept.append)
    assert sorted(result.row["point"] for result in kept) == sorted(p.id for p in points)
    (failed,) = [result.row for result in kept if "error" in result.row]
    assert failed["point"] == points[3].id and "its process died" in failed["error"]


def test_a_full_disk_ends_with_one_line_and_a_readable_table(
    grid: Path, tmp_path: Path, undisturbed: Path
) -> None:
    """A limit on the size of files does to the table what a full disk does."""
    import resource

    room = (undisturbed / "results.csv").stat().st_size - 100
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))}
    done = ended("pass", grid, tmp_path / "out", **limited)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "cannot write" in line and "11 finished points are in" in line
    assert len(table(tmp_path / "out")) == 11
    run_sweep(read_sweep(grid), tmp_path / "out")
    assert without_cpu(tmp_path / "out") == without_cpu(undisturbed)


def test_ctrl_c_ends_with_one_line_and_a_readable_table(grid: Path, tmp_path: Path) -> None:
    # As in a terminal: what a shell runs in the background ignores it.
    heed = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    done = ended(f"{heed}; os.kill(os.getpid(), signal.SIGINT)", grid, tmp_path / "out")
    assert done.returncode == 130 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "interrupted; 5 finished points are in" in line
    assert len(table(tmp_path / "out")) == 5


def test_a_failing_point_is_listed_and_the_others_finish(
    tmp_path: Path, sample: np.ndarray, voicelink
) -> None:
    from voicelink.blocks.audio import write_audio

    (tmp_path / "speech").mkdir()
    write_audio(tmp_path / "speech" / "good.wav", sample[:16000])
    (tmp_path / "speech" / "words.wav").write_text("These are words.")
    path = tmp_path / "two.yaml"
    path.write_text("speech: speech\nkeep_audio: true\n")
    status, _, err = voicelink("sweep", path, "-o", tmp_path / "out", "--workers", 1)
    assert status == 1
    (line,) = err.splitlines()
    assert "words" in line and "no audio file" in line
    good, bad = table(tmp_path / "out")
    assert good["error"] == "" and float(good["estoi"]) > 0.5
    assert bad["speech"] == "words" and bad["fer"] == ""

    write_audio(tmp_path / "speech" / "words.wav", sample[:8000])
    status, out, _ = voicelink("sweep", path, "-o", tmp_path / "out", "--workers", 1)
    assert status == 0 and "2 points, 1 of them from before" in out
    assert good in table(tmp_path / "out")
    for name in ("good", "words", *(row["point"] for row in table(tmp_path / "out"))):
        assert len(read_audio(tmp_path / "out" / "audio" / f"{name}.flac")) in (8000, 16000)


def test_another_sweep_is_refused_in_the_same_folder(
    grid: Path, tmp_path: Path, undisturbed: Path, refused
) -> None:
    before = (undisturbed / "results.csv").read_bytes()
    grid.write_text(GRID.replace("frames: 60", "frames: 61"))
    said = refused("sweep", grid, "-o", undisturbed)
    assert "results of another sweep: frames differs" in said
    assert (undisturbed / "results.csv").read_bytes() == before


def test_inputs_that_have_changed_are_refused_in_the_same_folder(
    tmp_path: Path, sample: np.ndarray, voicelink, refused
) -> None:
    import shutil

    from voicelink.blocks.audio import write_audio

    write_audio(tmp_path / "one.wav", sample[:8000])
    (tmp_path / "net.csv").write_text("time,delay\n0,0.1\n")
    shutil.copytree(card().folder, tmp_path / "mine")
    path, out = tmp_path / "grid.yaml", tmp_path / "out"
    path.write_text("channel: [trace: {file: net.csv}]\nspeech: one.wav\nmodel: mine\n")
    assert voicelink("sweep", path, "-o", out, "--workers", 1)[0] == 0
    table_before, settings = (out / "results.csv").read_bytes(), (out / "sweep.yaml").read_bytes()

    write_audio(tmp_path / "one.wav", sample[8000:16000])
    said = refused("sweep", path, "-o", out)
    assert "results of other inputs: speech one changed since" in said
    (tmp_path / "net.csv").write_text("time,delay\n0,0.2\n")
    digest = card().text["files"]["decoder.onnx"]["sha256"]
    text = (tmp_path / "mine" / "card.yaml").read_text().replace(digest, "a" * 64)
    (tmp_path / "mine" / "card.yaml").write_text(text)
    said = refused("sweep", path, "-o", out)
    names = ("file", tmp_path / "net.csv"), ("model", tmp_path / "mine"), ("speech", "one")
    assert ", ".join(f"{kind} {name}" for kind, name in names) + " changed since" in said
    # The sweep as the folder has it says what it was run with, and is a sweep itself.
    again = refused("sweep", out / "sweep.yaml", "-o", tmp_path / "again")
    assert f"file {tmp_path / 'net.csv'} has changed" in again
    assert (out / "results.csv").read_bytes() == table_before
    assert (out / "sweep.yaml").read_bytes() == settings


def test_the_sweep_in_a_folder_gives_the_same_again(undisturbed: Path, tmp_path: Path) -> None:
    run_sweep(read_sweep(undisturbed / "sweep.yaml"), tmp_path / "out")
    assert without_cpu(tmp_path / "out") == without_cpu(undisturbed)


def test_two_processes_do_not_work_on_one_folder(grid: Path, tmp_path: Path) -> None:
    from voicelink.link_sim.sweeping.folder import open_folder
    from voicelink.models.errors import ParameterError

    sweep = read_sweep(grid)
    with (
        open_folder(tmp_path / "out", sweep),
        pytest.raises(ParameterError, match="another process is working"),
        open_folder(tmp_path / "out", sweep),
    ):
        pass


def test_a_point_is_what_sim_gives_with_its_seed(
    tmp_path: Path, sample_path: Path, sample: np.ndarray, voicelink
) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(
        "channel: [loss:probability=0.1, awgn:ebn0_db=1.5, bandwidth:rate=2500]\n"
        "speech: sample\nprofile: half\nspread: 2\nseeds: [7]\nkeep_audio: true\n"
    )
    status, out, _ = voicelink("sweep", path, "-o", tmp_path / "out", "--workers", 1, "--json")
    (row,) = json.loads(out)
    assert status == 0 and row["error"] == ""
    voicelink(
        "sim", sample_path, tmp_path / "heard.flac", "--channel", "loss:probability=0.1",
        "--awgn", 1.5, "--bandwidth", 2500, "--profile", "half", "--spread", 2,
        "--seed", row["seed"], "--json", tmp_path / "report.json",
    )  # fmt: skip
    report = json.loads((tmp_path / "report.json").read_text())
    assert {s.value: row[s.value] for s in Status} == {
        s.value: report["superframes"][s.value] for s in Status
    }
    assert row["estoi"] == pytest.approx(report["quality"]["estoi"], abs=1e-4)
    latency = report["latency_ms"]
    assert row["latency_mean_ms"] == pytest.approx(latency["channel_mean"])
    assert row["latency_max_ms"] == pytest.approx(latency["channel_max"])
    assert row["mouth_to_ear_ms"] == pytest.approx(latency["mouth_to_ear"])
    assert row["on_air_rate"] == report["rates"]["on_air"]
    packets = report["packets"]
    assert row["lost"] == packets["sent"] - packets["arrived"] + packets["late"]
    np.testing.assert_array_equal(
        read_audio(tmp_path / "out" / "audio" / f"{row['point']}.flac"),
        read_audio(tmp_path / "heard.flac"),
    )
    np.testing.assert_array_equal(read_audio(tmp_path / "out" / "audio" / "sample.flac"), sample)
    details = json.loads((tmp_path / "out" / "details" / f"{row['point']}.json").read_text())
    letters = details["statuses"]
    assert {s.value: letters.count(LETTERS[s]) for s in Status} == {
        s.value: row[s.value] for s in Status
    }
    assert sum(details["latency_ms"]["counts"]) == packets["arrived"]
    assert sum(details["queue"]["counts"]) > 0
    assert [stage["channel"] for stage in details["channel"]] == ["loss", "awgn", "bandwidth"]


@pytest.mark.parametrize(
    ("channel", "profile", "spread"),
    [
        (["loss:probability=0.2", "awgn:ebn0_db=1.5"], "half", 1),
        (["gilbert-elliott:loss=0.2,burst=3", "awgn:ebn0_db=2"], "half", 4),
        (["bit-errors:rate=0.002", "jitter:deviation=0.3"], "checked", 1),
        (["jitter:deviation=0.2", "duplicate:probability=0.2"], "third", 1),
        (["loss:probability=0.2"], "plain", 1),
    ],
)  # fmt: skip
def test_the_link_alone_is_the_link_with_speech(
    channel: list[str], profile: str, spread: int, sample: np.ndarray
) -> None:
    """The same payloads over the same channel: the same becomes of each superframe."""
    spoken = simulate(sample, ChannelChain(channels_from(channel), 3), profile, spread=spread)
    encoder = SpeechEncoder()
    payloads = split_payloads(encoder.encode(sample) + encoder.flush())
    payloads = np.stack([np.frombuffer(p, np.uint8) for p in payloads])
    chain = ChannelChain(channels_from(channel), 3)
    alone = run_link(payloads, chain, profile, spread=spread)
    # But for the last one, whose header says with speech that the over ends.
    assert alone.statuses[:-1] == spoken.statuses[:-1]
    assert len(set(alone.statuses)) > 1
    mouth_to_ear = spoken.report["latency_ms"]["mouth_to_ear"]
    assert 1000 * alone.mouth_to_ear == pytest.approx(mouth_to_ear)


def point(**settings) -> Point:
    usual = {
        "profile": "half", "spread": 1, "model": "neural-800", "codec": "neural-800",
        "speech": "", "path": "", "channel": ({"awgn": {"ebn0_db": 2.0}},), "varied": {},
        "replica": 1, "frames": 1000, "buffer": 0.2,
    }  # fmt: skip
    return Point(**usual | settings)


def test_the_error_rate_of_the_link_alone_is_that_of_the_code() -> None:
    """Profile half at 2 dB: 0.082, as `voicelink.link_sim.fer` has it from 4000 frames."""
    row = run_point(point()).row
    low, high = wilson(row["failed"], row["frames"], 0.999)
    assert low < 0.082 < high


def test_codec_2_loses_what_the_link_loses(sample_path: Path, sample: np.ndarray) -> None:
    from voicelink.link_sim.sweeping.codec2 import peer

    codec = peer("codec2-700C")
    if codec.absent():
        pytest.skip(codec.absent())
    speech = {"speech": "sample", "path": str(sample_path), "frames": 0, "keep_audio": True}
    lossy = ({"loss": {"probability": 0.2}},)
    ours, theirs = (
        run_point(point(channel=lossy, codec=name, measures=("estoi",), **speech))
        for name in ("neural-800", "codec2-700C")
    )
    assert theirs.row["seed"] == ours.row["seed"]
    shared = min(ours.row["frames"], theirs.row["frames"])
    lost = [at for at in range(shared) if theirs.details["statuses"][at] == "x"]
    assert lost == [at for at in range(shared) if ours.details["statuses"][at] == "x"] and lost
    # 224 of the 256 bits are speech, and what came is what Codec 2 alone makes of it.
    payloads, coded = codec.payloads(sample)
    bits = np.unpackbits(payloads, axis=1)
    assert not bits[:, 224:].any() and bits[:, :224].any()
    clean = run_point(point(channel=(), codec="codec2-700C", **speech)).audio
    np.testing.assert_array_equal(clean, codec.heard(coded, np.zeros(len(payloads), bool), sample))
    assert len(theirs.audio) == len(sample)
