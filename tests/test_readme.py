"""What the README shows is run as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from voicelink.blocks.audio import write_audio

README = Path(__file__).resolve().parents[1] / "README.md"
TEXT = README.read_text()
COMMANDS = [
    line.partition("   #")[0].strip()
    for line in TEXT.splitlines()
    if re.match(r"    voicelink (encode|decode|sim|models|channel --list|(de)?modulate)", line)
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample) -> Path:
    """A folder with the files that the examples name."""
    write_audio(tmp_path / "speech.wav", sample[:40000])
    (yaml,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "link.yaml").write_text(yaml)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("command", [*COMMANDS, "voicelink sim speech.wav h.wav --yaml link.yaml"])
def test_the_commands_run(command: str, voicelink) -> None:
    if " decode " in command:
        voicelink("encode", "speech.wav", "speech.vl")
        voicelink("encode", "speech.wav", "spoken.vl", "--model", "parametric-800")
    if ".c2" in command:
        if not (shutil.which("c2enc") and shutil.which("sox")):
            pytest.skip("without sox and codec2")
        line = next(line for line in TEXT.splitlines() if "c2enc 700C" in line)
        subprocess.run(line.partition("   #")[0], shell=True, check=True, capture_output=True)
    if "me.voice" in command and " sim " in command:
        voicelink("models", "voice", "speech.wav", "me.voice")
    if "sigmf" in command:
        pytest.importorskip("sigmf")
    if " demodulate " in command:
        voicelink("modulate", "speech.wav", "over.sigmf-meta", "--rate", "48000")
    status, _, err = voicelink(*shlex.split(command)[1:])
    assert status == 0, err


def test_the_python_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "'sent': 16" in capsys.readouterr().out
    assert (folder / "heard.wav").exists()


@pytest.mark.parametrize("name", ["README.md", "docs/MEASURED.md"])
def test_the_links_lead_somewhere(name: str) -> None:
    page = README.parent / name
    for target, place in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        found = page.parent / target if target else page
        assert found.exists(), target
        if place:
            heads = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert place in [head.lower().replace(" ", "-") for head in heads], place


def test_both_commands_are_there() -> None:
    for script in ("link_sim/demo.sh", "tests/run.sh"):
        assert f"    sh {script}" in TEXT
        assert (README.parent / script).exists()
    assert shutil.which("sh")
