"""The ZeroMQ transport against GNU Radio's own message blocks, both ways, judged by the content."""

import contextlib
import importlib.resources
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment, gnuradio_python

from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import packet_to_pdu
from voicelink.blocks.zeromq import FrameReceiver, FrameSender

LOCAL = "tcp://127.0.0.1:*"
PEER = Path(__file__).with_name("gnuradio_peer.py")
PATTERNS = {"sub": "pub", "pull": "push", "pub": "sub", "push": "pull"}


def packets():
    """Hard and soft frames, with numbers of each size of integer and without."""
    rng = np.random.default_rng(2)
    yield Packet(rng.integers(0, 256, 32, np.uint8))
    yield Packet(rng.integers(0, 256, 37, np.uint8), 0)
    yield Packet(rng.integers(0, 256, 74, np.uint8), 2**31)
    yield Packet(rng.integers(0, 256, 111, np.uint8), 2**62)
    yield Packet(rng.normal(0, 8, 592).astype(np.float32), 7)


@contextlib.contextmanager
def flowgraph(*arguments):
    """A GNU Radio process and the address that its first line tells."""
    process = subprocess.Popen(
        [gnuradio_python(), str(PEER), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    try:
        yield process, process.stdout.readline().strip()
        _, _ = process.communicate(timeout=TIMEOUT_S)  # closes its input, which ends it
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("end", ["bind", "connect"])
@pytest.mark.parametrize("pattern", ["sub", "pull"])
def test_gnuradio_hears_us(pattern, end):
    block = f"{pattern}_msg_source"
    with contextlib.ExitStack() as stack:
        if end == "connect":
            sender = stack.enter_context(FrameSender(LOCAL, PATTERNS[pattern], form="pdu"))
            process, _ = stack.enter_context(flowgraph(block, sender.endpoint, end))
        else:
            process, address = stack.enter_context(flowgraph(block, LOCAL, end))
            sender = stack.enter_context(
                FrameSender(address, PATTERNS[pattern], bind=False, form="pdu")
            )
        assert sender.wait_for_peer(TIMEOUT_S)
        for packet in packets():
            assert sender.send(packet, TIMEOUT_S, {"station": "N0CALL", "level": 0.5})
        heard = [process.stdout.readline().strip() for _ in packets()]
    # GNU Radio has read each message as a PMT and written it again.
    expected = [packet_to_pdu(p, {"station": "N0CALL", "level": 0.5}).hex() for p in packets()]
    assert heard == expected


@pytest.mark.parametrize("end", ["bind", "connect"])
@pytest.mark.parametrize("pattern", ["pub", "push"])
def test_we_hear_gnuradio(pattern, end):
    block = f"{pattern}_msg_sink"
    with contextlib.ExitStack() as stack:
        if end == "connect":
            receiver = stack.enter_context(FrameReceiver(LOCAL, PATTERNS[pattern], bind=True))
            process, _ = stack.enter_context(flowgraph(block, receiver.endpoint, end))
        else:
            process, address = stack.enter_context(flowgraph(block, LOCAL, end))
            receiver = stack.enter_context(FrameReceiver(address, PATTERNS[pattern]))
        meet(process, receiver)
        for packet in packets():
            process.stdin.write(packet_to_pdu(packet).hex() + "\n")
        process.stdin.flush()
        for packet in packets():
            heard = receiver.receive(TIMEOUT_S)
            assert heard.number == packet.number
            assert heard.data.dtype == packet.data.dtype
            assert heard.data.tobytes() == packet.data.tobytes()
        assert receiver.malformed == 0


def meet(process, receiver):
    """Until both are connected, what GNU Radio sends is lost: try until the last try is heard."""
    for number in range(100 * TIMEOUT_S):
        process.stdin.write(packet_to_pdu(Packet(np.zeros(32, np.uint8), number)).hex() + "\n")
        process.stdin.flush()
        if (heard := receiver.receive(0.02)) is not None:
            break
    while heard is not None and heard.number < number:
        heard = receiver.receive(TIMEOUT_S)
    assert heard is not None and heard.number == number


def test_monitor_flowgraph_shows_the_frames(tmp_path):
    """The flowgraph that comes with the package compiles, runs, and prints what is sent."""
    python = gnuradio_python()
    grcc = shutil.which("grcc") or "/usr/bin/grcc"
    source = importlib.resources.files("voicelink.grc") / "zeromq_monitor.grc"
    with importlib.resources.as_file(source) as path:
        compiled = subprocess.run(
            [python, grcc, "-o", str(tmp_path), str(path)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            env=clean_environment(),
        )
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    data = np.arange(100, 132, dtype=np.uint8)
    with FrameSender(LOCAL, form="pdu") as sender:
        process = subprocess.Popen(
            [python, "-u", str(tmp_path / "zeromq_monitor.py"), "--address", sender.endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        try:
            assert sender.wait_for_peer(TIMEOUT_S)
            sender.send(Packet(data, number=12345))
            shown = ""
            for line in process.stdout:
                shown += line
                if all(f"{value:02x}" in shown for value in data):
                    break
            rest, _ = process.communicate("\n", timeout=TIMEOUT_S)  # Enter ends it
            shown += rest
            assert process.returncode == 0
        finally:
            process.kill()
            process.communicate()
    assert re.search(r"number\W+12345", shown)
    # The bytes come in lines of sixteen, each after its offset.
    dumped = "".join(re.findall(r"^[0-9a-f]{4}:\s+((?:[0-9a-f]{2} ?)+)", shown, re.MULTILINE))
    assert bytes.fromhex(dumped) == data.tobytes()
