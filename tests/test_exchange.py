"""`voicelink send`, `channel` and `receive` as separate processes over real sockets."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.link_framer import LinkFramer
from voicelink.blocks.packet import Packet
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.station import Identifier
from voicelink.blocks.zeromq import FrameSender
from voicelink.link_sim.exchange import receive_speech
from voicelink.models.codec import code

VOICELINK = Path(sys.executable).parent / "voicelink"


@pytest.fixture
def start(tmp_path: Path):
    """Start the command line in a process of its own, which is gone when the test ends."""
    processes = []

    def run(*args: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [VOICELINK, *map(str, args)],
            cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def endpoint(process: subprocess.Popen, which: int = -1) -> str:
    """The address that a process says it has bound, by default the last one of its line."""
    for line in process.stderr:
        found = re.findall(r"tcp://\S+", line)
        if found:
            return found[which]
    raise AssertionError(f"it ended with {process.wait()} and named no address")


def report(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return json.loads(out)


@pytest.mark.parametrize(
    ("form", "both", "receives"),
    [
        ("raw", [], []),
        ("pdu", [], []),
        ("tagged", ["--pattern", "pushpull"], []),
        ("stream", [], ["--stream", "bytes", "--profile", "half"]),
    ],
)
def test_a_file_arrives_as_it_was_sent(
    form: str,
    both: list[str],
    receives: list[str],
    start,
    sample_path: Path,
    sample: np.ndarray,
    tmp_path: Path,
) -> None:
    sender = start("send", sample_path, "--to", "tcp://127.0.0.1:*", "--fast", *both,
                   "--form", form, "--profile", "half", "--callsign", "N0CALL")  # fmt: skip
    receiver = start(
        "receive", "o.wav", "--from", endpoint(sender), "--fast", *both, *receives, "--json", "-"
    )
    counts = report(receiver)
    assert sender.wait(timeout=10) == 0
    assert counts["callsign"] == "N0CALL"
    assert counts["clean"] + counts["station"] == counts["received"]
    heard, wanted = read_audio(tmp_path / "o.wav"), code(sample)
    np.testing.assert_allclose(heard[: len(wanted)], wanted, atol=1e-4)


def test_in_real_time_and_through_a_live_channel(start, sample: np.ndarray, tmp_path: Path) -> None:
    write_audio(tmp_path / "in.wav", sample[:24000])
    # Who listens is there first, so that nothing is missed.
    receiver = start("receive", "o.wav", "--bind", "--from", "tcp://127.0.0.1:*", "--json", "-")
    channel = start("channel", "--bind-from", "--from", "tcp://127.0.0.1:*",
                    "--connect-to", "--to", endpoint(receiver),
                    "--delay", 0.1, "--duplicate", 1, "--json")  # fmt: skip
    sender = start("send", "in.wav", "--connect", "--to", endpoint(channel, 0))
    began = time.monotonic()
    counts = report(receiver)
    # Three seconds of speech take three seconds.
    assert time.monotonic() - began > 2.5
    assert sender.wait(timeout=20) == 0
    superframes = -(-(24000 + 240) // 2560)
    assert counts["clean"] + counts["concealed"] == superframes
    # A busy machine may hold one back for longer than the buffer waits.
    assert counts["clean"] >= superframes - 2
    assert counts["duplicate"] + counts["late"] >= superframes - 2
    channel.send_signal(signal.SIGTERM)
    last = json.loads(channel.communicate(timeout=20)[0].splitlines()[-1])
    assert last["final"] and last["packets_in"] == superframes


def test_a_receiver_outlives_its_sender(
    start, sample_path: Path, sample: np.ndarray, tmp_path: Path
) -> None:
    """The sender is killed in the middle of an over, and another takes its place."""
    first = start("send", sample_path, "--to", "tcp://127.0.0.1:*")
    address = endpoint(first)
    receiver = start("receive", "o.wav", "--from", address, "--idle", 20, "--json", "-")
    endpoint(receiver)  # it listens
    time.sleep(3)
    first.kill()
    first.wait()
    write_audio(tmp_path / "again.wav", sample[:24000])
    second = start("send", "again.wav", "--to", address, "--fast")
    counts = report(receiver)
    assert second.wait(timeout=20) == 0
    assert counts["resyncs"] <= 1
    assert counts["clean"] > 10
    assert read_audio(tmp_path / "o.wav").any()


def test_an_over_that_breaks_off_leaves_what_was_heard(
    start, sample_path: Path, tmp_path: Path
) -> None:
    """Without the frame that ends it, the wait for more is not part of the recording."""
    sender = start("send", sample_path, "--to", "tcp://127.0.0.1:*")
    receiver = start("receive", "o.wav", "--from", endpoint(sender), "--idle", 1.5, "--json", "-")
    endpoint(receiver)  # it listens
    time.sleep(3)
    sender.kill()
    counts = report(receiver)
    assert counts["concealed"] == 0
    assert len(read_audio(tmp_path / "o.wav")) == 2560 * counts["clean"] - 240


def test_being_told_to_end_keeps_what_was_heard(start, sample_path: Path, tmp_path: Path) -> None:
    sender = start("send", sample_path, "--to", "tcp://127.0.0.1:*")
    receiver = start("receive", "o.wav", "--from", endpoint(sender), "--json", "-")
    endpoint(receiver)  # it listens
    time.sleep(4)
    receiver.send_signal(signal.SIGINT)
    counts = report(receiver)
    heard = read_audio(tmp_path / "o.wav")
    given = sum(counts[k] for k in ("clean", "corrected", "soft", "concealed"))
    assert len(heard) == 2560 * given - 240 > 0


def test_a_sender_that_is_told_to_end_says_so_to_its_listener(start, sample_path: Path) -> None:
    sender = start("send", sample_path, "--to", "tcp://127.0.0.1:*")
    address = endpoint(sender)
    receiver = start("receive", "o.wav", "--from", address, "--idle", 1000, "--json", "-")
    endpoint(receiver)
    time.sleep(3)
    sender.send_signal(signal.SIGINT)
    # It would wait for more for a thousand seconds, had it not heard the end.
    assert report(receiver)["clean"] > 1
    assert sender.wait(timeout=10) == 0


def test_overs_one_after_another_are_kept_in_one_file(
    start, sample: np.ndarray, tmp_path: Path
) -> None:
    write_audio(tmp_path / "in.wav", sample[:8000])
    receiver = start("receive", "o.wav", "--from", "tcp://127.0.0.1:*", "--bind", "--keep",
                     "--pattern", "pushpull", "--fast", "--json", "counts.json")  # fmt: skip
    address = endpoint(receiver)
    options = ["--connect", "--fast", "--pattern", "pushpull", "--callsign", "N0CALL"]
    for _ in range(3):
        sender = start("send", "in.wav", "--to", address, *options)
        assert sender.wait(timeout=20) == 0
    time.sleep(1)
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(timeout=10) == 0
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts["clean"] == counts["received"] - counts["station"] == 3 * 4
    assert len(read_audio(tmp_path / "o.wav")) == 3 * 4 * 2560 - 240


def test_a_text_that_ends_behind_the_over_is_waited_for() -> None:
    """Until it is whole; or until no more comes of it, or one is told to end."""
    text = "a text that is longer than what one frame in front of the over holds"
    framer = LinkFramer(LinkEncoder("half"), Identifier("AB1CD", text))
    packets = [*framer.start(), framer.frame(bytes(32)), *framer.finish(bytes(32))]

    def received(packets: list[Packet], waits: list[float], **options) -> Receiver:
        coming, receiver = iter(packets), Receiver(speech=False)

        def receive(wait: float) -> Packet | None:
            waits.append(wait)
            return next(coming, None)

        options = {"buffer": 0.1, "idle": 0.2} | options
        assert receive_speech(receiver, receive, lambda _: None, paced=False, **options) == 2
        return receiver

    waits = []
    assert received(packets, waits).station.text == text
    assert len(waits) == len(packets)
    assert received(packets[:-1], waits).station.text.endswith("…")
    # The frame that ends the over is the third.
    waits = []
    assert not received(packets, waits, stop=lambda: len(waits) > 2).station.complete
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("parametric-800", "raw"),
        ("voice-profile", "raw"),
        ("voice-profile", "pdu"),
        ("voice-profile", "tagged"),
    ],
)
def test_frames_of_another_model_end_it_and_say_which(
    model: str, form: str, start, sample_path: Path, tmp_path: Path
) -> None:
    """Also where their payloads have another length, as those of voice-profile."""
    sender = start("send", sample_path, "--to", "tcp://127.0.0.1:*", "--fast", "--model", model,
                   "--form", form)  # fmt: skip
    receiver = start("receive", "o.wav", "--from", endpoint(sender), "--fast", "--idle", 1,
                     "--json", "counts.json")  # fmt: skip
    _, err = receiver.communicate(timeout=60)
    assert receiver.returncode == 2
    *notes, said = err.splitlines()
    assert all("note: listening" in note for note in notes)
    assert said.startswith("voicelink: nothing was heard: ")
    assert said.endswith(f"of the model {model}: it takes --model {model}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ours", [False, True])
def test_frames_of_another_model_end_it_only_where_nothing_else_is_waited_for(ours: bool) -> None:
    """Once our own frames have come, those tell when the over ends; with ``keep`` nothing does."""
    other, own = LinkEncoder("half", model=3), LinkEncoder("half")
    frames = [other.encode(bytes(32)), *([own.encode(bytes(32))] if ours else [])]
    receiver, coming = Receiver(speech=False), iter(frames)
    began = time.monotonic()

    def receive(wait: float) -> Packet | None:
        return next(coming, None) or (ours and other.encode(bytes(32))) or None

    given = receive_speech(receiver, receive, lambda _: None, idle=0.2, seconds=20, paced=False)
    assert given == ours and receiver.stranger == 3
    assert 0.2 < time.monotonic() - began < 10
    coming = iter(frames)
    receive_speech(
        Receiver(speech=False), receive, lambda _: None, idle=0.1, seconds=0.5, keep=True
    )
    assert time.monotonic() - began > 0.7


@pytest.mark.parametrize("ours", [False, True])
def test_failed_frames_of_another_model_are_not_taken_for_speech_of_ours(
    ours: bool, start, tmp_path: Path
) -> None:
    """They do not say whose they are, and so count as our own; whole ones tell."""
    strange, own = LinkEncoder("half", model=3).encode(bytes(32)), LinkEncoder("half")
    flips = np.packbits(np.random.default_rng(1).random(8 * 74) < 0.12)
    frames = [strange, Packet(strange.data ^ flips), strange]
    if ours:
        frames += [own.encode(bytes(32)), strange]
    with FrameSender("tcp://127.0.0.1:*", "push") as sender:
        receiver = start("receive", "o.wav", "--from", sender.endpoint, "--pattern", "pushpull",
                         "--fast", "--idle", 1)  # fmt: skip
        assert sender.wait_for_peer(60)
        for packet in frames:
            assert sender.send(packet, 10)
        _, err = receiver.communicate(timeout=60)
    said = "what comes is of the model parametric-800: it takes --model parametric-800"
    assert err.count("what comes is of") == 1
    if ours:
        assert receiver.returncode == 0 and (tmp_path / "o.wav").exists()
        assert err.endswith(f"voicelink: note: {said}\n")
        assert "1 clean, 1 soft, 3 foreign" in err
    else:
        assert receiver.returncode == 2 and list(tmp_path.iterdir()) == []
        assert err.endswith(f"voicelink: nothing was heard: {said}\n")


def test_a_port_in_use_is_said_in_one_line(start, sample_path: Path) -> None:
    first = start("send", sample_path, "--to", "tcp://127.0.0.1:*")
    second = start("send", sample_path, "--to", endpoint(first))
    _, err = second.communicate(timeout=30)
    assert second.returncode == 2
    assert "in use" in err and len(err.splitlines()) == 1
