"""The ZeroMQ transport over real sockets: both patterns, both forms, both ends, and bad company."""

import contextlib
import logging
import re
import socket
import stat
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from zeromq_peer import frame
from zmq.utils.monitor import recv_monitor_message

from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import packet_to_pdu, pdu_to_packet
from voicelink.blocks.pmt import Pair, serialize
from voicelink.blocks.spread import packet_lengths
from voicelink.blocks.zeromq import FrameReceiver, FrameSender, Keys, make_keys
from voicelink.blocks.zeromq_address import check_address
from voicelink.blocks.zeromq_messages import MessageWriter
from voicelink.models.errors import FormatError, ParameterError, TransportError

WAIT_S = 30
"""A guard against hanging; nothing here takes that long."""

FRAME_BYTES = [bits // 8 for bits in packet_lengths()]
LOCAL = "tcp://127.0.0.1:*"
PEER = Path(__file__).with_name("zeromq_peer.py")
OPPOSITE = {"pub": "sub", "push": "pull", "sub": "pub", "pull": "push"}


@contextlib.contextmanager
def peer(verb, address, pattern, end, form="pdu", first=0, count=5):
    """A peer process and its endpoint."""
    arguments = [verb, address, pattern, end, form, str(first), str(count)]
    process = subprocess.Popen(
        [sys.executable, str(PEER), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def check_frames(receiver, numbers, form="pdu"):
    for number in numbers:
        packet = receiver.receive(WAIT_S)
        assert packet.data.tobytes() == frame(number).data.tobytes()
        assert packet.number == (number if form == "pdu" else None)


# What goes through


@pytest.mark.parametrize("form", ["raw", "pdu"])
@pytest.mark.parametrize("end", ["bind", "connect"])
@pytest.mark.parametrize("pattern", ["pub", "push"])
def test_from_another_process(pattern, end, form):
    if end == "bind":
        with (
            peer("send", LOCAL, pattern, "bind", form) as (_, endpoint),
            FrameReceiver(endpoint, OPPOSITE[pattern]) as receiver,
        ):
            check_frames(receiver, range(5), form)
    else:
        with (
            FrameReceiver(LOCAL, OPPOSITE[pattern], bind=True) as receiver,
            peer("send", receiver.endpoint, pattern, "connect", form),
        ):
            check_frames(receiver, range(5), form)


@pytest.mark.parametrize("pattern", ["pub", "push"])
def test_to_another_process(pattern):
    with (
        FrameSender(LOCAL, pattern, form="pdu") as sender,
        peer("receive", sender.endpoint, OPPOSITE[pattern], "connect") as (process, _),
    ):
        assert sender.wait_for_peer(WAIT_S)
        for number in range(5):
            assert sender.send(frame(number), WAIT_S)
        lines = [process.stdout.readline().split() for _ in range(5)]
    assert lines == [[str(n), frame(n).data.tobytes().hex()] for n in range(5)]


@pytest.mark.parametrize("scheme", ["ipc", "inproc"])
@pytest.mark.parametrize("pattern", ["pub", "push"])
def test_other_addresses(pattern, scheme, tmp_path):
    address = f"{scheme}://{tmp_path}/link"
    with (
        FrameSender(address, pattern) as sender,
        FrameReceiver(address, OPPOSITE[pattern]) as receiver,
    ):
        assert sender.wait_for_peer(WAIT_S)
        assert sender.send(frame(3))
        check_frames(receiver, [3], "raw")


@pytest.mark.parametrize("length", FRAME_BYTES)
@pytest.mark.parametrize("form", ["raw", "pdu", "tagged"])
def test_every_profile_hard(length, form):
    packet = Packet(np.arange(length, dtype=np.uint8))
    with linked(form) as (sender, receiver):
        sender.send(packet)
        arrived = receiver.receive(WAIT_S)
    assert arrived.data.dtype == np.uint8
    assert arrived.data.tobytes() == packet.data.tobytes()


@pytest.mark.parametrize("length", FRAME_BYTES)
def test_every_profile_soft(length):
    llr = np.random.default_rng(1).normal(0, 4, 8 * length).astype(np.float32)
    with linked("pdu") as (sender, receiver):
        sender.send(Packet(llr, number=2**40), metadata={"snr_db": 3.5, "list": [1, None]})
        arrived = receiver.receive(WAIT_S)
    assert arrived.soft and arrived.number == 2**40
    assert arrived.data.dtype == np.float32 and arrived.data.tobytes() == llr.tobytes()


@contextlib.contextmanager
def linked(sent="raw", **options):
    """A sender and a receiver in this process."""
    address = "inproc://linked"
    with (
        FrameSender(address, "push", form=sent) as sender,
        FrameReceiver(address, "pull", **options) as receiver,
    ):
        yield sender, receiver


def test_receive_does_not_wait_unless_told():
    with linked() as (sender, receiver):
        assert receiver.receive() is None
        assert receiver.receive(timeout_s=0.01) is None
        sender.send(frame(1))
        assert receiver.receive().data[-1] == 1


def test_receivers_can_be_polled_together():
    with linked() as (sender, receiver), FrameReceiver(LOCAL, "pull", bind=True) as other:
        poller = zmq.Poller()
        poller.register(receiver.socket, zmq.POLLIN)
        poller.register(other.socket, zmq.POLLIN)
        sender.send(frame(1))
        assert dict(poller.poll(1000 * WAIT_S)) == {receiver.socket: zmq.POLLIN}


def test_a_sender_without_receiver_drops_and_counts():
    with FrameSender(LOCAL, "push") as sender:
        assert not sender.wait_for_peer(0.01)
        assert not sender.send(frame(1))
        assert not sender.send(frame(2), timeout_s=0.01)
        assert (sender.sent, sender.dropped) == (0, 2)
    with FrameSender(LOCAL, "pub") as sender:
        assert not sender.wait_for_peer(0.01)
        assert sender.send(frame(1))  # to everybody, which is nobody


def test_what_nobody_takes_is_bounded():
    with (
        FrameSender("inproc://bounded", "push", high_water=4) as sender,
        FrameReceiver("inproc://bounded", "pull", high_water=3) as receiver,
    ):
        taken = [sender.send(frame(number)) for number in range(20)]
        assert taken == 7 * [True] + 13 * [False]
        check_frames(receiver, range(7), "raw")


# Streams


def stream_of(count=12, form="stream"):
    """The messages of an over of the profile half, and its frames."""
    link, writer = LinkEncoder("half"), MessageWriter(form)
    packets = [link.encode(bytes([k]) * 32, end=k == count - 1) for k in range(count)]
    return [writer.write(packet) for packet in packets], packets


def read_stream(messages, items="bytes"):
    """What a receiver of a stream gives out."""
    with linked(form="stream", items=items, profile="half") as (sender, receiver):
        heard = []
        for message in messages:
            sender.send_bytes(message)
            heard += iter(receiver.receive, None)
        assert receiver.received == len(heard)
    return heard, receiver.malformed


def as_bits(data):
    return np.unpackbits(np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("size", [1, 7, 78, 100, 5000])
@pytest.mark.parametrize("items", ["bytes", "bits", "floats"])
def test_a_stream_is_cut_anywhere(items, size):
    messages, packets = stream_of()
    data = b"".join(messages) + b"\xaa"
    if items == "bits":
        data = as_bits(data).tobytes()
    elif items == "floats":  # of any level and polarity
        data = (2.0 * as_bits(data) - 1).astype(np.float32).tobytes()
    step = 4 * size if items == "floats" else size
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    heard, malformed = read_stream(pieces, items)
    assert malformed == 0
    assert [packet.soft for packet in heard] == 12 * [items == "floats"]
    hard = [np.packbits(p.data < 0) if p.soft else p.data for p in heard]
    assert [p.tobytes() for p in hard] == [p.data.tobytes() for p in packets]


def test_a_frame_in_a_stream_is_there_with_its_last_byte():
    messages, packets = stream_of()
    with linked(form="stream", profile="half") as (sender, receiver):
        for message, packet in zip(messages, packets, strict=True):
            sender.send_bytes(message[:-1])
            assert receiver.receive() is None
            sender.send_bytes(message[-1:])
            assert receiver.receive().data.tobytes() == packet.data.tobytes()


def test_a_stream_that_is_joined_late_or_lacks_a_message():
    messages, packets = stream_of()
    data = b"".join(messages)
    pieces = [data[start : start + 50] for start in range(0, len(data), 50)]
    heard, _ = read_stream(pieces[2:6] + pieces[7:])
    # Bytes 100 to 299 and 350 on: of the frames of 78 bytes the third, the fourth with a wrong end,
    # and those from the sixth on.
    expected = [packets[k].data.tobytes() for k in (2, 3, *range(5, 12))]
    arrived = [packet.data.tobytes() for packet in heard]
    assert arrived[:1] + arrived[2:] == expected[:1] + expected[2:]
    assert arrived[1][:50] == expected[1][:50] and arrived[1] != expected[1]


def test_a_stream_with_tags_is_known_by_its_header():
    messages, packets = stream_of(form="tagged")
    heard, malformed = read_stream(messages)
    assert [p.number for p in heard] == list(range(12))
    assert [p.data.tobytes() for p in heard] == [p.data.tobytes() for p in packets]
    heard, malformed = read_stream([messages[0][:40], *messages[1:]])
    assert len(heard) == 11 and malformed == 1


def test_noise_in_a_stream_is_no_frame():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 100_000).astype(np.float32)
    assert read_stream(np.split(noise, 4), "floats") == ([], 0)
    assert read_stream([bytes(1000), rng.bytes(10_000)]) == ([], 0)
    assert read_stream([b"123"], "floats") == ([], 1)


# Peers that go and come back


@pytest.mark.parametrize("pattern", ["pub", "push"])
def test_receiver_outlives_its_sender(pattern):
    with peer("send", LOCAL, pattern, "bind") as (process, endpoint):
        receiver = FrameReceiver(endpoint, OPPOSITE[pattern])
        with receiver:
            check_frames(receiver, range(5))
            process.kill()
            process.wait()
            assert receiver.receive(0.01) is None
            with peer("send", endpoint, pattern, "bind", first=100) as (_, again):
                assert again == endpoint
                check_frames(receiver, range(100, 105))
            assert receiver.malformed == 0


@pytest.mark.parametrize("pattern", ["sub", "pull"])
def test_sender_outlives_its_receiver(pattern):
    with (
        peer("receive", LOCAL, pattern, "bind", count=1) as (process, endpoint),
        FrameSender(endpoint, OPPOSITE[pattern], bind=False, form="pdu") as sender,
    ):
        assert sender.wait_for_peer(WAIT_S)
        sender.send(frame(1), WAIT_S)
        assert process.stdout.readline().split()[0] == "1"
        process.kill()
        process.wait()
        with peer("receive", endpoint, pattern, "bind", count=1) as (process, _):
            heard = send_until_heard(sender, process)
        assert heard.split()[0] == "2"


def send_until_heard(sender, process):
    """Send frame 2 until the process says that it has it: what is on the way may be lost."""
    poller = zmq.Poller()
    poller.register(process.stdout, zmq.POLLIN)
    for _ in range(100 * WAIT_S):
        sender.send(frame(2))
        if poller.poll(10):
            return process.stdout.readline()
    raise AssertionError("the receiver that returned has heard nothing")


# Bad company


def feed(parts, form="auto"):
    """What a receiver makes of a message of these parts; what it counts must agree."""
    source = zmq.Context.instance().socket(zmq.PUSH)
    with source, FrameReceiver("inproc://feed", "pull", bind=True, form=form) as receiver:
        source.connect("inproc://feed")
        source.send_multipart(parts)
        packet = receiver.receive()
        assert receiver.received == (packet is not None)
        assert receiver.malformed == (packet is None)
        source.send(frame(9).data.tobytes() if form != "pdu" else packet_to_pdu(frame(9)))
        assert receiver.receive().data[-1] == 9
    return packet


WHOLE = packet_to_pdu(frame(5))


@given(st.binary(max_size=200), st.sampled_from(["auto", "raw", "pdu"]))
def test_any_bytes(data, form):
    packet = feed([data], form)
    assert packet is None or packet.bits / 8 in FRAME_BYTES


@given(st.integers(0, len(WHOLE) - 1), st.sampled_from(["auto", "raw", "pdu"]))
def test_cut_pdus(length, form):
    packet = feed([WHOLE[:length]], form)
    assert (packet is not None) == (length in FRAME_BYTES and form != "pdu")


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=5))
def test_damaged_pdus(at, damage):
    feed([WHOLE[:at] + damage + WHOLE[at + len(damage) :]])


@pytest.mark.parametrize("length", FRAME_BYTES)
@given(data=st.data())
def test_any_bytes_of_a_frames_length_are_a_frame(length, data):
    raw = data.draw(st.binary(min_size=length, max_size=length))
    assert feed([raw], "auto").data.tobytes() == raw


@pytest.mark.parametrize(
    ("frame_bytes", "message_bytes"), [(32, 74), (37, 74), (32, 111), (74, 111)]
)
def test_a_pdu_as_long_as_a_frame_is_a_pdu(frame_bytes, message_bytes):
    data = np.arange(frame_bytes, dtype=np.uint8)
    filler = message_bytes - len(packet_to_pdu(Packet(data), {"k": ""}))
    message = packet_to_pdu(Packet(data), {"k": "x" * filler})
    assert len(message) == message_bytes
    assert feed([message], "auto").data.tobytes() == data.tobytes()
    assert feed([message], "raw").data.tobytes() == message


def test_a_pdu_that_holds_no_frame_does_not_hide_one():
    message = serialize(Pair(None, np.zeros(64, np.uint8)))
    assert len(message) == 74
    assert feed([message], "auto").data.tobytes() == message
    assert feed([message], "pdu") is None


@pytest.mark.parametrize(
    "obj",
    [
        None,
        "text",
        {"a": 1},
        np.zeros(37, np.uint8),
        Pair(None, None),
        Pair(None, np.zeros(0, np.uint8)),
        Pair(None, np.zeros(31, np.uint8)),
        Pair(None, np.zeros(32, np.int8)),
        Pair(None, np.zeros(256, np.float64)),
        Pair(None, np.zeros(255, np.float32)),
        Pair(None, np.full(256, np.nan, np.float32)),
        Pair(None, np.full(256, np.inf, np.float32)),
        Pair(5, np.zeros(32, np.uint8)),
        Pair(Pair(1, 2), np.zeros(32, np.uint8)),
        Pair({"number": -1}, np.zeros(32, np.uint8)),
        Pair({"number": 2**63}, np.zeros(32, np.uint8)),
        Pair({"number": 1.0}, np.zeros(32, np.uint8)),
        Pair({"number": True}, np.zeros(32, np.uint8)),
    ],
    ids=str,
)
def test_pmts_that_are_no_link_frame(obj):
    assert feed([serialize(obj)]) is None


def test_the_example_in_the_format_description():
    text = (resources.files("voicelink.blocks") / "TRANSPORT.md").read_text(encoding="utf-8")
    lines = re.search(r"\n\n((?:    .*\n)+)", text).group(1).splitlines()
    example = "".join(re.split(r"\s{2,}", line.strip())[0] for line in lines)
    data = np.arange(37, dtype=np.uint8)
    example = example.replace("xx xx ... xx", data.tobytes().hex())
    assert packet_to_pdu(Packet(data, number=7)) == bytes.fromhex(example)


def test_metadata_as_gnuradio_3_8_writes_it():
    old = Pair(Pair("number", 7), Pair(Pair("other", "x"), None))
    packet = feed([serialize(Pair(old, np.zeros(32, np.uint8)))])
    assert packet.number == 7


def test_packets_that_no_pdu_holds():
    with pytest.raises(ParameterError, match="uint8 or float32"):
        packet_to_pdu(Packet(np.zeros(32)))
    with pytest.raises(ParameterError, match="set"):
        packet_to_pdu(frame(1), {"k": {1}})
    with pytest.raises(FormatError, match="pair"):
        pdu_to_packet(b"\x06")


def test_a_key_before_the_message_is_passed_over():
    assert feed([b"key", frame(4).data.tobytes()]).data[-1] == 4
    assert feed([b"key", b"", frame(4).data.tobytes()]) is None
    assert feed(50 * [frame(4).data.tobytes()]) is None


def test_malformed_messages_are_logged_once(caplog):
    with linked() as (sender, receiver), caplog.at_level(logging.INFO):
        for _ in range(5):
            sender.send_bytes(b"nonsense")
        sender.send(frame(1))
        assert receiver.receive().data[-1] == 1
        assert receiver.malformed == 5
    assert len(caplog.records) == 1
    assert "no link frame" in caplog.text


def test_a_flood_of_nonsense_does_not_hold_the_caller():
    with linked(high_water=10) as (sender, receiver):
        for _ in range(25):
            sender.send_bytes(b"nonsense")
        assert [receiver.receive() for _ in range(3)] == [None] * 3
        assert receiver.malformed == 25


@pytest.mark.parametrize("pattern", ["pub", "push"])
def test_messages_too_long_never_arrive(pattern):
    options = {"max_message_bytes": 100}
    with (
        FrameSender(LOCAL, pattern) as sender,
        FrameReceiver(sender.endpoint, OPPOSITE[pattern], **options) as receiver,
    ):
        assert sender.wait_for_peer(WAIT_S)
        sender.send_bytes(bytes(101))
        packet = None
        for _ in range(100 * WAIT_S):  # the connection is made anew meanwhile
            sender.send(frame(1))
            if packet := receiver.receive(0.01):
                break
        assert packet.data[-1] == 1
        assert receiver.malformed == 0
    with linked(**options) as (sender, receiver):  # no connection to drop: refused on arrival
        sender.send_bytes(bytes(101))
        assert receiver.receive() is None
        assert receiver.malformed == 1


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\xff" + bytes(8) + b"\x7f"]
)
def test_a_stranger_at_the_port_disturbs_nobody(first):
    with FrameReceiver(LOCAL, "pull", bind=True) as receiver:
        port = int(receiver.endpoint.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(first)
            with FrameSender(receiver.endpoint, "push", bind=False) as sender:
                assert sender.send(frame(1), WAIT_S)
                check_frames(receiver, [1], "raw")


@pytest.mark.parametrize("pattern", ["sub", "pull"])
def test_another_program_at_the_address_and_then_ours(pattern):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        address = f"tcp://127.0.0.1:{stranger.getsockname()[1]}"
        receiver = FrameReceiver(address, pattern)
        stranger.settimeout(WAIT_S)
        connection, _ = stranger.accept()
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.close()
    with receiver, FrameSender(address, OPPOSITE[pattern]) as sender:
        packet = None
        for _ in range(100 * WAIT_S):
            sender.send(frame(1))
            if packet := receiver.receive(0.01):
                break
        assert packet.data[-1] == 1


# Addresses and arguments


def test_port_in_use_is_one_line():
    with FrameSender(LOCAL) as first, pytest.raises(TransportError) as caught:
        FrameReceiver(first.endpoint, "pull", bind=True)
    assert str(caught.value) == f"{first.endpoint} is in use by another program"


def test_ipc_path_in_use(tmp_path):
    address = f"ipc://{tmp_path}/link"
    with FrameSender(address), pytest.raises(TransportError, match="in use"):
        FrameSender(address)
    with FrameSender(address):  # what the first left behind is no hindrance
        pass


def test_ipc_never_replaces_a_file(tmp_path):
    recording = tmp_path / "speech.wav"
    recording.write_bytes(b"precious")
    with pytest.raises(ParameterError, match="there is a file"):
        FrameSender(f"ipc://{recording}")
    assert recording.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "address", ["tcp://*:5555", "tcp://0.0.0.0:5555", "tcp://192.0.2.1:5555", "tcp://[::]:5555",
                "tcp://eth0:5555", "tcp://example.org:*"]
)  # fmt: skip
def test_binding_stays_on_this_machine(address):
    with pytest.raises(ParameterError, match="allow_remote") as caught:
        FrameSender(address)
    assert "CURVE" in str(caught.value)
    assert check_address(address, bind=True, allow_remote=True) == address


def test_binding_beyond_this_machine_when_told(caplog):
    with FrameReceiver("tcp://0.0.0.0:*", "pull", bind=True, allow_remote=True) as receiver:
        assert "no keys" in caplog.text
        port = receiver.endpoint.rpartition(":")[2]
        with FrameSender(f"tcp://127.0.0.1:{port}", "push", bind=False) as sender:
            assert sender.send(frame(1), WAIT_S)
            check_frames(receiver, [1], "raw")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "lo", "[::1]"])
def test_loopback_by_any_name(host):
    checked = check_address(f"tcp://{host}:5555", bind=True)
    assert checked == f"tcp://{host.replace('localhost', '127.0.0.1')}:5555"


@pytest.mark.parametrize(
    ("address", "bind"),
    [
        ("", True),
        ("5555", True),
        ("127.0.0.1:5555", True),
        ("tcp://127.0.0.1", True),
        ("tcp://127.0.0.1:", True),
        ("tcp://127.0.0.1:99999", True),
        ("tcp://127.0.0.1:-1", True),
        ("tcp://127.0.0.1:voice", True),
        ("tcp://:5555", True),
        ("tcp://127.0.0.1:*", False),
        ("tcp://127.0.0.1:0", False),
        ("tcp://*:5555", False),
        ("udp://127.0.0.1:5555", True),
        ("ipc://", True),
        ("ipc://*", True),
        ("inproc://", True),
        ("ipc://" + "x" * 200, True),
        (5555, True),
        (None, True),
    ],
)
def test_addresses_of_no_meaning(address, bind):
    with pytest.raises((ParameterError, TransportError)) as caught:
        FrameSender(address, bind=bind)
    assert str(address)[:50] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_interface_that_is_not_there():
    with pytest.raises(TransportError, match=r"cannot bind to tcp://192\.0\.2\.1:5555"):
        FrameSender("tcp://192.0.2.1:5555", allow_remote=True)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: FrameSender(LOCAL, "publish"), "pattern must be one of pub, push"),
        (lambda: FrameReceiver(LOCAL, "pub", bind=True), "pattern must be one of sub, pull"),
        (lambda: FrameReceiver(LOCAL, bind=True, form="pmt"), "form must be one of"),
        (lambda: FrameSender(LOCAL, form="auto"), "form must be one of raw, pdu, stream, tagged"),
        (lambda: FrameReceiver(LOCAL, bind=True, form="stream"), "profile must be named"),
        (lambda: FrameReceiver(LOCAL, bind=True, items="bits"), "items must be bytes"),
        (lambda: FrameReceiver(LOCAL, bind=True, items="bit"), "items must be one of"),
        (lambda: FrameSender(LOCAL, high_water=0), "high_water must be"),
        (
            lambda: FrameReceiver(LOCAL, bind=True, max_message_bytes=-1),
            "max_message_bytes must be",
        ),
    ],
)
def test_arguments_of_no_meaning(make, part):
    with pytest.raises(ParameterError, match=part):
        make()


def test_packets_that_a_raw_frame_cannot_carry():
    with FrameSender(LOCAL) as sender:
        with pytest.raises(ParameterError, match="the form pdu"):
            sender.send(Packet(np.zeros(256, np.float32)))
        with pytest.raises(
            ParameterError, match="256, 296, 592, 888, 280, 320, 616, 912 bits, not 264"
        ):
            sender.send(Packet(np.zeros(33, np.uint8)))
        with pytest.raises(ParameterError, match="timeout_s"):
            sender.send(frame(1), timeout_s=-1)


def test_a_closed_socket_says_so():
    sender, receiver = FrameSender(LOCAL), FrameReceiver(LOCAL, bind=True)
    for end in (sender, receiver):
        end.close()
        end.close()
    with pytest.raises(TransportError, match="closed"):
        sender.send(frame(1))
    with pytest.raises(TransportError, match="closed"):
        receiver.receive()


# Keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two directories of keys that do not know of each other."""
    directories = [tmp_path_factory.mktemp(name) for name in ("ours", "theirs")]
    for directory in directories:
        make_keys(directory)
    return directories


def test_keys_let_their_holder_through(keys):
    ours, _ = keys
    server = Keys.load(ours / "server.key_secret", clients=ours / "clients")
    client = Keys.load(ours / "client.key_secret", server=ours / "server.key")
    with (
        FrameSender(LOCAL, keys=server) as sender,
        FrameReceiver(sender.endpoint, keys=client) as receiver,
    ):
        assert sender.wait_for_peer(WAIT_S)
        sender.send(frame(1))
        check_frames(receiver, [1], "raw")
    with (
        FrameReceiver(LOCAL, "pull", bind=True, keys=server) as receiver,
        FrameSender(receiver.endpoint, "push", bind=False, keys=client) as sender,
    ):
        assert sender.send(frame(2), WAIT_S)
        check_frames(receiver, [2], "raw")


def test_without_a_list_of_clients_the_servers_key_is_enough(keys):
    ours, theirs = keys
    stranger = Keys.load(theirs / "client.key_secret", server=ours / "server.key")
    with (
        FrameSender(LOCAL, keys=Keys.load(ours / "server.key_secret")) as sender,
        FrameReceiver(sender.endpoint, keys=stranger) as receiver,
    ):
        assert sender.wait_for_peer(WAIT_S)
        sender.send(frame(1))
        check_frames(receiver, [1], "raw")


@pytest.mark.parametrize("client", ["no keys", "unknown client", "other server"])
def test_wrong_keys_get_nothing(keys, client, caplog):
    ours, theirs = keys
    server = Keys.load(ours / "server.key_secret", clients=ours / "clients")
    wrong = {
        "no keys": None,
        "unknown client": Keys.load(theirs / "client.key_secret", server=ours / "server.key"),
        "other server": Keys.load(ours / "client.key_secret", server=theirs / "server.key"),
    }[client]
    failures = (
        zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    )
    with FrameSender(LOCAL, keys=server) as sender:
        monitor = sender.socket.get_monitor_socket(failures)
        with FrameReceiver(sender.endpoint, keys=wrong) as receiver:
            assert monitor.poll(1000 * WAIT_S), "the handshake has neither failed nor succeeded"
            assert recv_monitor_message(monitor)["event"] & failures
            sender.send(frame(1))
            assert not sender.wait_for_peer(0)
            for _ in range(100 * WAIT_S):
                assert receiver.receive(0.01) is None
                if caplog.records:
                    break
        assert "no handshake" in caplog.text
        sender.socket.disable_monitor()


def test_key_files_are_private_and_never_overwritten(tmp_path):
    files = make_keys(tmp_path / "new")
    assert all(path.is_file() for path in files)
    secrets = [path for path in files if path.suffix == ".key_secret"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in secrets] == [0o600, 0o600]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "server.key", "server.key_secret", "client.key", "client.key_secret", "clients"
    }  # fmt: skip
    before = [path.read_bytes() for path in files]
    with pytest.raises(ParameterError, match="not overwritten"):
        make_keys(tmp_path / "new")
    assert [path.read_bytes() for path in files] == before


def test_keys_cannot_be_written_over_a_file(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(TransportError, match="cannot write keys"):
        make_keys(tmp_path / "file")


def test_secrets_do_not_show(keys):
    loaded = Keys.load(keys[0] / "server.key_secret")
    assert loaded.secret.decode() not in repr(loaded)


def test_key_files_that_are_none(keys, tmp_path):
    ours, _ = keys
    with pytest.raises(ParameterError, match="not there"):
        Keys.load(tmp_path / "none.key_secret")
    with pytest.raises(ParameterError, match="no secret key"):
        Keys.load(ours / "server.key")
    with pytest.raises(ParameterError, match="directory"):
        Keys.load(ours / "server.key_secret", clients=tmp_path / "none")
    with pytest.raises(ParameterError, match="to connect"):
        FrameReceiver("tcp://127.0.0.1:5555", keys=Keys.load(ours / "client.key_secret"))
    with pytest.raises(ParameterError, match="inproc"):
        FrameSender("inproc://x", keys=Keys.load(ours / "server.key_secret"))
    for content in (
        b"",
        b"public-key = 'short'",
        b'public-key = "' + b"~" * 40 + b'"',
        b"\xff" * 99,
    ):
        (tmp_path / "bad.key").write_bytes(content)
        with pytest.raises(ParameterError, match="no whole key"):
            Keys.load(ours / "server.key_secret", server=tmp_path / "bad.key")
