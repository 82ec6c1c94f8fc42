"""Frames spread over several packets: lost packets are mended, and what was lost stays in order."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
import yaml
from graph import run_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voicelink.blocks import golay
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.spread import DEPTHS, Gatherer, Spreader, label, packet_lengths
from voicelink.blocks.status import Status
from voicelink.blocks.sync import FrameSync
from voicelink.blocks.sync_word import stream_frame
from voicelink.blocks.transmitter import Transmitter
from voicelink.link_sim.channels.compose import chain
from voicelink.link_sim.simulation import simulate
from voicelink.models.errors import FormatError, ParameterError

run = functools.partial(run_graph, "block_graphs.py")
VECTORS = yaml.safe_load((Path(__file__).parent / "vectors/link_frame.yaml").read_text())


def payloads(count: int, seed: int = 1) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [rng.bytes(32) for _ in range(count)]


def over(depth: int, count: int, profile: str = "half", spreader: Spreader | None = None):
    """The packets of an over, without the numbers of a transport, and its payloads."""
    link = LinkEncoder(profile)
    spreader = spreader or Spreader(link.bits, depth)
    content = payloads(count)
    ends = [k == count - 1 for k in range(count)]
    frames = [link.encode(c, end) for c, end in zip(content, ends, strict=True)]
    packets = [spreader.push(frame) for frame in frames] + spreader.flush()
    return [Packet(packet.data) for packet in packets], content


def noisy(packet: Packet, esn0_db: float, rng: np.random.Generator) -> Packet:
    """The packet as LLRs after BPSK on white noise."""
    sigma = np.sqrt(10 ** (-esn0_db / 10) / 2)
    symbols = 1 - 2.0 * np.unpackbits(packet.data)
    received = symbols + sigma * rng.standard_normal(len(symbols))
    return Packet((2 * received / sigma**2).astype(np.float32))


def gathered(packets, profile: str = "half") -> dict[int, bytes | None]:
    """Payload by number of what a gatherer and a link decoder make of packets; None: not mended."""
    gatherer, link, found = Gatherer(), LinkDecoder(profile), {}
    for packet in packets:
        for frame in gatherer.push(packet):
            decoded = link.decode(frame)
            bits = decoded.payload_llr < 0
            found[frame.number] = np.packbits(bits).tobytes() if decoded.header else None
    return found


def test_the_labels_code_is_the_extended_golay_code():
    """Its weights are those that no other (24, 12) code has (MacWilliams & Sloane, chapter 2)."""
    words = np.array([golay.encode(i) for i in range(4096)])
    weights, counts = np.unique(words.sum(1), return_counts=True)
    assert dict(zip(weights.tolist(), counts.tolist(), strict=True)) == {
        0: 1, 8: 759, 12: 2576, 16: 759, 24: 1,
    }  # fmt: skip
    # Linear: the sum of two words is one of them, so weights are distances.
    known = {word.tobytes() for word in words}
    assert all((words[a] ^ words[b]).tobytes() in known for a, b in ((1, 2), (77, 3000), (9, 4095)))
    np.testing.assert_array_equal(words[:, :12] @ (1 << np.arange(11, -1, -1)), np.arange(4096))


def test_three_wrong_bits_of_a_label_do_no_harm():
    rng = np.random.default_rng(3)
    for information in rng.integers(0, 4096, 50):
        llr = 1 - 2.0 * golay.encode(information)
        llr[rng.choice(24, 3, replace=False)] *= -1
        assert golay.likelihoods(llr).argmax() == information


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_bits_are_where_the_format_says(depth):
    """Packet n: a label, and of frame n - j the bits i with i mod D = j, at their own places."""
    frames = [bytes.fromhex(text) for text in VECTORS["profiles"]["half"]["frames"]]
    spreader = Spreader(592, depth)
    packets = [spreader.push(Packet(np.frombuffer(f, np.uint8), k)) for k, f in enumerate(frames)]
    packets += spreader.flush()
    assert len(packets) == len(frames) + depth - 1
    white = np.unpackbits(np.frombuffer(bytes.fromhex(VECTORS["whitening"]), "u1"))
    filler = np.resize(white, 592)[::-1]
    for n, packet in enumerate(packets):
        bits = np.unpackbits(packet.data)
        number = int("".join(map(str, bits[:12])), 2)
        assert (number >> 4, number >> 2 & 3, number & 3) == (n, DEPTHS.index(depth), 0)
        for i in range(592):
            frame = n - i % depth
            known = 0 <= frame < len(frames)
            source = np.unpackbits(np.frombuffer(frames[frame], "u1")) if known else filler
            assert bits[24 + i] == source[i]


@pytest.mark.parametrize("profile", ["plain", "checked", "half", "third"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_all_arrives_over_a_clean_channel(profile, depth):
    packets, content = over(depth, 20, profile)
    gatherer, link = Gatherer(), LinkDecoder(profile)
    frames = [frame for packet in packets for frame in gatherer.push(packet)]
    assert [frame.number for frame in frames] == list(range(20))
    decoded = [link.decode(frame) for frame in frames]
    assert [np.packbits(f.payload_llr < 0).tobytes() for f in decoded] == content
    assert {f.status for f in decoded} == {Status.CLEAN}


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_frames_of_nothing_but_zeros_or_ones_are_frames(byte):
    link, spreader = LinkEncoder("half"), Spreader(592, 4)
    packets = [Packet(spreader.push(link.encode(32 * byte)).data) for _ in range(20)]
    found = gathered([p for n, p in enumerate(packets) if n % 4 != 2])
    assert [found[n] for n in range(16)] == [32 * byte] * 16


@pytest.mark.parametrize(
    ("profile", "depth", "lost"), [("half", 4, 1), ("half", 16, 6), ("third", 4, 2)]
)
def test_lost_packets_are_mended(profile, depth, lost):
    """Of D packets in a row so many may be missing, at the code's rate, and nothing is."""
    packets, content = over(depth, 40, profile)
    arrived = [p for n, p in enumerate(packets) if n < depth or n % depth >= lost]
    found = gathered(arrived, profile)
    assert len(arrived) < len(packets) - 40 * lost // depth + depth
    # The last frames wait for packets that may be among those lost.
    assert [found[n] for n in range(40 - depth)] == content[: 40 - depth]


def test_labels_are_read_where_the_code_only_just_works():
    """At the third profile's limit two labels in five are misread alone: their order helps."""
    rng = np.random.default_rng(5)
    packets, content = over(8, 600, "third")
    sent = [noisy(packet, -4.0, rng) for packet in packets]
    found = gathered(sent, "third")
    assert sorted(found) == list(range(600))
    right = sum(found[n] == content[n] for n in range(600))
    alone = [golay.likelihoods(p.data[:24]).argmax() for p in sent]
    assert sum(a >> 4 != n % 256 for n, a in enumerate(alone)) > 200
    bare, _ = over(1, 600, "third")
    decoded = [LinkDecoder("third").decode(noisy(packet, -4.0, rng)) for packet in bare]
    assert right > 0.95 * sum(frame.header is not None for frame in decoded)


def test_a_listener_who_comes_late_understands_after_the_depth():
    packets, content = over(4, 300)
    found = gathered(packets[270:])
    # The numbers are those of the labels, modulo 256.
    assert [found[n % 256] for n in range(270, 300)] == content[270:]


def test_two_overs_do_not_mix():
    spreader = Spreader(592, 8)
    first, content = over(8, 10, spreader=spreader)
    second, _ = over(8, 10, spreader=spreader)
    # The end of the first and the beginning of the second are lost.
    gatherer, link = Gatherer(), LinkDecoder("half")
    found = [
        [link.decode(frame) for packet in heard for frame in gatherer.push(packet)]
        for heard in (first[:9], second[3:])
    ]
    numbers = [[f.header.sequence for f in frames if f.header] for frames in found]
    # Of the second over's first frame too little came, and of the next two enough.
    assert numbers == [[0, 1], list(range(1, 10))]
    for frames, known in zip(found, numbers, strict=True):
        mended = [np.packbits(f.payload_llr < 0).tobytes() for f in frames if f.header]
        assert mended == [content[n] for n in known]


@pytest.mark.parametrize("profile", ["plain", "checked", "half", "third"])
@pytest.mark.parametrize("depth", [2, 8])
def test_what_fills_the_ends_of_an_over_is_no_frame(profile, depth):
    """Nothing tells the receiver that the over ends; then a sender that was started anew begins."""
    link, receiver = LinkEncoder(profile), Receiver(profile, speech=False)
    spreader = Spreader(link.bits, depth)
    for packet in [spreader.push(link.encode(c)) for c in payloads(9)] + spreader.flush():
        receiver.push(Packet(packet.data))
    assert [receiver.pull().status for _ in range(9)] == [Status.CLEAN] * 9
    assert {receiver.pull().status for _ in range(depth)} == {Status.CONCEALED}
    receiver.reset()
    again, _ = over(depth, 9, profile)
    for packet in again:
        receiver.push(packet)
    assert [n % 256 for n in receiver.numbers] == list(range(9))


@pytest.mark.parametrize("count", [193, 255, 256, 258])
@pytest.mark.parametrize(("depth", "lost"), [(2, 0), (8, 2), (16, 0)])
def test_a_sender_that_is_started_anew_near_the_wrap_begins_another_count(count, depth, lost):
    """By its label its first packet might be number 256; what fills it up says that it is not."""
    packets, content = over(depth, 300)
    gatherer, link = Gatherer(), LinkDecoder("half")
    before, after = (
        [link.decode(frame) for packet in sent for frame in gatherer.push(packet)]
        for sent in (packets[count - 20 : count], packets[lost:20])
    )
    assert before[-1].header.sequence == (count - depth) % 256
    assert [frame.header.sequence for frame in after] == list(range(21 - depth))
    mended = [np.packbits(frame.payload_llr < 0).tobytes() for frame in after]
    assert mended == content[: 21 - depth]


@pytest.mark.parametrize("depth", [2, 4, 16])
@pytest.mark.parametrize(
    "around",
    [
        [254, 256, 255, 257], [255, 257, 256, 258], [254, 257, 256, 255, 258],
        [254, 256, 257], [254, 255, 257], [251, 256, 257], [235, 256, 257], [235, 258],
    ],
)  # fmt: skip
def test_numbers_go_on_behind_255_in_any_order_and_with_losses(depth, around):
    packets, content = over(depth, 300)
    order = [*range(200, around[0]), *around, *range(around[-1] + 1, len(packets))]
    found = gathered([packets[n] for n in order])
    # What comes behind a later packet may be too late for a frame; a third lost does no harm.
    early = {n for at, n in enumerate(order) if n >= max(order[: at + 1])}
    harm = [len(set(range(n, n + depth)) - early) / depth for n in range(300)]
    whole = [n for n in range(200, 300) if harm[n] < 0.34]
    assert len(whole) > 40 and [found.get(n) for n in whole] == [content[n] for n in whole]
    assert sorted(found) == list(found)


def test_an_over_may_end_at_the_wrap():
    """Filler is in its last packets too, and one of these has the label 0."""
    for count in (241, 250, 256):
        packets, content = over(16, count)
        assert gathered(packets) == dict(enumerate(content))


def test_frames_that_the_sender_leaves_out_do_not_harm_the_others():
    link, spreader, content = LinkEncoder("half"), Spreader(592, 4), payloads(12)
    kept = [n for n in range(12) if n != 5]
    packets = [spreader.push(link.encode(content[n], number=n)) for n in kept] + spreader.flush()
    assert gathered(packets) == {n: content[n] for n in kept}


def test_packets_out_of_order_and_twice():
    packets, content = over(4, 30)
    order = [0, 2, 1, 3, *range(4, 20), 21, 20, 21, *range(22, 33)]
    found = gathered([packets[n] for n in order])
    assert [found[n] for n in range(30)] == content


def test_a_receiver_on_the_clock_takes_what_has_come():
    """The packet with a frame's last part is lost: the frame is due, and mended without it."""
    packets, content = over(4, 12)
    receiver = Receiver(speech=False)
    statuses = []
    for n, packet in enumerate(packets):
        if n % 4 != 3 or n == 3:
            receiver.push(packet)
        if n >= 3:
            statuses.append(receiver.pull().status)
    assert len(statuses) == len(content)
    assert set(statuses) == {Status.CLEAN, Status.CORRECTED}


@pytest.mark.parametrize("depth", [4, 16])
def test_speech_passes_unchanged(sample, decoded, depth):
    transmitter, receiver = Transmitter("half", spread=depth), Receiver()
    packets = [*transmitter.send(sample), *transmitter.finish()]
    heard = []
    for packet in packets:
        receiver.push(Packet(packet.data))
        while receiver.ready:
            heard.append(receiver.pull().audio)
    np.testing.assert_array_equal(np.concatenate(heard), decoded)
    assert receiver.ended


def test_a_fifth_lost_is_not_heard(sample):
    loss = "loss:probability=0.2"
    bare = simulate(sample, chain([loss], 1), "half").report
    spread = simulate(sample, chain([loss], 1), "half", spread=16).report
    assert bare["superframes"]["concealed"] > 5
    assert spread["superframes"]["concealed"] + spread["superframes"]["soft"] == 0
    # It is heard 15 superframes later, and each packet is 24 bits longer.
    later = spread["latency_ms"]["mouth_to_ear"] - bare["latency_ms"]["mouth_to_ear"]
    assert round(later) == 15 * 320
    assert spread["rates"]["on_air"] - bare["rates"]["on_air"] == 24 / 0.32


def test_a_stream_of_spread_packets_is_found_by_its_sync_words():
    packets, content = over(4, 20)
    last = len(packets) - 1
    stream = b"".join(
        stream_frame(p.data.tobytes(), n == 0, n == last, 16, 16) for n, p in enumerate(packets)
    )
    symbols = 1 - 2.0 * np.unpackbits(np.frombuffer(stream, np.uint8))
    symbols += 0.5 * np.random.default_rng(1).standard_normal(len(symbols))
    sync = FrameSync("half", spread=4)
    found = [f.packet for start in range(0, len(symbols), 999)
             for f in sync.push(symbols[start : start + 999])]  # fmt: skip
    decoded = gathered(found)
    assert [decoded[n] for n in range(20)] == content


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(packet_lengths()),
            st.one_of(st.just(None), st.floats(width=32)),
            st.integers(0, 2**32 - 1),
        ),
        max_size=12,
    )
)
def test_nothing_that_arrives_stops_it(arrivals):
    gatherer = Gatherer()
    for bits, level, seed in arrivals:
        rng = np.random.default_rng(seed)
        data = rng.integers(0, 256, bits // 8).astype(np.uint8)
        if level is not None:
            with np.errstate(all="ignore"):
                data = (level * rng.standard_normal(bits)).astype(np.float32)
        for frame in gatherer.push(Packet(data)):
            assert frame.bits in packet_lengths()


@given(hnp.arrays(np.uint8, st.integers(0, 200)))
def test_other_packets_pass(data):
    packet = Packet(data)
    if packet.bits - 24 not in packet_lengths()[:4]:
        assert Gatherer().push(packet) == [packet]


def test_a_number_of_packets_that_there_is_not():
    for depth in (0, 3, 32, True, "4"):
        with pytest.raises(ParameterError, match="spread must be 1, or one of 2, 4, 8, 16 packets"):
            Spreader(592, depth)


def test_a_packet_of_nonsense_is_a_format_error():
    for data in (np.full(616, "x"), np.zeros((77, 2), np.uint8), np.zeros((616, 2), np.float32)):
        with pytest.raises(FormatError, match="real numbers"):
            Gatherer().push(Packet(data))
    assert len(label(7, 4, 0)) == 24


def test_framer_and_deframer_in_gnu_radio():
    content = payloads(10)
    sent = [[c.hex(), k, k == 9] for k, c in enumerate(content)]
    out = run("frames", sent, {"profile": "half", "spread": 4})
    expected, _ = over(4, 10)
    assert [bytes(items) for _, items in out] == [p.data.tobytes() for p in expected]
    assert [metadata["end"] for metadata, _ in out] == [False] * 12 + [True]
    arrived = [["u8", list(items), None] for n, (_, items) in enumerate(out) if n % 4 != 1 or n < 4]
    result = run("deframed", arrived, {})
    assert [bytes(items) for _, items in result["ok"]] == content
    assert [metadata["sequence"] for metadata, _ in result["ok"]] == list(range(10))
    assert result["ok"][-1][0]["end"] and not result["fail"]


def test_of_frames_that_come_together_only_the_last_ends_an_over():
    """Without a header only the metadata of the over's last packet say that it ends."""
    packets, _ = over(4, 6, "plain")
    sent = [["u8", p.data.tolist(), None, n == 8] for n, p in enumerate(packets)]
    # The last packet but one is lost, and the last two frames, not whole, come with the last.
    result = run("deframed", sent[:7] + sent[8:], {})
    ends = [[metadata["end"] for metadata, _ in result[port]] for port in ("ok", "fail")]
    assert ends == [[False] * 4, [False, True]]
