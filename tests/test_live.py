"""A live channel: on a made-up clock, and as a process between real sockets."""

import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

import numpy as np
import pytest
from rich.console import Console

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Spreader
from voicelink.blocks.status import Status
from voicelink.blocks.zeromq import FrameReceiver, FrameSender
from voicelink.link_sim.channels import (
    Awgn,
    Bandwidth,
    BitErrors,
    ChannelChain,
    Delay,
    Loss,
    Outage,
)
from voicelink.link_sim.cli import main
from voicelink.link_sim.live import LONGEST_WAIT, LiveReport, run_live
from voicelink.link_sim.live_reading import ReadingSink
from voicelink.link_sim.live_view import LiveView
from voicelink.models.errors import ParameterError, TransportError


class World:
    """Both sockets and the clock: time passes only while the loop waits for packets."""

    def __init__(self, arrivals, faults=(), taken=True):
        self.time = 1000.0
        self.waits = []
        self.sent = []
        self._arrivals = list(arrivals)
        self._faults = iter(faults)
        self._taken = taken

    def clock(self):
        return self.time

    def receive(self, timeout_s):
        if next(self._faults, False):
            raise TransportError("a fault")
        self.waits.append(timeout_s)
        assert len(self.waits) < 10000, "the loop spins"
        until = self.time + timeout_s
        if self._arrivals and self._arrivals[0][0] <= until - 1000:
            when, packet = self._arrivals.pop(0)
            self.time = max(self.time, 1000 + when)
            return packet
        self.time = until
        return None

    def send(self, packet):
        if packet.soft:
            raise ParameterError("hard bits only")
        self.sent.append((self.time - 1000, packet.number))
        return self._taken

    def run(self, channels, seconds, **options):
        return run_live(
            self, self, ChannelChain(channels), clock=self.clock, seconds=seconds, **options
        )


def stream(count, spacing=0.32):
    return [(k * spacing, Packet(np.zeros(32, np.uint8), k)) for k in range(count)]


def test_packets_leave_when_they_are_due():
    world = World(stream(20))
    report = world.run([Delay(seconds=0.2504)], 8)
    assert [number for _, number in world.sent] == list(range(20))
    for when, number in world.sent:
        # Sockets wait whole milliseconds.
        assert 0 <= when - (number * 0.32 + 0.2504) <= 0.0011
    assert report.packets_in == report.packets_out == 20
    assert report.late_most_ms <= 1.1
    assert report.rate_in == pytest.approx(20 * 256 / 8)


def test_the_loop_sleeps_between_packets():
    world = World(stream(10))
    world.run([Delay(seconds=0.1)], 4)
    # Once for each arrival and departure, and every tenth of a second: no spinning.
    waits = [wait for wait in world.waits if wait]
    assert len(waits) <= 4 / LONGEST_WAIT + 3 * 10
    assert all(0.001 <= wait <= LONGEST_WAIT + 0.001 for wait in waits)


def test_rationing_and_outages_in_real_time():
    world = World(stream(20, spacing=0.1))
    report = world.run([Outage(times=[[0.45, 0.95]]), Bandwidth(rate=1280, queue_packets=2)], 10)
    # 4 .. 9 fall into the outage (0.5 .. 0.9 s); each of the others takes 0.2 s.
    outage, link = report.channels
    assert outage["lost"] == 5
    assert link["lost"] == 15 - report.packets_out > 0
    assert np.diff([when for when, _ in world.sent]).min() >= 0.199


def test_what_is_under_way_at_the_end_is_counted():
    report = World(stream(3)).run([Delay(seconds=100)], 2)
    assert (report.packets_in, report.packets_out, report.waiting) == (3, 0, 3)


def test_no_more_than_so_many_under_way():
    report = World(stream(10, 0.01)).run([Delay(seconds=100)], 2, most_waiting=4)
    assert (report.waiting, report.overflowed) == (4, 6)


def test_what_cannot_be_carried_is_counted():
    soft = Packet(np.ones(256, np.float32))
    # A soft packet where hard ones are sent, at the entry ...
    report = World([(0, soft), *stream(1)]).run([Awgn(ebn0_db=9, decisions="hard")], 1)
    assert (report.packets_in, report.refused, report.packets_out) == (2, 1, 1)
    # ... and at the exit.
    report = World([(0, soft), *stream(1)]).run([BitErrors(rate=0)], 1)
    assert (report.packets_in, report.refused, report.packets_out) == (2, 1, 1)


def test_faults_of_the_socket_do_not_end_it(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    report = World(stream(5), faults=[True, True, False, True]).run([], 3)
    assert report.receive_errors == 3
    assert report.packets_out == 5


def test_packets_that_nobody_takes_are_counted():
    report = World(stream(5), taken=False).run([], 3)
    assert (report.untaken, report.packets_out) == (5, 0)


def test_status_comes_regularly():
    seen = []
    World(stream(20)).run(
        [], 5, on_status=lambda r: seen.append((r.seconds, r.packets_in)), status_every=1
    )
    assert [round(seconds) for seconds, _ in seen] == [1, 2, 3, 4]
    assert [packets for _, packets in seen] == [4, 7, 10, 13]


def test_stop_is_asked_often():
    world = World([])
    asked = []

    def stop():
        asked.append(world.time)
        return len(asked) > 20

    report = world.run([], None, stop=stop)
    assert np.diff(asked).max() <= LONGEST_WAIT + 0.001
    assert report.seconds <= 20 * (LONGEST_WAIT + 0.001) + 1e-6


@pytest.mark.parametrize(
    "options", [{"status_every": 0}, {"most_waiting": 0}, {"seconds": -1}], ids=str
)
def test_arguments_out_of_range(options):
    (name,) = options
    with pytest.raises(ParameterError, match=f"{name} must be"):
        World([]).run([], **{"seconds": 1} | options)


# The command


def test_list_tells_channels_and_scenarios(capsys):
    assert main(["channel", "--list"]) == 0
    text = capsys.readouterr().out
    assert "ebn0_db" in text and "lossy-ip" in text and "-50 to 50 dB; required" in text
    assert main(["channel", "--list", "--json"]) == 0
    listing = json.loads(capsys.readouterr().out)
    assert listing["channels"]["awgn"]["settings"]["decisions"]["default"] == "soft"
    assert "clean" in listing["scenarios"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--awgn", "2"], "--form raw carries hard bits: --form pdu sends soft ones"),
        (["--stream", "floats", "--profile", "half"], "--form raw carries hard bits"),
        (["--stream", "bytes"], "--stream needs --profile, one of plain, checked, half, third"),
        (["--stream", "bites", "--profile", "half"], "did you mean bits or bytes"),
        (["--form", "taged"], "did you mean tagged"),
        (["--scenario", "lossy-pi"], "did you mean lossy-ip"),
        (["--channel", "los"], "did you mean loss"),
        (["--loss", "2"], "loss.probability must be a number from 0 to 1"),
        (["--yaml", "/nowhere"], "/nowhere cannot be read"),
        (["--pattern", "pubsup"], "did you mean pubsub"),
        (["--every", "0"], "--every must be"),
        (["--seconds", "-1"], "--seconds must be"),
        (["--from", "tcp:/x"], "tcp:/x"),
        (["--seed", "-1"], "seed must be a whole number"),
        (["--clients", "x"], "need --keys"),
    ],
)
def test_bad_options_get_one_line(words, message, capsys):
    assert main(["channel", "--to", "tcp://127.0.0.1:*", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def start(*words):
    """A live channel as a process of its own, and its two addresses."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "voicelink.link_sim.cli", "channel", "--json",
            "--from", "tcp://127.0.0.1:*", "--bind-from", "--to", "tcp://127.0.0.1:*", *words,
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    words = process.stderr.readline().split()
    assert words[:1] == ["channel:"], words
    return process, words[1], words[3]


def finish(process):
    """Its final report."""
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    report = json.loads(output.splitlines()[-1])
    assert report["final"] is True
    return report


@pytest.mark.parametrize(
    ("pattern", "end"), [("pushpull", signal.SIGINT), ("pubsub", signal.SIGTERM)]
)
def test_through_a_live_lossy_delayed_channel(pattern, end):
    first, last = {"pushpull": ("push", "pull"), "pubsub": ("pub", "sub")}[pattern]
    process, entry, exit_ = start(
        "--pattern", pattern, "--form", "pdu", "--loss", "0.3", "--delay", "0.1", "--seed", "5"
    )
    packets = 100
    try:
        with (
            FrameSender(entry, first, bind=False, form="pdu") as sender,
            FrameReceiver(exit_, last, bind=False) as receiver,
        ):
            # Until a packet comes through, one of the ends may not be connected.
            probe = Packet(np.zeros(32, np.uint8), 10**6)
            for _ in range(200):
                sender.send(probe, timeout_s=1)
                if receiver.receive(0.1) is not None:
                    break
            else:
                pytest.fail("nothing comes through")
            sent, delays = {}, {}

            def listen(timeout_s):
                while (out := receiver.receive(timeout_s)) is not None:
                    if out.number < packets:
                        delays[out.number] = time.monotonic() - sent[out.number]

            for number in range(packets):
                sent[number] = time.monotonic()
                sender.send(Packet(np.full(32, number, np.uint8), number), timeout_s=1)
                listen(0.005)
            listen(1.0)
            sender.send_bytes(b"nonsense", timeout_s=1)
            sender.send_bytes(b"", timeout_s=1)
            listen(0.3)
        process.send_signal(end)
        report = finish(process)
    finally:
        process.kill()
        process.communicate()
    # 30 % of a hundred, give or take four standard deviations.
    assert 52 <= len(delays) <= 88
    assert min(delays.values()) >= 0.099
    assert report["malformed"] == 2
    loss, delay = report["channels"]
    assert loss["in"] == report["packets_in"] >= packets
    assert loss["lost"] == report["packets_in"] - report["packets_out"]
    assert delay["out"] == report["packets_out"]


def test_it_ends_after_so_many_seconds():
    process, _, _ = start("--seconds", "0.2", "--every", "0.1")
    report = finish(process)
    assert report["seconds"] >= 0.2
    assert report["packets_in"] == 0


def test_its_losses_are_those_of_the_seed():
    """The live channel loses the packets that the chain loses in simulation."""
    process, entry, exit_ = start(
        "--pattern", "pushpull", "--form", "pdu", "--loss", "0.5", "--seed", "9", "--seconds", "30"
    )
    try:
        with (
            FrameSender(entry, "push", bind=False, form="pdu") as sender,
            FrameReceiver(exit_, "pull", bind=False) as receiver,
        ):
            assert receiver.receive(0.5) is None  # time to connect: an exit with nobody drops
            for number in range(50):
                assert sender.send(Packet(np.zeros(32, np.uint8), number), timeout_s=5)
            arrived = [p.number for p in iter(lambda: receiver.receive(1), None)]
        process.send_signal(signal.SIGINT)
        report = finish(process)
    finally:
        process.kill()
        process.communicate()
    chain = ChannelChain([Loss(probability=0.5)], seed=9)
    for number in range(50):
        chain.push(number, Packet(np.zeros(32, np.uint8), number))
    assert report["packets_in"] == 50
    assert report["untaken"] == 0
    assert arrived == [packet.number for _, packet in chain.flush()]


# What the terminal shows


class Exit:
    """A sink that keeps what it is given; a clock that stands still unless it is moved."""

    def __init__(self):
        self.sent = []
        self.time = 0.0

    def send(self, packet):
        self.sent.append(packet)
        return "taken"

    def clock(self):
        return self.time


def frames(profile, count):
    encoder, random = LinkEncoder(profile), np.random.default_rng(1)
    return [encoder.encode(random.bytes(32)) for _ in range(count)]


def with_errors(packet, count):
    """The packet with its first bits wrong."""
    bits = np.unpackbits(packet.data)
    bits[:count] ^= 1
    return Packet(np.packbits(bits), packet.number)


def test_frames_that_leave_are_read_as_a_receiver_would():
    exit_ = Exit()
    sink = ReadingSink(exit_, clock=exit_.clock)
    clean, corrected, soft = frames("half", 3)
    packets = [clean, with_errors(corrected, 12), with_errors(soft, 250), *frames("checked", 1)]
    packets.append(Packet(np.zeros(7, np.uint8)))
    assert [sink.send(packet) for packet in packets] == ["taken"] * 5
    # Read, and not changed.
    assert exit_.sent == packets
    assert sink.statuses[Status.CLEAN] == 2
    assert sink.statuses[Status.CORRECTED] == 1
    assert sink.statuses[Status.SOFT] + sink.statuses[Status.CONCEALED] == 1
    assert list(sink.latest)[:2] == [Status.CLEAN, Status.CORRECTED]
    assert sink.unknown == 1


def test_spread_frames_are_read_when_they_are_complete():
    sink = ReadingSink(Exit())
    spreader = Spreader(592, 4)
    packets = [spreader.push(packet) for packet in frames("half", 12)] + spreader.flush()
    for number, packet in enumerate(packets):
        if number != 5:
            sink.send(packet)
    # A packet that was lost is mended in all four frames that had a part in it.
    assert sink.statuses[Status.CORRECTED] + sink.statuses[Status.CLEAN] == 12
    assert sink.unknown == 0


def test_reading_does_not_hold_up_what_leaves():
    exit_ = Exit()

    def slow_clock():
        exit_.time += 0.3
        return exit_.time

    sink = ReadingSink(exit_, clock=slow_clock)
    for packet in frames("checked", 20):
        sink.send(packet)
    assert len(exit_.sent) == 20
    assert 0 < sink.unread < 20
    assert sink.unread + sum(sink.statuses.values()) == 20


def shown(view, report, malformed=0):
    console = Console(width=80, file=io.StringIO())
    console.print(view.picture(report, malformed))
    return console.file.getvalue()


def test_the_view_shows_rates_queue_losses_and_statuses():
    sink = ReadingSink(Exit())
    view = LiveView("a -> b", sink, Console(file=io.StringIO()))
    empty = shown(view, LiveReport(seconds=1.0))
    assert "none yet" in empty
    for packet in frames("half", 3):
        sink.send(packet)
    chain = ChannelChain([Loss(probability=1), Bandwidth(rate=800)])
    for number, packet in enumerate(frames("half", 4)):
        chain.push(0.32 * number, packet)
    chain.flush()
    report = LiveReport(
        seconds=20.0, packets_in=50, packets_out=40, bits_in=16000, bits_out=8000, waiting=6,
        untaken=2, channels=chain.stats(),
    )  # fmt: skip
    text = shown(view, report, malformed=5)
    assert re.search(r"in +50 +842 +800 *\n", text) and re.search(r"out +40 +421 +400 *\n", text)
    assert "under way 6" in text
    assert re.search(r"loss +4 +0 +4 +100.0", text)
    assert "queue 0" in text
    assert "c clean 3" in text and "x concealed 0" in text and "\nccc" in text
    assert "2 that nobody took at the exit" in text and "5 that are no frames" in text
    # Twice as fast from then on.
    for _ in range(10):
        report.seconds += 1
        report.bits_in += 1600
        text = shown(view, report)
    assert re.search(r"in +50 +1600 +1067 *\n", text)


def test_a_narrow_terminal_is_enough():
    console = Console(width=40, file=io.StringIO())
    view = LiveView("tcp://127.0.0.1:5555 -> tcp://127.0.0.1:5556", ReadingSink(Exit()), console)
    chain = ChannelChain([Bandwidth(rate=800)])
    console.print(view.picture(LiveReport(channels=chain.stats())))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 40
    assert any(line.strip().startswith("bandwidth") for line in lines)


class Terminal:
    """A live channel in a process of its own whose standard error is a terminal.

    Attributes:
        text: what was written to it, without what moves the cursor and colours.
        controlled: whether there was any of that.
    """

    def __init__(self, *words, **environment):
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "voicelink.link_sim.cli", "channel", "--pattern", "pushpull",
                "--from", "tcp://127.0.0.1:*", "--bind-from", "--to", "tcp://127.0.0.1:*", *words,
            ],
            stdout=subprocess.PIPE, stderr=follower, text=True,
            env=os.environ | {"TERM": "xterm-256color", "PYTHONUNBUFFERED": "1"} | environment,
        )  # fmt: skip
        os.close(follower)
        self.text, self.controlled, self._open = "", False, True
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        first = self.until(r"channel: (\S+) -> (\S+)\s")
        self.entry, self.exit = first.groups()

    def _listen(self):
        """A terminal takes what is written to it at once, whether anybody looks or not."""
        while True:
            try:
                part = os.read(self._leader, 65536).decode(errors="replace")
            except OSError:  # the process has gone
                part = ""
            with self._news:
                self.controlled |= "\x1b" in part
                self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part)
                self._open = bool(part)
                self._news.notify_all()
            if not part:
                return

    def until(self, pattern):
        """Wait until the pattern has appeared; its match."""
        given_up = time.monotonic() + 60
        with self._news:
            while not (found := re.search(pattern, self.text)):
                self._news.wait(1)
                if not self._open or time.monotonic() > given_up:
                    pytest.fail(f"{pattern} never came: {self.text[-1500:]}")
        return found

    def end(self):
        """Interrupt it; its standard output."""
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return output

    def close(self):
        self.process.kill()
        self.process.communicate()
        self._listener.join()
        os.close(self._leader)


@pytest.fixture
def terminal():
    started = []

    def start_one(*words, **environment):
        started.append(Terminal(*words, **environment))
        return started[-1]

    yield start_one
    for each in started:
        each.close()


def carry(channel, packets):
    """Send packets through; those that came out."""
    with (
        FrameSender(channel.entry, "push", bind=False, form="raw") as sender,
        FrameReceiver(channel.exit, "pull", bind=False) as receiver,
    ):
        assert receiver.receive(0.5) is None  # time to connect: an exit with nobody drops
        for packet in packets:
            assert sender.send(packet, timeout_s=10)
        return list(iter(lambda: receiver.receive(2), None))


def test_on_a_terminal_the_channel_is_shown_as_it_works(terminal):
    channel = terminal("--loss", "0.3", "--bit-errors", "0.01", "--seed", "5")
    came = carry(channel, frames("half", 40))
    assert 20 <= len(came) <= 36  # 30 % of forty, within three standard deviations
    # Six of the 592 bits of a frame are wrong, on average, and error correction mends them.
    channel.until(rf"in +40 [^\n]+\n out +{len(came)} [^~]+k corrected {len(came)} ")
    assert re.search(rf"loss +40 +{len(came)} +{40 - len(came)} +\d", channel.text)
    assert channel.controlled
    output = channel.end()
    assert re.search(rf"packets out +{len(came)}\n", output)


@pytest.mark.parametrize(
    ("words", "environment"), [(["--no-view"], {}), ([], {"TERM": "dumb"})], ids=["asked", "dumb"]
)
def test_lines_where_no_picture_is_wanted_or_possible(words, environment, terminal):
    channel = terminal("--every", "0.1", *words, **environment)
    channel.until(r"\d s  in 0 \(0 b/s\)  out 0 \(0 b/s\)  waiting 0\r\n")
    assert not channel.controlled
    assert "packets in" in channel.end()


def test_json_on_a_terminal_is_json_only(terminal):
    channel = terminal("--json", "--every", "0.1", "--seconds", "0.5")
    output, _ = channel.process.communicate(timeout=60)
    assert json.loads(output.splitlines()[-1])["final"] is True
    assert not channel.controlled
