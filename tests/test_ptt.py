"""Push-to-talk: rigctld as a TCP server, serial lines, and what lets go whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest

from voicelink.blocks.audio import write_audio
from voicelink.blocks.ptt import Ptt, WatchedPtt
from voicelink.blocks.rigctld import RigPtt
from voicelink.blocks.serial_ptt import SerialPtt
from voicelink.models.errors import ParameterError, TransportError


class Rig(socketserver.ThreadingTCPServer):
    """Answers as rigctld does.

    Attributes:
        keyed: whether the transmitter is.
        heard: all commands.
        answer: to the next ones, in place of the right one.
        hang_up: close the connection in place of an answer, so many times.
        before_answer: called with each command.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        self.keyed = False
        self.heard: list[str] = []
        self.answer = b""
        self.hang_up = 0
        self.before_answer: Callable[[str], object] = lambda _: None
        self.connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), _Talk)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        rig: Rig = self.server
        rig.connections.append(self.connection)
        for line in self.rfile:
            rig.heard.append(line.decode().strip())
            rig.before_answer(rig.heard[-1])
            if rig.hang_up:
                rig.hang_up -= 1
                return
            if not rig.answer:
                rig.keyed = line.strip() == b"T 1"
            self.wfile.write(rig.answer or b"RPRT 0\n")


@pytest.fixture
def rig() -> Iterator[Rig]:
    server = Rig()
    yield server
    server.shutdown()
    server.server_close()


def test_rigctld_keys_and_lets_go(rig: Rig) -> None:
    with closing(RigPtt(rig.address)) as ptt:
        ptt.key(True)
        assert rig.keyed and ptt.keyed
        ptt.key(False)
    assert not rig.keyed and not ptt.keyed
    assert rig.heard == ["T 1", "T 0"]


def test_a_connection_that_broke_is_made_again(rig: Rig) -> None:
    with closing(RigPtt(rig.address)) as ptt:
        ptt.key(True)
        rig.hang_up = 1
        ptt.key(False)
    assert not rig.keyed and not ptt.keyed
    assert rig.heard == ["T 1", "T 0", "T 0"]


def test_an_answer_that_says_no_is_an_error_and_the_line_counts_as_keyed(rig: Rig) -> None:
    """Nobody knows what the rig did: so it must be let go, until that is answered."""
    ptt = RigPtt(rig.address)
    for answer in (b"RPRT -9\n", b"whatever\n"):
        rig.answer = answer
        with pytest.raises(TransportError, match=r"must answer T 1 with RPRT 0, not"):
            ptt.key(True)
        assert ptt.keyed
    rig.answer = b""
    ptt.close()
    assert rig.heard[-1] == "T 0" and not ptt.keyed


def test_a_rig_that_is_not_there_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TransportError, match=f"rigctld at {address} cannot be reached"):
        RigPtt(address)
    with pytest.raises(ParameterError, match="must be HOST or HOST:PORT"):
        RigPtt("host:port")


def test_the_line_is_let_go_at_the_end_also_after_an_error(rig: Rig) -> None:
    with pytest.raises(RuntimeError), WatchedPtt(RigPtt(rig.address)) as ptt:
        ptt.key(True)
        assert rig.keyed
        raise RuntimeError
    assert not rig.keyed


def test_without_a_sign_of_life_the_line_is_let_go(rig: Rig) -> None:
    """The program hangs: the watch lets go, and says so."""
    said, told = [], threading.Event()

    def note(text: str) -> None:
        said.append(text)
        told.set()

    with WatchedPtt(RigPtt(rig.address), hold=0.1, note=note) as ptt:
        ptt.key(True)
        assert told.wait(10)
        assert not ptt.keyed and not rig.keyed
    assert "no sign of life" in said[0]


@pytest.mark.parametrize("waits", [True, False])
def test_a_note_that_fails_or_waits_is_not_in_the_way(rig: Rig, waits: bool) -> None:
    """As on a terminal that is gone, or that Ctrl-S has stopped."""
    told, shown = threading.Event(), threading.Event()

    def note(text: str) -> None:
        told.set()
        if not waits:
            raise OSError("Input/output error")
        shown.wait()

    with WatchedPtt(RigPtt(rig.address), hold=0.1, note=note) as ptt:
        for _ in range(2):  # the watch goes on
            ptt.key(True)
            until = time.monotonic() + 10
            while rig.keyed and time.monotonic() < until:
                pass
            assert not rig.keyed and told.wait(10)
            told.clear()
    assert not ptt.keyed
    shown.set()


def test_letting_go_is_tried_until_it_works(rig: Rig) -> None:
    said = []
    with WatchedPtt(RigPtt(rig.address), hold=10, note=said.append) as ptt:
        ptt.key(True)
        rig.answer = b"RPRT -5\n"
        assert not ptt.let_go(0)
        rig.answer = b""
        assert ptt.let_go(0)
    assert len(said) == 1 and "MAY STILL BE KEYED" in said[0]
    assert not rig.keyed


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "TSTP"])
def test_a_signal_lets_go(rig: Rig, name: str) -> None:
    """The program is told to end in the middle of an over."""
    program = f"""
import numpy as np, signal, os
from voicelink.link_sim.commands.live import _ended
from voicelink.blocks.ptt import WatchedPtt
from voicelink.blocks.rigctld import RigPtt
with _ended() as stop, WatchedPtt(RigPtt({rig.address!r})) as ptt:
    ptt.key(True)
    os.kill(os.getpid(), signal.SIG{name})
    while not stop():
        pass
    os.kill(os.getpid(), signal.SIG{name})  # more than once
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert rig.heard == ["T 1", "T 0"]


def test_more_signals_do_not_keep_it_from_letting_go(rig: Rig) -> None:
    """A terminal is closed, the system ends, and the rig says no at first."""
    program = f"""
import signal
from voicelink.link_sim.commands.live import _ended
from voicelink.blocks.ptt import WatchedPtt
from voicelink.blocks.rigctld import RigPtt
input()
with _ended(), WatchedPtt(RigPtt({rig.address!r})) as ptt:
    ptt.key(True)
    signal.raise_signal(signal.SIGHUP)
"""
    done = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)

    def again(command: str) -> None:
        rig.answer = b"RPRT -5\n" if 2 <= len(rig.heard) <= 4 else b""
        if rig.answer:
            done.send_signal(signal.SIGHUP)

    rig.before_answer = again
    try:
        done.communicate(b"\n", timeout=60)
    finally:
        done.kill()
    assert done.returncode == 128 + signal.SIGHUP
    assert rig.heard == ["T 1", "T 0", "T 0", "T 0", "T 0"] and not rig.keyed


def test_the_answer_to_a_command_that_was_interrupted_is_not_that_to_the_next(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voicelink.blocks.rigctld.TIMEOUT", 30.0)  # on a busy machine too
    released, main = threading.Event(), threading.main_thread().ident

    def interrupt(command: str) -> None:
        if command == "T 1":
            signal.pthread_kill(main, signal.SIGINT)
            released.wait(60)

    rig.before_answer = interrupt
    with closing(RigPtt(rig.address)) as ptt:
        # A shell's background jobs, tests among them, begin with the signal ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                ptt.key(True)
        finally:
            signal.signal(signal.SIGINT, before)
        assert ptt.keyed
        ptt.key(False)
        assert len(rig.connections) == 2
    released.set()


def test_a_rig_that_never_keys_makes_sending_fail(rig: Rig, voicelink, tmp_path) -> None:
    write_audio(tmp_path / "short.wav", np.zeros(4000, np.float32))
    rig.before_answer = lambda said: setattr(rig, "answer", b"RPRT -9\n" if "1" in said else b"")
    status, _, said = voicelink(
        "send", tmp_path / "short.wav", "--to", "tcp://127.0.0.1:*", "--wait", 0,
        "--rig", rig.address, "--transmit", "--callsign", "AB1CD",
    )  # fmt: skip
    assert status == 1 and "not sent: rigctld" in said and "0 overs" in said
    assert rig.heard[-1] == "T 0"


class Port:
    """pyserial's Serial, at the boundary to the driver."""

    def __init__(self) -> None:
        self.log: list[tuple[str, object]] = []
        self.is_open = False
        self.gone = False

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("rts", "dtr", "port"):
            if getattr(self, "gone", False) and self.is_open:
                raise termios.error(5, "Input/output error")
            self.log.append((name, value))
        super().__setattr__(name, value)

    def open(self) -> None:
        if self.gone:
            raise OSError("No such file or directory")
        self.log.append(("open", self.port))
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


@pytest.mark.parametrize(("name", "line"), [("/dev/ttyX", "rts"), ("/dev/ttyX:dtr", "dtr")])
def test_a_serial_line_keys(name: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    serial = pytest.importorskip("serial")
    port = Port()
    monkeypatch.setattr(serial, "Serial", lambda: port)
    ptt = SerialPtt(name)
    # Both lines are off before the port is open: no click of the transmitter.
    assert {("rts", False), ("dtr", False)} <= set(
        port.log[: port.log.index(("open", "/dev/ttyX"))]
    )
    ptt.key(True)
    assert port.log[-1] == (line, True)
    port.gone = True
    with pytest.raises(TransportError, match="serial port /dev/ttyX: "):
        ptt.key(False)
    assert ptt.keyed
    port.gone = False
    ptt.key(False)  # plugged in again
    assert port.log[-1] == (line, False) and port.log.count(("open", "/dev/ttyX")) == 2
    # What it was told while the port was away does not key it when that is opened again.
    port.gone = True
    with pytest.raises(TransportError):
        ptt.key(True)
    setattr(port, line, True)  # pyserial remembers it
    port.gone = False
    del port.log[:]
    ptt.key(False)
    assert (line, True) not in port.log[: port.log.index(("open", "/dev/ttyX"))]
    assert (line, False) in port.log[: port.log.index(("open", "/dev/ttyX"))]
    ptt.close()
    assert not port.is_open


def test_a_port_without_such_lines_is_said() -> None:
    """A pseudo-terminal can be opened as a port, but has no line to key with."""
    pytest.importorskip("serial")
    with pytest.raises(TransportError, match="serial port /dev/ttyNONE: "):
        SerialPtt("/dev/ttyNONE")
    with pytest.raises(ParameterError, match="must be one of rts, dtr"):
        SerialPtt("/dev/ttyNONE:cts")
    ours, theirs = os.openpty()
    try:
        ptt = SerialPtt(os.ttyname(theirs))
        with pytest.raises(TransportError, match="serial port "):
            ptt.key(True)
        ptt.close()
    finally:
        os.close(ours)
        os.close(theirs)


def test_no_line_is_always_let_go() -> None:
    with WatchedPtt(Ptt()) as ptt:
        ptt.key(True)
        assert ptt.keyed
    assert not ptt.keyed
