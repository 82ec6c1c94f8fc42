"""Every flowgraph of the package, in its headless form, judged by the speech that comes out.

Each is made by GRC's own code from the file that the companion opens, and runs in a process of its
own on the bundled sample. What they do with a display and a sound card differs only in what
`voicelink.grc.headless` changes.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.evaluation.align import cut, delay
from voicelink.models.evaluation.measures import estoi
from voicelink.models.sizes import SUPERFRAME_SAMPLES

SECONDS = 10
SILENCE = 4000
"""Samples after the speech: a flowgraph's end cannot flush the encoder."""


@pytest.fixture(scope="module")
def said(sample: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of the sample, and silence."""
    path = tmp_path_factory.mktemp("said") / "said.wav"
    speech = sample[: SECONDS * 8000]
    write_audio(path, np.concatenate([speech, np.zeros(SILENCE, np.float32)]))
    return path


@pytest.fixture(scope="module")
def ideal(said: Path) -> float:
    """ESTOI of the codec alone, without any link."""
    audio = read_audio(said)
    encoder = SpeechEncoder()
    heard = SpeechDecoder().decode(encoder.encode(audio) + encoder.flush())
    return judged(audio, heard)


def judged(said: np.ndarray, heard: np.ndarray) -> float:
    """ESTOI of what is heard, its delay taken off."""
    return estoi(*cut(said, heard, delay(said, heard, longest=5 * 8000)))


def judged_in_pieces(said: np.ndarray, heard: np.ndarray) -> float:
    """The same in pieces of two seconds, each with a delay of its own.

    In real time the delay changes when the machine is busy elsewhere.
    """
    lag, length, around = delay(said, heard, longest=5 * 8000), 2 * 8000, 4000
    scores = []
    for begin in range(around, len(said) - length, length):
        piece = said[begin : begin + length]
        near = heard[begin + lag - around : begin + lag + length + around]
        scores.append(estoi(*cut(piece, near, delay(piece, near, longest=8000))))
    return float(np.mean(scores))


@pytest.fixture(scope="module")
def loopback(program) -> Path:
    return program("loopback")


COUNTS = ("deframer.counts", "decoder.counts", "channel.statistics")


def test_loopback_without_a_channel(loopback, run, said, ideal, tmp_path: Path) -> None:
    """Every superframe arrives, and nothing is lost of the speech beside what the codec takes."""
    found = run(loopback, *COUNTS, speech=str(said), loss=0, bit_errors=0)
    audio, heard = read_audio(said), read_audio(tmp_path / "heard.wav")
    superframes = len(audio) // SUPERFRAME_SAMPLES
    assert found["deframer.counts"] == {"ok": superframes, "fail": 0, "foreign": 0}
    assert found["decoder.counts"]["clean"] == superframes
    assert len(heard) == superframes * SUPERFRAME_SAMPLES
    assert judged(audio, heard) == pytest.approx(ideal, abs=0.005)


def test_loopback_corrects_bit_errors(loopback, run, said, ideal, tmp_path: Path) -> None:
    found = run(loopback, *COUNTS, speech=str(said), loss=0, bit_errors=0.05)
    superframes = len(read_audio(said)) // SUPERFRAME_SAMPLES
    assert found["deframer.counts"]["ok"] == superframes
    assert found["decoder.counts"]["corrected"] == superframes
    heard = read_audio(tmp_path / "heard.wav")
    assert judged(read_audio(said), heard) == pytest.approx(ideal, abs=0.005)


def test_loopback_conceals_lost_frames(loopback, run, said, ideal, tmp_path: Path) -> None:
    """A gap is heard as long as it was, and what comes after is where it belongs."""
    found = run(loopback, *COUNTS, speech=str(said), loss=0.1, bit_errors=0)
    (loss,) = [c for c in found["channel.statistics"]["channels"] if c["channel"] == "loss"]
    counts = found["decoder.counts"]
    assert loss["lost"] > 0
    assert found["deframer.counts"]["ok"] == loss["in"] - loss["lost"] == counts["clean"]
    heard = read_audio(tmp_path / "heard.wav")
    assert len(heard) == (counts["clean"] + counts["concealed"]) * SUPERFRAME_SAMPLES
    assert 0.5 < judged(read_audio(said), heard) < ideal - 0.01


def test_microphone(program, run, said, ideal, tmp_path: Path) -> None:
    """Transmitter and receiver in one block each."""
    found = run(program("microphone"), "receiver.counts", microphone_file=str(said))
    audio = read_audio(said)
    assert found["receiver.counts"]["clean"] == len(audio) // SUPERFRAME_SAMPLES
    assert judged(audio, read_audio(tmp_path / "speaker.wav")) == pytest.approx(ideal, abs=0.005)


def test_what_cannot_be_read_is_told_in_one_line(
    program, python: str, loopback: Path, tmp_path: Path
) -> None:
    """Before any file is made."""
    (tmp_path / "words.wav").write_text("These are words.")
    for words, said in [
        ((program("microphone"),), "cannot read microphone.wav: No such file"),
        ((loopback, "--speech", "words.wav"), "words.wav is no recording"),
        ((loopback, "--speech", "."), "cannot read .: Is a directory"),
    ]:
        done = subprocess.run(
            [python, *map(str, words)], capture_output=True, text=True, timeout=TIMEOUT_S,
            cwd=tmp_path, env=clean_environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 2 and done.stdout == "", done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("voicelink: ") and said in line
    assert [path.name for path in tmp_path.iterdir()] == ["words.wav"]


@pytest.mark.parametrize("name", ["loopback", "radio_receiver"])
def test_a_sound_card_that_is_not_there_is_told_in_one_line(
    name: str, program, python: str, tmp_path: Path
) -> None:
    """In real time it would play; ALSA's configuration here is one without any card."""
    (tmp_path / "none.conf").write_text("pcm.!default { type hw card nosuch }\n")
    (tmp_path / ".gnuradio").mkdir()
    (tmp_path / ".gnuradio" / "config.conf").write_text("[audio]\naudio_module = alsa\n")
    Path(tmp_path / "over.cf32").write_bytes(bytes(8000))
    done = subprocess.run(
        [python, str(program(name, "--realtime", "--speaker"))], capture_output=True, text=True,
        timeout=TIMEOUT_S, cwd=tmp_path, check=False, env=clean_environment()
        | {"HOME": str(tmp_path), "ALSA_CONFIG_PATH": str(tmp_path / "none.conf")},
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == "", done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("voicelink: the sound card cannot be opened for output at 8000 samples")
    assert "plug one in" in line and "--headless`, without --speaker" in line


def test_beside_codec2(program, run, said, ideal, tmp_path: Path) -> None:
    """With bit errors Voice Link stays as it was, and Codec 2 does not."""
    path, audio = program("codec2"), read_audio(said)
    scores = {}
    for bit_errors in (0, 0.03):
        found = run(
            path, "deframer.counts", "codec2_channel.statistics", speech=str(said),
            bit_errors=bit_errors,
        )  # fmt: skip
        assert found["deframer.counts"]["ok"] == len(audio) // SUPERFRAME_SAMPLES
        assert found["codec2_channel.statistics"]["packets"] == len(audio) // SUPERFRAME_SAMPLES
        for name in ("voicelink", "codec2"):
            scores[name, bit_errors] = judged(audio, read_audio(tmp_path / f"{name}.wav"))
    assert scores["voicelink", 0] == pytest.approx(ideal, abs=0.005)
    assert scores["voicelink", 0.03] == pytest.approx(ideal, abs=0.005)
    assert 0.5 < scores["codec2", 0] < ideal
    assert scores["codec2", 0.03] < scores["codec2", 0] - 0.08


def test_gfsk(program, run, said, ideal, tmp_path: Path) -> None:
    """Through a modem, with noise and offsets: all but the last frame, whose end stays in it."""
    found = run(program("gfsk"), "sync.frames", "deframer.counts", speech=str(said))
    audio = read_audio(said)
    superframes = len(audio) // SUPERFRAME_SAMPLES
    assert found["sync.frames"] == superframes - 1
    assert found["deframer.counts"] == {"ok": superframes - 1, "fail": 0, "foreign": 0}
    assert judged(audio, read_audio(tmp_path / "heard.wav")) == pytest.approx(ideal, abs=0.005)


def test_transmitter_and_receiver_over_zeromq(
    program, python: str, said: Path, ideal: float, tmp_path: Path
) -> None:
    """Two processes, in real time, as over a network; the receiver's console tells the frames.

    Who subscribes hears what is published from then on, so silence goes before the speech.
    """
    early = np.zeros(2 * 8000, np.float32)
    spoken = tmp_path / "spoken.wav"
    write_audio(spoken, np.concatenate([early, read_audio(said)]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    transmitter, receiver = (
        [python, "-u", str(program(name, "--realtime")), "--address", address]
        for name in ("zeromq_transmitter", "zeromq_receiver")
    )
    listening = subprocess.Popen(
        receiver, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=clean_environment()
    )
    try:
        until = time.monotonic() + TIMEOUT_S
        while not (tmp_path / "speaker.wav").exists() and time.monotonic() < until:
            time.sleep(0.05)
        subprocess.run(
            [*transmitter, "--microphone-file", str(spoken), "--callsign", "N0CALL"],
            timeout=TIMEOUT_S, env=clean_environment(), check=True,
        )  # fmt: skip
    finally:
        listening.send_signal(signal.SIGINT)
        console, _ = listening.communicate(timeout=TIMEOUT_S)
    superframes = len(read_audio(said)) // SUPERFRAME_SAMPLES
    assert console.count("clean") >= superframes
    assert "N0CALL" in console
    heard = read_audio(tmp_path / "speaker.wav")
    assert judged_in_pieces(read_audio(said), heard) > ideal - 0.1
