"""The link beside numpy 2, without GNU Radio, which Debian 12 builds for numpy 1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gnuradio_python import clean_environment

PROJECT = Path(__file__).resolve().parents[1]
INSTALL_S = 900

CHAIN = """
import importlib.util, json, sys
import numpy as np
from voicelink.blocks.auto_link import AutoLinkDecoder
from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import frame_to_pdu, packet_to_pdu, pdu_to_packet, pdu_to_payload
from voicelink.blocks.sync import FrameSync
from voicelink.blocks.sync_word import stream_frame
from voicelink.blocks.transmitter import split_payloads
from voicelink.link_sim.channels import ChannelChain, channels_from
from voicelink.link_sim.simulation import simulate
from voicelink.models.codec import SpeechDecoder, SpeechEncoder

audio = np.load(sys.argv[1])
encoder = SpeechEncoder()
content = encoder.encode(audio) + encoder.flush()
link, unlink, sync = LinkEncoder("half", callsign="N0CALL"), AutoLinkDecoder(), FrameSync("half")
noise = np.random.default_rng(0)
heard, synced = b"", 0
for payload in split_payloads(content):
    packet = link.encode(payload)
    arrived = pdu_to_packet(packet_to_pdu(packet))
    frame = unlink.decode(arrived)
    heard += pdu_to_payload(frame_to_pdu(frame, arrived.number))[0]
    symbols = 1 - 2.0 * np.unpackbits(np.frombuffer(stream_frame(packet.data.tobytes()), np.uint8))
    synced += len(sync.push(symbols + noise.normal(0, 0.3, len(symbols))))
result = simulate(audio, ChannelChain(channels_from("awgn:ebn0_db=3"), 1), profile="half")
print(json.dumps({
    "numpy": np.__version__,
    "gnuradio": importlib.util.find_spec("gnuradio") is not None,
    "payloads": content.hex(),
    "heard": heard.hex(),
    "synced": synced,
    "samples": len(SpeechDecoder().decode(heard)),
    "delivered": result.report["superframes"]["clean"] + result.report["superframes"]["corrected"],
    "sent": result.report["superframes"]["sent"],
}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with the project and numpy 2, and without the system's packages."""
    folder = tmp_path_factory.mktemp("numpy2")
    source = folder / "source"
    # A copy, so that the build leaves nothing in the checkout.
    files = ["git", "checkout-index", "--all", f"--prefix={source}/"]
    if not (PROJECT / ".git").exists():
        files = ["cp", "-r", str(PROJECT), str(source)]
    subprocess.run(files, cwd=PROJECT, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = str(folder / "venv" / "bin" / "python")
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", str(source), "numpy>=2"],
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        env=clean_environment(),
        check=False,
    )
    if installed.returncode and "CI" not in os.environ:
        pytest.skip(f"numpy 2 cannot be installed here: {installed.stderr[-300:]}")
    assert installed.returncode == 0, installed.stderr
    return python


def run(python: str, *args: str) -> str:
    done = subprocess.run(
        [python, "-W", "error", *args],
        capture_output=True,
        text=True,
        timeout=120,
        env=clean_environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_whole_link_runs_and_gives_the_same(python: str, sample, tmp_path: Path) -> None:
    import numpy as np

    from voicelink.models.codec import SpeechEncoder

    audio = sample[:40000]
    np.save(tmp_path / "audio.npy", audio)
    result = json.loads(run(python, "-c", CHAIN, str(tmp_path / "audio.npy")))
    assert result["numpy"].startswith("2.")
    assert not result["gnuradio"]
    assert result["heard"] == result["payloads"]
    frames = len(result["heard"]) // 64
    assert result["samples"] == frames * 2560
    assert result["synced"] >= frames - 1
    assert result["delivered"] == result["sent"]
    # The same bits as in the environment of the tests, but for a rounding at a decision's border.
    encoder = SpeechEncoder()
    here = np.frombuffer(encoder.encode(audio) + encoder.flush(), np.uint8)
    there = np.frombuffer(bytes.fromhex(result["payloads"]), np.uint8)
    assert len(here) == len(there)
    assert np.unpackbits(here ^ there).mean() < 0.01


def test_the_command_line_runs(python: str, sample_path: Path, tmp_path: Path) -> None:
    command = str(Path(python).with_name("voicelink"))
    coded, heard = tmp_path / "speech.vl", tmp_path / "heard.wav"
    run(python, command, "encode", str(sample_path), str(coded))
    run(python, command, "decode", str(coded), str(heard))
    assert heard.stat().st_size > 10 * coded.stat().st_size
