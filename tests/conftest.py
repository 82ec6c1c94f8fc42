"""What several test files share: the sample, the command line in this process, flowgraphs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment
from graph import graph_python

from voicelink.blocks.audio import read_audio
from voicelink.link_sim import cli
from voicelink.models.card import card, variants
from voicelink.models.codec import SpeechDecoder, coded
from voicelink.models.engines import absent

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI everything is there, so that a test which is skipped there is one that failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if "CI" in os.environ and reporter.stats.get("skipped") and exitstatus == 0:
        reporter.write_line("tests were skipped in CI, where none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def sample_path() -> Path:
    """The recording that comes with the package."""
    return Path(cli.__file__).parent / "sample" / "sample.flac"


@pytest.fixture(scope="session")
def sample(sample_path: Path) -> np.ndarray:
    """Its audio, float32 at 8 kHz."""
    return read_audio(sample_path)


@pytest.fixture(scope="session")
def decoded(sample: np.ndarray) -> np.ndarray:
    """The sample through the codec alone, whole superframes: what a link without errors gives."""
    return SpeechDecoder().decode(coded(sample)[1])


@pytest.fixture(params=variants())
def model(request: pytest.FixtureRequest) -> str:
    """Every released model whose library is here."""
    missing = absent(card(request.param))
    if missing:
        pytest.skip(f"{request.param} needs {missing}")
    return request.param


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, sample: np.ndarray) -> Path:
    """A folder as the training expects it, of the bundled sample."""
    import soundfile

    folder = tmp_path_factory.mktemp("speech")
    for part in ("train", "dev", "noise"):
        (folder / part).mkdir()
    rows = ["file\tsource\tspeaker\tseconds"]
    for k in range(3):
        piece = sample[k * 40000 : (k + 1) * 40000]
        soundfile.write(folder / "train" / f"{k}.flac", piece, 8000)
        rows.append(f"train/{k}.flac\tmade\t{k}\t{len(piece) / 8000}")
    (folder / "train.tsv").write_text("\n".join(rows) + "\n")
    soundfile.write(folder / "dev" / "d.flac", sample[:24000], 8000)
    noise = np.random.default_rng(0).normal(0, 0.1, 32000)
    soundfile.write(folder / "noise" / "n.flac", noise, 8000)
    return folder


@pytest.fixture(scope="session")
def dev_speech() -> Path:
    """Recordings of real people that no model was trained on; beside the project in CI."""
    folder = SHARED / "speech" / "dev"
    if not folder.is_dir():
        assert "CI" not in os.environ, f"CI must have the validation speech at {folder}"
        pytest.skip("needs the validation speech, ../shared/speech/dev")
    return folder


@pytest.fixture
def voicelink(capsys: pytest.CaptureFixture[str]):
    """Run the command line: (status, standard output, standard error)."""

    def run(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = cli.main([str(a) for a in args])
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def refused(voicelink):
    """Run the command line on what it must refuse: the one line that it says."""

    def run(*args: object) -> str:
        status, out, err = voicelink(*args)
        assert status == 2, err
        assert out == ""
        lines = [line for line in err.splitlines() if "note:" not in line]
        assert len(lines) == 1, err
        assert lines[0].startswith("voicelink: ")
        return lines[0]

    return run


@pytest.fixture(scope="session")
def python() -> str:
    """A Python that has GNU Radio and this package: the one that runs the tests."""
    return graph_python()


@pytest.fixture(scope="session")
def program(python: str, tmp_path_factory: pytest.TempPathFactory):
    """Compile a flowgraph's headless form: the program."""

    def compile_it(name: str, *words: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        command = [python, "-m", "voicelink.link_sim.cli", "grc", "compile", name, "--headless"]
        done = subprocess.run(
            [*command, *words, "-o", str(folder)], capture_output=True, text=True,
            timeout=TIMEOUT_S, env=clean_environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())

    return compile_it


@pytest.fixture
def run(python: str, tmp_path: Path):
    """Run a program to its end, in a folder of its own: what its blocks counted."""

    def to_the_end(path: Path, *counts: str, **options: object) -> dict:
        runner = Path(__file__).with_name("flowgraph_run.py")
        done = subprocess.run(
            [python, str(runner), str(path), json.dumps(options), json.dumps(counts)],
            capture_output=True, text=True, timeout=TIMEOUT_S, cwd=tmp_path,
            env=clean_environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return to_the_end
