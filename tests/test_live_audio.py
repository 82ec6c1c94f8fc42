"""Speech from a microphone to a loudspeaker in real time, over PulseAudio's null sinks.

Sender and receiver are processes of their own; PulseAudio is a third one, of this test alone.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.link_sim.picture import power
from voicelink.models.sizes import SAMPLE_RATE

VOICELINK = Path(sys.executable).parent / "voicelink"
SINKS = "said", "air", "heard"
TIMEOUT_S = 60


def lacks(message: str) -> None:
    """Skip, and in CI, where everything is there, fail."""
    if "CI" in os.environ:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sound server with null sinks, and the environment that leads to it."""
    missing = [
        name for name in ("pulseaudio", "pactl", "paplay", "parec") if not shutil.which(name)
    ]
    if missing:
        lacks(f"needs {', '.join(missing)} (Debian's pulseaudio, pulseaudio-utils)")
    folder = tmp_path_factory.mktemp("pulse")
    folder.chmod(0o700)
    server = folder / "socket"
    lines = [f"load-module module-native-protocol-unix socket={server} auth-anonymous=1"]
    lines += [f"load-module module-null-sink sink_name={name} rate=48000" for name in SINKS]
    (folder / "script.pa").write_text("\n".join(lines) + "\n")
    variables = {"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    environment = os.environ | variables | {"PULSE_SERVER": f"unix:{server}"}
    with (folder / "said").open("w") as log:
        daemon = subprocess.Popen(
            ["pulseaudio", "-n", "-F", folder / "script.pa", "--exit-idle-time=-1",
             "--daemonize=no"],
            env=environment, stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
    try:
        until = time.monotonic() + TIMEOUT_S
        while subprocess.run(
            ["pactl", "info"], env=environment, capture_output=True, timeout=TIMEOUT_S
        ).returncode:
            assert daemon.poll() is None, (folder / "said").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        listed = subprocess.run(
            [VOICELINK, "devices"], env=environment, capture_output=True, text=True, check=False,
            timeout=TIMEOUT_S,
        )  # fmt: skip
        if "pulse" not in listed.stdout:
            lacks(f"needs PortAudio and Debian's libasound2-plugins: {listed.stderr.strip()}")
        yield environment
    finally:
        daemon.terminate()
        try:
            daemon.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


class Program:
    """A process whose lines on standard error can be waited for."""

    def __init__(self, *words: object, **options) -> None:
        self.process = subprocess.Popen(
            list(map(str, words)),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.said: list[str] = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str) -> str:
        while True:
            try:
                line = self._lines.get(timeout=TIMEOUT_S)
            except queue.Empty:
                line = None
            assert line is not None, f"no {pattern!r} in: {''.join(self.said)}"
            self.said.append(line)
            if re.search(pattern, line):
                return line

    def end(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        assert self.process.wait(timeout=TIMEOUT_S) == 0, "".join(self.said)
        while (line := self._lines.get(timeout=TIMEOUT_S)) is not None:
            self.said.append(line)
        return "".join(self.said)


def aligned(said: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """What was heard for each second that was said, wherever it came: the clocks are two."""
    hop = 80
    pictures = [np.log(power(audio, hop=hop) + 1e-4) for audio in (said, heard)]
    found, begin = [], 0
    for start in range(0, len(said) - SAMPLE_RATE, SAMPLE_RATE):
        piece = pictures[0][:, start // hop : (start + SAMPLE_RATE) // hop]
        piece = piece - piece.mean()
        places = range(begin, pictures[1].shape[1] - piece.shape[1])
        fits = []
        for place in places:
            other = pictures[1][:, place : place + piece.shape[1]]
            fits.append(np.sum(piece * (other - other.mean())))
        best = places[int(np.argmax(fits))]
        found.append(heard[best * hop : best * hop + SAMPLE_RATE])
        begin = best + 50  # the next is not before this one
    return np.concatenate(found)


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Start processes that are gone when the test ends."""
    programs = []

    def run(*words: object, **options) -> Program:
        programs.append(Program(*words, **options))
        return programs[-1]

    yield run
    for program in programs:
        program.process.kill()
        program.process.wait()
        program.process.stdin.close()
        program.thread.join()
        program.process.stderr.close()


@pytest.mark.parametrize("way", ["network", "radio"])
def test_what_is_said_here_is_heard_there(
    way: str, sound: dict[str, str], start, sample: np.ndarray, tmp_path: Path
) -> None:
    """Between them a socket, or a third sound card as a radio: modem, squelch and all."""
    pystoi = pytest.importorskip("pystoi")
    said = sample[: 6 * SAMPLE_RATE]
    write_audio(tmp_path / "said.wav", np.concatenate([said, np.zeros(SAMPLE_RATE)]))
    write_audio(tmp_path / "silence.wav", np.zeros(3 * SAMPLE_RATE))

    def play(name: str) -> None:
        subprocess.run(["paplay", "-d", "said", tmp_path / name], env=sound, check=True)

    hears = ["--radio", "pulse"] if way == "radio" else ["--bind", "--from", "tcp://127.0.0.1:*"]
    receiver = start(
        VOICELINK, "receive", "--speaker", "pulse", *hears, "--json", tmp_path / "counts.json",
        env=sound | {"PULSE_SOURCE": "air.monitor", "PULSE_SINK": "heard"},
    )  # fmt: skip
    line = receiver.wait_for("listening at")
    if way == "radio":
        sends = ["--radio", "pulse", "--transmit", "--ptt", "key"]
    else:
        sends = ["--connect", "--to", re.search(r"tcp://\S+(?=;)", line)[0], "--ptt", "vox"]
    sender = start(
        VOICELINK, "send", "--mic", "pulse", "--callsign", "AB1CD", "--text", "all well", *sends,
        env=sound | {"PULSE_SOURCE": "said.monitor", "PULSE_SINK": "air"},
    )  # fmt: skip
    sender.wait_for("space or Enter" if way == "radio" else "checked at")
    recorder = start(
        "parec", "-d", "heard.monitor", "--rate=8000", "--channels=1", "--file-format=wav",
        tmp_path / "heard.wav", env=sound,
    )  # fmt: skip
    # A null sink is up to two seconds behind when it begins, and then hurries.
    play("silence.wav")
    if way == "radio":
        sender.process.stdin.write("\n")
        sender.process.stdin.flush()
    play("said.wav")
    if way == "radio":
        sender.process.stdin.write("\n")
        sender.process.stdin.flush()
    over = receiver.wait_for("superframes of 320 ms")
    recorder.process.terminate()
    recorder.process.wait()
    said_here, said_there = sender.end(), receiver.end(signal.SIGINT)
    print(said_here, said_there)
    assert "link frames sent, 1 overs" in said_here
    assert "AB1CD: over" in over
    assert "AB1CD: all well" in said_there

    counts = json.loads((tmp_path / "counts.json").read_text())
    print(counts)
    # What a busy machine does to it is counted and shown; nothing else is lost.
    assert {"underflows", "waited_for", "inserted", "dropped"} <= counts.keys()
    assert counts["clean"] + counts["corrected"] > 15
    assert (counts["callsign"], counts["text"], counts["overs"]) == ("AB1CD", "all well", 1)
    heard = aligned(said, read_audio(tmp_path / "heard.wav"))
    assert pystoi.stoi(said[: len(heard)], heard, SAMPLE_RATE, extended=True) > 0.55
