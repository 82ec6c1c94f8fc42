"""A real network's losses and delays from a file."""

import numpy as np
import pytest

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import ChannelChain, Trace
from voicelink.models.errors import ParameterError

TEXT = """\
# ping to somewhere, with the clock's time

time,delay
1700000000.0, 0.10
1700000001.0, lost
1700000002.0, 0.30
1700000003.0, 0.40
"""


@pytest.fixture
def csv(tmp_path):
    def write(text):
        path = tmp_path / "net.csv"
        path.write_text(text)
        return str(path)

    return write


def delays(channel, times):
    """What becomes of packets at these times: seconds held, or None."""
    packet = Packet(np.zeros(32, np.uint8))
    outs = [channel.send(time, packet) for time in times]
    return [
        round(out[0][0] - time, 9) if out else None for out, time in zip(outs, times, strict=True)
    ]


def test_each_packet_takes_the_line_nearest_in_time(csv):
    channel = Trace(file=csv(TEXT))
    assert delays(channel, [0, 0.4, 0.6, 1.4, 1.5, 2.1, 3.0]) == [
        0.1, 0.1, None, None, 0.3, 0.3, 0.4,
    ]  # fmt: skip
    assert channel.stats()["lost"] == 2


def test_or_the_next_one(csv):
    channel = Trace(file=csv(TEXT), line="next")
    assert delays(channel, [0, 0.4, 1.0, 1.1, 2.5]) == [0.1, None, None, 0.3, 0.4]


def test_the_trace_begins_again_one_step_after_its_end(csv):
    channel = Trace(file=csv(TEXT))
    assert delays(channel, [3.4, 3.6, 4.0, 5.0, 6.0, 4002.0]) == [0.4, 0.1, 0.1, None, 0.3, 0.3]
    following = Trace(file=csv(TEXT), line="next")
    assert delays(following, [3.4, 4.0, 4.5]) == [0.1, 0.1, None]


@pytest.mark.parametrize(("end", "after"), [("lose", None), ("pass", 0.0)])
def test_or_it_ends(csv, end, after):
    channel = Trace(file=csv(TEXT), end=end)
    assert delays(channel, [2.9, 3.0, 3.1, 100.0]) == [0.4, 0.4, after, after]


def test_one_line_is_enough(csv):
    assert delays(Trace(file=csv("time,delay\n5,0.2\n")), [0, 1, 1000]) == [0.2, 0.2, 0.2]


def test_packets_may_overtake_as_they_did(csv):
    chain = ChannelChain([Trace(file=csv("time,delay\n0,1.0\n0.32,0.1\n"), end="pass")])
    for k in range(2):
        chain.push(0.32 * k, Packet(np.zeros(32, np.uint8), k))
    assert [packet.number for _, packet in chain.flush()] == [1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with the header time,delay"),
        ("# nothing\n", "must begin with the header time,delay"),
        ("0,0.1\n", "line 1 must be the header time,delay, not '0,0.1'"),
        ("time,loss\n0,1\n", "line 1 must be the header time,delay, not 'time,loss'"),
        ("time,delay\n", "has no line below its header"),
        ("time,delay\n5,0.1\n5,0.2\n", "must have lines of different times, not all of 5 s"),
        ("time,delay\n0\n", "line 2 must be a time and a delay, not '0'"),
        ("time,delay\n0,1,2\n", "line 2 must be a time and a delay, not '0,1,2'"),
        (
            "time,delay\n\n0,52 ms\n",
            "line 3: delay must be seconds from 0 to 1e.06 or lost, not '5",
        ),
        (f'time,delay\n0,"{"1" * 200_000}"\n', "line 2 is no CSV: field larger"),
        ("time,delay\n0,-1\n", "line 2: delay must be seconds from 0 to"),
        ("time,delay\n0,nan\n", "line 2: delay must be seconds from 0 to"),
        ("time,delay\nnoon,1\n", "line 2: time must be seconds, not 'noon'"),
        ("time,delay\n0,1\n2,1\n1,1\n", "line 4: time must not go back, from 2 to 1"),
    ],
)
def test_errors_name_the_line(csv, text, message):
    with pytest.raises(ParameterError, match=message) as caught:
        Trace(file=csv(text))
    assert str(caught.value).startswith("trace.file: ")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParameterError, match="is not a text file in UTF-8"):
        Trace(file=tmp_path / "x.csv")
    with pytest.raises(ParameterError, match="cannot be read: Is a directory"):
        Trace(file=tmp_path)
    with pytest.raises(ParameterError, match=r"trace\.file must be the name of a file, not 3"):
        Trace(file=3)
