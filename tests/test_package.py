"""What is built and installed: everything the package needs, and nothing it must not hold."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tarfile
import zipfile
from importlib import resources
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "blocks", "link_sim", "grc")
NEEDED = (
    "voicelink/models/py.typed",
    "voicelink/models/released/neural-800/card.yaml",
    "voicelink/models/released/neural-800/encoder.onnx",
    "voicelink/models/released/neural-800/decoder.onnx",
    "voicelink/models/released/vae-digits/phase.onnx",
    "voicelink/models/released/parametric-800/codebooks.npz",
    "voicelink/models/released/voice-profile/voice.onnx",
    "voicelink/models/released/codec2-700c-neural/card.yaml",
    "voicelink/models/digits/recogniser.onnx",
    "voicelink/models/training/neural-800.yaml",
    "voicelink/blocks/FORMAT.md",
    "voicelink/blocks/profiles.yaml",
    "voicelink/blocks/ldpc_bg2.csv",
    "voicelink/blocks/gnuradio/__init__.py",
    "voicelink/link_sim/gnuradio.py",
    "voicelink/link_sim/iq/cheap-receiver.yaml",
    "voicelink/link_sim/field/curves.csv",
    "voicelink/link_sim/report/templates/report.html",
    "voicelink/link_sim/report/templates/base.html",
    "voicelink/link_sim/scenarios/rough.yaml",
    "voicelink/link_sim/sweeping/run.py",
    "voicelink/link_sim/sweeps/burst-loss.yaml",
    "voicelink/link_sim/SWEEPS.md",
    "voicelink/link_sim/sample/sample.flac",
    "voicelink/grc/loopback.grc",
    "voicelink/grc/FIRST_CONTACT.md",
    "voicelink/grc/voicelink_encoder.block.yml",
    "voicelink/grc/zeromq_monitor.grc",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (PROJECT / ".git").exists():
        pytest.skip("an unpacked source archive: what is to be packed is asked of git")
    folder = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source") / "checkout"
    # What git knows, as a fresh clone has it.
    subprocess.run(
        ["git", "checkout-index", "--all", f"--prefix={source}/"], cwd=PROJECT, check=True
    )
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def test_the_wheel_holds_what_is_needed_and_no_corpus(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert [n for n in NEEDED if n not in names] == []
    audio = [n for n in names if n.endswith((".wav", ".flac", ".opus", ".npy"))]
    assert audio == ["voicelink/link_sim/sample/sample.flac"]
    # A namespace: GNU Radio modules of others may live beside ours.
    assert "voicelink/__init__.py" not in names
    # Five models of at most 10 MB, in a package that a small computer installs.
    assert wheel.stat().st_size < 45e6


def test_the_source_archive_holds_tests_and_licence(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {n.partition("/")[2] for n in file.getnames()}
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "tests/run.sh", "link_sim/demo.sh"):
        assert name in names


def test_the_tests_import_what_is_installed() -> None:
    if (PROJECT / ".venv-tests") not in Path(sys.executable).parents:
        pytest.skip("not run by tests/run.sh: an editable install is tested")
    for name in PACKAGES:
        module = importlib.import_module(f"voicelink.{name}")
        assert "site-packages" in module.__file__


def test_imports_run_one_way() -> None:
    """models <- blocks <- link_sim, and nobody else imports torch, zmq or gnuradio."""
    later = {"models": ("blocks", "link_sim", "grc"), "blocks": ("link_sim", "grc")}
    for package, forbidden in later.items():
        for path in (PROJECT / package).rglob("*.py"):
            text = path.read_text()
            for other in forbidden:
                assert f"voicelink.{other}" not in text.replace("``", ""), (path, other)
    adapters = {"zeromq.py", "zeromq_address.py", "zeromq_keys.py", "zeromq_socket.py"}
    for package in PACKAGES:
        for path in (PROJECT / package).rglob("*.py"):
            lines = path.read_text().splitlines()
            heavy = {
                line.split()[1].split(".")[0]
                for line in lines
                if line.startswith(("import ", "from "))
            } & {"torch", "zmq", "gnuradio", "pmt", "onnxruntime", "matplotlib", "onnx"}
            allowed = {"zmq"} if path.name in adapters else set()
            if "gnuradio" in (path.parent.name, path.stem):
                allowed = {"gnuradio", "pmt"}
            if "training" in path.parts:
                allowed = {"torch", "onnx"}
            assert heavy <= allowed, (path, heavy)


def test_data_files_are_found_through_the_package() -> None:
    assert (resources.files("voicelink.blocks") / "FORMAT.md").is_file()
    assert (resources.files("voicelink.link_sim") / "scenarios").is_dir()
