"""Flowgraphs and the command line, in processes of their own, joined by gr-zeromq's own blocks.

Judged by what comes out: the payloads bit for bit, and the audio against the offline decode of the
same payloads. Who listens to a PUB sink hears it from some frame on, so the flowgraph sends silence
until then, and the ends of the payloads are compared.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment
from graph import graph_python

from voicelink.blocks.audio import write_audio
from voicelink.models.codec import SpeechDecoder, SpeechEncoder

FLOWGRAPH = Path(__file__).with_name("zeromq_flowgraph.py")
VOICELINK = [sys.executable, "-m", "voicelink.link_sim.cli"]
PROFILE = "half"
PAYLOAD = 32
FORMS = [
    (form, pattern)
    for form in ("message", "tagged", "stream")
    for pattern in ("pubsub", "pushpull")
]
SENDS = {"pubsub": "pub", "pushpull": "push"}
HEARS = {"pubsub": "sub", "pushpull": "pull"}


class Processes:
    """Programs that are gone when the test ends, or when it takes too long."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._all: list[subprocess.Popen] = []

    def start(self, *words: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            bufsize=0,  # what is left is for `communicate`
        )
        self._all.append(process)
        return process

    def flowgraph(self, *words: object) -> subprocess.Popen:
        return self.start(graph_python(), FLOWGRAPH, *words)

    def voicelink(self, *words: object) -> subprocess.Popen:
        return self.start(*VOICELINK, *words)

    def kill(self) -> None:
        for process in self._all:
            process.kill()

    def end(self) -> None:
        self.kill()
        for process in self._all:
            with contextlib.suppress(ValueError):  # it has been heard to its end
                process.communicate()


@pytest.fixture
def processes(tmp_path: Path):
    group = Processes(tmp_path)
    guard = threading.Timer(TIMEOUT_S, group.kill)
    guard.start()
    yield group
    guard.cancel()
    group.end()


@pytest.fixture
def speech(sample: np.ndarray, tmp_path: Path) -> Path:
    """Three seconds of speech, for a flowgraph and for the command line."""
    np.save(tmp_path / "speech.npy", sample[:24000])
    write_audio(tmp_path / "speech.wav", sample[:24000])
    return tmp_path


def addresses(process: subprocess.Popen) -> list[str]:
    """The addresses that ``voicelink`` says it has."""
    for line in process.stderr:
        if found := re.findall(rb"tcp://\S+", line):
            return [address.decode() for address in found]
    raise AssertionError(f"it ended with {process.wait()} and named no address")


def line(process: subprocess.Popen) -> str:
    text = process.stdout.readline().decode().strip()
    assert text, process.communicate()[1].decode()
    return text


def finish(process: subprocess.Popen, status: int = 0) -> bytes:
    """What it says until it ends."""
    out, errors = process.communicate()
    assert process.returncode == status, errors.decode()
    return out


def payloads(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return [data[start : start + PAYLOAD] for start in range(0, len(data), PAYLOAD)]


def decoded(content: list[bytes]) -> np.ndarray:
    return SpeechDecoder().decode(b"".join(content))


def check_heard(process: subprocess.Popen, first: bytes, folder: Path, least: int = 10) -> dict:
    """What ``voicelink receive`` made of the over is what the encoder put into it."""
    audio = np.frombuffer(first + finish(process), np.int16) / 32768
    counts = json.loads((folder / "counts.json").read_text())
    assert counts["malformed"] == counts["concealed"] == counts["soft"] == 0
    assert counts["received"] >= least and counts["callsign"] == "N0CALL"
    sent = payloads(folder / "sent")[-counts["received"] :]
    wanted = decoded(sent)[SpeechDecoder().delay :]
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(audio, wanted, atol=1e-4)
    return counts


@pytest.mark.parametrize(("form", "pattern"), [*FORMS, ("noisy", "pubsub")])
def test_flowgraph_to_command_line(
    form: str, pattern: str, processes: Processes, speech: Path
) -> None:
    flowgraph = processes.flowgraph("transmit", SENDS[pattern], form, PROFILE, "speech.npy", "sent")
    stream = {
        "stream": ["--stream", "bytes", "--profile", PROFILE],
        "noisy": ["--stream", "floats", "--profile", PROFILE],
    }
    receiver = processes.voicelink(
        "receive", "--raw", "-", "--from", line(flowgraph), "--pattern", pattern, "--fast",
        "--json", "counts.json", *stream.get(form, []),
    )  # fmt: skip
    first = receiver.stdout.read(2)  # it hears: now the speech
    flowgraph.stdin.write(b"\n")
    flowgraph.stdin.flush()
    counts = check_heard(receiver, first, speech)
    finish(flowgraph)
    # Nothing is lost between the two; noise was put on only one of them.
    assert (counts["clean"] == counts["received"]) == (form != "noisy")


@pytest.mark.parametrize(("form", "pattern"), FORMS)
def test_command_line_to_flowgraph(
    form: str, pattern: str, processes: Processes, speech: Path, sample: np.ndarray
) -> None:
    sender = processes.voicelink(
        "send", "speech.wav", "--to", "tcp://127.0.0.1:*", "--pattern", pattern, "--fast",
        "--profile", PROFILE, "--wait", TIMEOUT_S,
        "--form", {"message": "pdu"}.get(form, form),
    )  # fmt: skip
    flowgraph = processes.flowgraph(
        "receive", HEARS[pattern], form, PROFILE, addresses(sender)[-1], "got", "heard.npy"
    )
    finish(sender)
    finish(flowgraph)
    encoder = SpeechEncoder()
    sent = encoder.encode(sample[:24000]) + encoder.flush()
    assert (speech / "got").read_bytes() == sent
    heard = np.load(speech / "heard.npy")
    np.testing.assert_allclose(heard, SpeechDecoder().decode(sent), atol=1e-5)


@pytest.mark.parametrize(
    ("before", "after", "pattern"),
    [
        ("message", "message", "pushpull"),
        ("stream", "tagged", "pubsub"),
        ("tagged", "stream", "pubsub"),
    ],
)
def test_through_a_channel_on_the_command_line(
    before: str, after: str, pattern: str, processes: Processes, speech: Path
) -> None:
    """Flowgraph, ``voicelink channel``, flowgraph: bit errors on the way, which are corrected."""
    transmitter = processes.flowgraph(
        "transmit", SENDS[pattern], before, PROFILE, "speech.npy", "sent"
    )
    stream = ["--stream", "bytes", "--profile", PROFILE] if before == "stream" else []
    channel = processes.voicelink(
        "channel", "--from", line(transmitter), "--to", "tcp://127.0.0.1:*", "--pattern", pattern,
        "--form", {"message": "pdu"}.get(after, after), *stream,
        "--bit-errors", 0.01, "--delay", 0.05, "--json",
    )  # fmt: skip
    receiver = processes.flowgraph(
        "receive", HEARS[pattern], after, PROFILE, addresses(channel)[-1], "got", "heard.npy"
    )
    assert line(receiver) == "heard"
    transmitter.stdin.write(b"\n")
    transmitter.stdin.flush()
    finish(receiver)
    finish(transmitter)
    channel.send_signal(signal.SIGINT)
    report = json.loads(finish(channel).splitlines()[-1])
    got, sent = payloads(speech / "got"), payloads(speech / "sent")
    assert len(got) >= 10 and got == sent[-len(got) :]
    np.testing.assert_allclose(np.load(speech / "heard.npy"), decoded(got), atol=1e-5)
    assert report["malformed"] == report["refused"] == 0
    assert report["channels"][0]["flipped"] > 0
