"""A live channel: on a made-up clock, and as a process between real sockets."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from voicelink.blocks.packet import Packet
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
from voicelink.link_sim.live import LONGEST_WAIT, run_live
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
