"""Transmitter and receiver: order, loss, strangers, restarts; nothing that arrives stops them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.pdu import frame_to_pdu, payload_to_pdu, pdu_to_frame
from voicelink.blocks.receiver import AHEAD, FADE, FOLLOW, JUMP, Receiver
from voicelink.blocks.status import Status
from voicelink.blocks.transmitter import Transmitter
from voicelink.models.sizes import PAYLOAD_BYTES, SUPERFRAME_SAMPLES

PROFILES = ("plain", "checked", "half", "third")


def frames(count: int, profile: str = "checked", **options) -> list[Packet]:
    """Link frames of random payloads, without the transport's number."""
    link = LinkEncoder(profile, **options)
    rng = np.random.default_rng(3)
    return [Packet(link.encode(rng.bytes(PAYLOAD_BYTES)).data) for _ in range(count)]


def quick(**options) -> Receiver:
    """A receiver that leaves out the speech, for tests of order."""
    return Receiver(speech=False, **options)


def drain(receiver: Receiver, count: int) -> list[Status]:
    return [receiver.pull().status for _ in range(count)]


@pytest.mark.parametrize("profile", PROFILES)
def test_speech_passes_unchanged_through_every_profile(
    profile: str, sample: np.ndarray, decoded: np.ndarray
) -> None:
    transmitter, receiver = Transmitter(profile), Receiver()
    packets = [*transmitter.send(sample), *transmitter.finish()]
    for packet in packets:
        receiver.push(Packet(packet.data))
        # A buffer of some superframes, as playing in real time keeps it.
        if receiver.waiting > 3:
            break
    heard, statuses = [], set()
    for packet in packets[receiver.waiting :]:
        superframe = receiver.pull()
        heard.append(superframe.audio)
        statuses.add(superframe.status)
        receiver.push(Packet(packet.data))
    while receiver.waiting:
        heard.append(receiver.pull().audio)
    np.testing.assert_array_equal(np.concatenate(heard), decoded)
    assert statuses == {Status.CLEAN}
    # The plain profile has no header to say that the over ends.
    assert receiver.ended == (profile != "plain")


def test_disorder_and_doubles_are_put_right() -> None:
    packets = frames(12)
    receiver = quick()
    order = [0, 2, 1, 1, 3, 5, 4, 7, 6, 6, 8, 9, 11, 10]
    for k in order:
        receiver.push(packets[k])
    assert drain(receiver, 12) == [Status.CLEAN] * 12
    assert receiver.counts.duplicate == 2 and receiver.counts.late == 0


def test_what_is_missing_is_concealed_and_what_is_late_is_counted() -> None:
    packets = frames(6)
    receiver = quick()
    for k in (0, 1, 3):
        receiver.push(packets[k])
    statuses = drain(receiver, 4)
    assert statuses == [Status.CLEAN, Status.CLEAN, Status.CONCEALED, Status.CLEAN]
    assert receiver.push(packets[2]) is None
    assert receiver.counts.late == 1
    receiver.push(packets[4])
    assert drain(receiver, 1) == [Status.CLEAN]


def test_a_gap_is_faded_out_and_speech_returns(sample: np.ndarray) -> None:
    transmitter = Transmitter()
    packets = transmitter.send(sample)
    receiver = Receiver()
    gap = range(8, 8 + FADE + 4)
    for k, packet in enumerate(packets[:24]):
        if k not in gap:
            receiver.push(packet)
    level = [float(np.abs(receiver.pull().audio).max()) for _ in range(24)]
    assert level[8 + FADE + 1 : gap.stop] == [0.0] * (len(gap) - FADE - 1)
    assert max(level[gap.stop :]) > 0.1


def test_counts_add_up_and_the_callsign_is_learnt() -> None:
    receiver = quick()
    for packet in frames(20, "half", callsign="N0CALL"):
        receiver.push(packet)
    drain(receiver, 25)
    counts = receiver.counts
    assert counts.clean + counts.corrected + counts.soft + counts.concealed == 25
    assert counts.received == 20
    assert receiver.callsign == "N0CALL"


def test_numbering_goes_on_past_256_superframes() -> None:
    receiver = quick()
    for packet in frames(600):
        receiver.push(packet)
        assert receiver.pull().status is Status.CLEAN
    assert receiver.counts.resyncs == 0


def test_a_late_listener_begins_where_the_over_is() -> None:
    packets = frames(300)
    receiver = quick()
    for packet in packets[270:280]:
        receiver.push(packet)
    assert drain(receiver, 10) == [Status.CLEAN] * 10


@pytest.mark.parametrize("broken", [1, 3])
@pytest.mark.parametrize("start", [0, 50, 270])
def test_a_listener_that_begins_with_broken_frames_misses_nothing(start: int, broken: int) -> None:
    """Their place is a guess, which the first whole frame puts right."""
    rng = np.random.default_rng(5)
    receiver = quick()
    for _ in range(broken):
        receiver.push(Packet(rng.integers(0, 256, 37).astype(np.uint8)))
    for packet in frames(300)[start : start + 10]:
        receiver.push(packet)
    statuses = drain(receiver, broken + 10)
    assert statuses[broken:] == [Status.CLEAN] * 10
    assert receiver.waiting == receiver.counts.late == receiver.counts.resyncs == 0


def test_a_late_listener_places_broken_frames_by_the_transports_number() -> None:
    """The header says 44 where the transport says 300: both mean the same superframe."""
    link = LinkEncoder("half")
    packets = [link.encode(bytes(32)) for _ in range(320)][300:]
    # Too much noise for the code, and a frame that comes too early.
    noise = 1.1 * np.random.default_rng(0).standard_normal(592)
    signs = 1 - 2 * np.unpackbits(packets[6].data).astype(np.float32)
    packets[6] = Packet((2 / 1.1**2 * (signs + noise)).astype(np.float32), packets[6].number)
    packets[6], packets[7] = packets[7], packets[6]
    receiver = quick()
    for packet in packets:
        receiver.push(packet)
    statuses = drain(receiver, 20)
    assert statuses[6] is Status.SOFT
    assert statuses[:6] + statuses[7:] == [Status.CLEAN] * 19


@pytest.mark.parametrize("before", [40, 200, 240, 256, 300])
def test_a_sender_that_begins_again_is_followed(before: int) -> None:
    receiver = quick()
    for packet in frames(before):
        receiver.push(packet)
        receiver.pull()
    for packet in frames(40):
        receiver.push(packet)
        receiver.pull()
    # Its numbers, modulo 256, may look like those that are due anyway, or come soon.
    soon = -before % 256
    assert receiver.counts.resyncs == int(soon > JUMP)
    lost = FOLLOW - 1 if soon > JUMP else soon
    assert receiver.counts.clean == before + 40 - lost


def test_a_simulation_does_not_follow() -> None:
    receiver = quick(first=0, follow=False)
    for packet in frames(20):
        receiver.push(packet)
        receiver.pull()
    for packet in frames(20):
        receiver.push(packet)
    assert receiver.counts.resyncs == 0
    assert receiver.counts.duplicate == 20


def test_frames_of_another_model_are_not_played() -> None:
    receiver = quick()
    for packet in frames(3, model=9):
        assert receiver.push(packet) is None
    assert receiver.counts.foreign == 3
    assert receiver.pull().status is Status.CONCEALED


def test_soft_packets_that_fail_are_still_heard() -> None:
    link = LinkEncoder("half")
    bits = np.unpackbits(link.encode(bytes(32)).data).astype(np.float32)
    rng = np.random.default_rng(0)
    receiver = quick()
    statuses = []
    for _ in range(30):
        amplitude = 0.75  # Es/N0 of -5.5 dB: beyond what the code mends
        received = amplitude * (1 - 2 * bits) + rng.standard_normal(len(bits))
        receiver.push(Packet((2 * amplitude * received).astype(np.float32)))
        statuses.append(receiver.pull().status)
    assert {Status.SOFT, Status.CONCEALED} & set(statuses)
    assert Status.CLEAN not in statuses


def test_frames_decoded_elsewhere_find_their_place_alike() -> None:
    """As PDUs between two blocks, the link decoder in the first."""
    link = LinkEncoder("checked")
    packets = [link.encode(bytes(32), end=number == 299) for number in range(300)][280:]
    packets[3], packets[4] = packets[4], packets[3]
    decoder, receiver = LinkDecoder("checked"), quick()
    for packet in packets:
        frame, number = pdu_to_frame(frame_to_pdu(decoder.decode(Packet(packet.data))))
        receiver.accept(frame, number)
    assert drain(receiver, 20) == [Status.CLEAN] * 20
    assert receiver.ended


def test_an_over_ends_without_headers_too() -> None:
    receiver = quick()
    for number in range(5):
        receiver.accept(*pdu_to_frame(payload_to_pdu(bytes(32), number, end=number == 4)))
    assert [receiver.pull().end for _ in range(5)] == [False] * 4 + [True]
    assert receiver.ended
    receiver.reset()
    assert not receiver.ended


def test_the_callsign_may_come_with_the_frames() -> None:
    receiver = quick()
    pdu = payload_to_pdu(bytes(32), 0, metadata={"callsign": "N0CALL"})
    receiver.accept(*pdu_to_frame(pdu))
    assert receiver.callsign == "N0CALL"


def test_another_station_that_takes_over_is_not_called_by_the_name_of_the_first() -> None:
    """The first one's end was lost, and the second has no callsign."""
    receiver = quick()
    for callsign in ("N0CALL", ""):
        for packet in frames(20, "half", callsign=callsign):
            receiver.push(Packet(packet.data))
            if receiver.ready:
                receiver.pull()
        assert (receiver.callsign or "") == callsign


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=130).map(lambda b: Packet(np.frombuffer(b, np.uint8))),
            st.tuples(
                st.sampled_from([0, 1, 31, 256, 296, 592, 593, 888]),
                st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e38, -3.0]),
                st.sampled_from([np.float32, np.float64, np.int8]),
            ).map(lambda t: Packet(np.full(t[0], 0 if t[2] is np.int8 else t[1], t[2]))),
            st.tuples(st.integers(0, 39), st.integers(0, 2**40)).map(
                lambda t: Packet(frames(40)[t[0]].data, t[1])
            ),
            st.integers(0, 2**62).map(lambda n: Packet(np.zeros(32, np.uint8), n)),
        ),
        max_size=25,
    )
)
def test_nothing_that_arrives_stops_a_receiver(packets: list[Packet]) -> None:
    receiver = quick()
    for packet in packets:
        receiver.push(packet)
        assert receiver.waiting <= AHEAD + 1
        superframe = receiver.pull()
        assert superframe.audio.shape == (SUPERFRAME_SAMPLES,)
    counts = receiver.counts
    assert counts.received == len(packets)
    assert counts.clean + counts.corrected + counts.soft + counts.concealed == len(packets)
