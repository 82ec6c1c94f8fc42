"""Station frames: callsign and text between the speech, and that they do not disturb it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.link import LinkDecoder, LinkEncoder, LinkFrame
from voicelink.blocks.link_framer import LinkFramer
from voicelink.blocks.packet import Packet
from voicelink.blocks.playout import Playout, State
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.spread import Spreader
from voicelink.blocks.station import (
    EVERY,
    MOST_PIECES,
    START,
    WITHIN,
    Identifier,
    Station,
    StationReader,
    split_text,
    text_bytes,
)
from voicelink.blocks.status import Status
from voicelink.blocks.sync import FrameSync
from voicelink.blocks.sync_word import stream_frame
from voicelink.blocks.transmitter import Transmitter
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.sizes import SUPERFRAME_SECONDS

CLEAN = Status.CLEAN


def over(
    profile: str = "checked", speech: int = 4, spread: int = 1, text: str = ""
) -> list[Packet]:
    """An over of so many superframes, each of other bytes, with station frames around them."""
    framer = LinkFramer(LinkEncoder(profile, callsign="N0CALL"), Identifier("N0CALL", text))
    spreader = Spreader(framer.link.bits, spread)
    frames = framer.start() + [framer.frame(bytes([7 * i + 1] * 32)) for i in range(speech - 1)]
    frames += framer.finish(bytes([99] * 32))
    return [spreader.push(frame) for frame in frames] + spreader.flush()


def heard(
    packets: list[Packet], receiver: Receiver | None = None
) -> list[tuple[int, Status, bool]]:
    """Number, status and end of all that a receiver gives out of an over, until it ends."""
    receiver = receiver or Receiver(speech=False)
    for packet in packets:
        receiver.push(packet)
    given = []
    while receiver.waiting and not receiver.ended:
        superframe = receiver.pull()
        given.append((superframe.number, superframe.status, superframe.end))
    return given


@pytest.mark.parametrize("profile", ["checked", "half", "third"])
@pytest.mark.parametrize("spread", [1, 4])
def test_an_over_names_its_station_and_plays_its_speech_alone(profile: str, spread: int) -> None:
    receiver = Receiver(speech=False)
    packets = over(profile, 4, spread, "hello")
    receiver.push(packets[0])
    if spread == 1:
        # Known with the first packet, before anything was said.
        assert (receiver.callsign, receiver.station.text, receiver.waiting) == (
            "N0CALL",
            "hello",
            0,
        )
    given = heard(packets[1:], receiver)
    assert given == [(1, CLEAN, False), (2, CLEAN, False), (3, CLEAN, False), (4, CLEAN, True)]
    assert (receiver.callsign, receiver.station.text) == ("N0CALL", "hello")
    assert receiver.station.heard == receiver.counts.station == 2
    assert receiver.counts.foreign == receiver.counts.late == receiver.counts.concealed == 0


def test_a_station_frame_costs_no_delay(sample: np.ndarray) -> None:
    """It goes out with the first samples; without one the first packet needs a superframe."""
    transmitter = Transmitter("half", identifier=Identifier("N0CALL"))
    packets = transmitter.send(sample[:10])
    assert len(packets) == transmitter.lead == 1
    plain = Transmitter("half")
    assert plain.send(sample[:10]) == [] and plain.lead == 0
    for start in range(10, 8010, 100):
        piece = sample[start : start + 100]
        with_station, without = transmitter.send(piece), plain.send(piece)
        assert [p.number - 1 for p in with_station] == [p.number for p in without]


def test_inside_an_over_it_takes_the_place_of_a_superframe() -> None:
    framer = LinkFramer(LinkEncoder("checked"), Identifier("N0CALL", "ten minutes"))
    decoder = LinkDecoder("checked")
    frames = framer.start() + [framer.frame(bytes(32)) for _ in range(2 * EVERY + 10)]
    frames += framer.finish(bytes(32))
    places = {f.number: decoder.decode(f).station for f in frames}
    stations = {number: s.place for number, s in places.items() if s is not None}
    assert stations == {0: START, EVERY: WITHIN, 2 * EVERY: WITHIN, 2 * EVERY + 12: 1}
    assert EVERY * SUPERFRAME_SECONDS < 600

    receiver = Receiver(speech=False)
    given = heard(frames[EVERY - 2 : EVERY + 3], receiver)
    assert [status for _, status, _ in given] == [CLEAN] * 2 + [Status.CONCEALED] + [CLEAN] * 2
    assert receiver.station.text == "ten minutes"


def test_a_playout_does_not_wait_for_it() -> None:
    """In real time: nothing is late, and what is heard goes on in time after the gap."""
    framer = LinkFramer(LinkEncoder("checked"), Identifier("N0CALL"))
    frames = framer.start() + [framer.frame(bytes([1] * 32)) for _ in range(EVERY + 20)]
    frames = frames[EVERY - 20 :]  # who enters here
    played = []
    playout = Playout(Receiver(speech=False), 0.03, notify=lambda n, s, *_: played.append((n, s)))
    for step in range(len(frames) * 32):
        now = step / 100
        if step % 32 == 0:
            playout.push(frames[step // 32], now)
        playout.take(80, now)
    assert [number for number, _ in played] == list(range(EVERY - 20, EVERY + 21))
    assert [n for n, status in played if status is not CLEAN] == [EVERY]
    assert playout.late == 0
    # Of the spare time at the entry, and no more.
    assert playout.inserted < 100


def test_it_says_that_the_over_ended_where_the_end_was_lost() -> None:
    packets = over(speech=4)
    assert heard(packets[:4] + packets[5:])[-1] == (4, Status.CONCEALED, True)
    # Also in real time, instead of waiting for more.
    playout = Playout(Receiver(speech=False), 0.03, idle=30)
    for step in range(40 * 32):
        place = step // 32
        if step % 32 == 0 and place < len(packets) and place != 4:
            playout.push(packets[place], step / 100)
        playout.take(80, step / 100)
        if place == 8:
            assert playout.state is State.IDLE
            assert playout.callsign == "N0CALL"


def test_another_over_follows_at_once() -> None:
    """Behind an over whose end was lost, and whose station frame too, as behind any other."""
    receiver = Receiver(speech=False)
    assert len(heard(over(speech=3)[:3], receiver)) == 2
    for _ in range(3):
        receiver.pull()
    second = heard(over(speech=5), receiver)
    assert second == [(n, CLEAN, n == 5) for n in range(1, 6)]
    assert receiver.counts.resyncs == 1 and receiver.callsign == "N0CALL"


@pytest.mark.parametrize("profile", ["checked", "half"])
def test_what_follows_the_end_begins_no_over(profile: str) -> None:
    receiver = Receiver(speech=False)
    packets = over(profile, 3, text="x" * 100)
    assert len(packets) == 1 + 3 + 4  # five pieces, one of them in front
    assert heard(packets[:4], receiver)[-1][2]
    receiver.reset()
    for packet in packets[4:]:
        assert receiver.push(packet) is None
    assert receiver.next is None and receiver.waiting == 0
    assert receiver.station.complete and receiver.station.text == "x" * 100


def test_the_bit_stream_finds_them() -> None:
    """A receiver without packets: found, numbered, and the lock is let go behind the over."""
    data = b""
    packets = over("half", 4)
    for i, packet in enumerate(packets):
        data += stream_frame(packet.data.tobytes(), i == 0, i == len(packets) - 1, 16, 16)
    symbols = 1 - 2.0 * np.unpackbits(np.frombuffer(data, np.uint8))
    noise = np.random.default_rng(1).normal(size=len(symbols) + 4000)
    noise[: len(symbols)] += 3 * symbols
    sync = FrameSync("half")
    found = sync.push(noise)
    assert [f.packet.number for f in found] == [0, 1, 2, 3, 4, 5]
    assert not sync.locked


def test_a_damaged_one_is_not_played_as_speech() -> None:
    """Where the code fails, below its limit; and speech is hardly ever taken for one."""
    rng = np.random.default_rng(7)
    voice, station = LinkEncoder("half"), LinkEncoder("half")
    frames = {"speech": [], "station": []}
    said = Station("N0CALL", "a text of 20 letters", 0, 3, 5, 1)
    for _ in range(150):
        frames["speech"].append(np.unpackbits(voice.encode(rng.bytes(32)).data))
        frames["station"].append(np.unpackbits(station.encode_station(said).data))
    for ebn0_db in (-1, 0):
        amplitude = np.sqrt(10 ** (ebn0_db / 10) * 256 / 592)
        played = {}
        for kind, bits in frames.items():
            symbols = (1 - 2.0 * np.array(bits)) * amplitude
            symbols += rng.normal(scale=np.sqrt(0.5), size=symbols.shape)
            decoded = LinkDecoder("half").decode_many(4 * amplitude * symbols)
            failed = [frame for frame in decoded if frame.status is Status.SOFT]
            assert len(failed) > 100
            played[kind] = np.mean([frame.understood for frame in failed])
        assert played["speech"] > 0.98
        assert played["station"] < 0.2


def test_a_text_is_cut_between_characters_and_put_together() -> None:
    text = "Grüße an alle; 中文, ελληνικά, кириллица 🙂 in zwanzig Bytes je Stück"
    pieces = split_text(text, text_bytes())
    assert "".join(pieces) == text
    assert max(len(piece.encode()) for piece in pieces) <= text_bytes()
    identifier, reader = Identifier("n0call", text), StationReader()
    stations = [identifier.start(), *identifier.finish()]
    assert len(stations) == len(pieces)
    for lost in (1, None):
        for i, station in enumerate(stations):
            if i != lost:
                reader.add(Station.unpack(station.pack()))
        assert reader.complete == (lost is None)
        if lost == 1:
            assert reader.text == text.replace(pieces[1], "…")
    assert (reader.text, reader.callsign) == (text, "N0CALL")
    # Another text begins anew, whatever had come of this one.
    reader.add(Identifier("N0CALL", "73").start())
    assert (reader.text, reader.complete) == ("73", True)


def test_a_long_text_takes_turns_also_without_a_frame_in_front() -> None:
    identifier, reader = Identifier("N0CALL", "y" * MOST_PIECES * text_bytes()), StationReader()
    for _ in range(2):
        for station in identifier.finish():
            reader.add(station)
    assert reader.complete


@pytest.mark.parametrize(
    ("callsign", "text", "reason"),
    [
        ("N0CALL", "z" * 301, "at most 300 bytes of printable UTF-8"),
        ("N0CALL", "bell \a", "printable"),
        ("N0CALL", "\ud800", "printable"),
        ("N0CALLN0CALL", "", "callsign must be at most 9 characters"),
    ],
)
def test_what_cannot_be_sent_is_refused(callsign: str, text: str, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        Identifier(callsign, text)
    with pytest.raises(ParameterError, match="plain cannot identify itself"):
        Transmitter("plain", identifier=Identifier("N0CALL"))


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(min_size=32, max_size=32))
def test_whatever_a_frame_says_can_be_shown(payload: bytes) -> None:
    """Text from the air is shown on terminals: no control characters, whatever is sent."""
    payload = payload[:28] + bytes.fromhex("1ACFFC1D")
    try:
        station = Station.unpack(payload)
    except FormatError:
        return
    assert station.text.isprintable()
    StationReader().add(station)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_receiver_takes_them_in_any_order(data: st.DataObject) -> None:
    """Losses, doubles and disorder, over the ends of overs: it counts, and never raises."""
    packets = over(speech=3) + over(speech=5, text="w" * 50) + over(speech=2)
    order = data.draw(st.lists(st.sampled_from(range(len(packets))), max_size=40))
    receiver = Receiver(speech=False)
    for i in order:
        receiver.push(packets[i])
        if data.draw(st.booleans()):
            receiver.pull()
        if receiver.ended:
            receiver.reset()
    assert receiver.counts.received == len(order)


def test_one_that_is_malformed_is_only_counted() -> None:
    """A right CRC around nonsense: no callsign has this number."""
    link, receiver = LinkEncoder("checked"), Receiver(speech=False)
    good = Station("N0CALL")

    class Bad(Station):
        def pack(self, payload_bytes: int = 32) -> bytes:
            return b"\xff" * 6 + good.pack()[6:]

    frame: LinkFrame = LinkDecoder("checked").decode(link.encode_station(Bad()))
    assert frame.header is not None and frame.station is None and not frame.understood
    assert receiver.push(link.encode_station(Bad())) is None
    assert receiver.counts.foreign == 1


def test_an_end_that_comes_behind_the_station_frame_is_still_of_its_over() -> None:
    """20 ms behind it: it is played in its place, or it is too late, but it is no other over."""
    packets = over(speech=6)
    times = [0.32 * place for place in range(len(packets))]
    times[6] = times[7] + 0.02
    played = []
    receiver = Receiver(speech=False)
    playout = Playout(receiver, 0.4, notify=lambda n, s, end, _: played.append((n, s, end)))
    coming = sorted(zip(times, packets, strict=True), key=lambda arrival: arrival[0])
    for step in range(600):
        while coming and coming[0][0] <= step / 100:
            playout.push(coming.pop(0)[1], step / 100)
        playout.take(80, step / 100)
    assert [(n, end) for n, _, end in played] == [(n, n == 6) for n in range(1, 7)]
    # Given out already: what comes of it then is late.
    receiver = Receiver(speech=False)
    assert heard(packets[:6] + packets[7:], receiver)[-1] == (6, Status.CONCEALED, True)
    receiver.reset()
    assert receiver.push(packets[6]) is None and receiver.counts.late == 1


def test_a_station_frame_ends_no_other_over() -> None:
    """Neither a double of one behind the over before, nor one of somebody else's."""
    receiver = Receiver(speech=False)
    first = over(speech=5)
    heard(first, receiver)
    receiver.reset()
    second = over(speech=9)
    assert heard(second[:3] + first[-1:] + second[3:], receiver) == [
        (n, CLEAN, n == 9) for n in range(1, 10)
    ]
    # Its own does, where it is as long as the one before.
    receiver.reset()
    assert heard(over(speech=9)[:3], receiver) == [(1, CLEAN, False), (2, CLEAN, False)]
    for packet in over(speech=9)[3:9]:
        receiver.push(packet)
        receiver.pull()
    receiver.push(over(speech=9)[-1])
    assert receiver.pull().end

    receiver = Receiver(speech=False)
    framer = LinkFramer(LinkEncoder("checked"), Identifier("AB1CD"))
    framer.start()
    other = framer.finish(bytes(32))[-1]
    for packet in second[:2]:
        receiver.push(packet)
    receiver.push(other)
    assert heard(second[2:], receiver) == [(n, CLEAN, n == 9) for n in range(1, 10)]


def test_a_station_frame_names_no_over_that_is_not_its_own() -> None:
    """One whose over was lost, and then another's that is entered late."""
    link = LinkEncoder("checked")
    others = [link.encode(bytes([n] * 32)) for n in range(60)]
    receiver = Receiver(speech=False)
    receiver.push(over()[0])
    assert receiver.callsign == "N0CALL"
    receiver.push(others[50])
    assert receiver.callsign is None and receiver.next == 50
    # Where only the first frames are lost it is the same over.
    receiver = Receiver(speech=False)
    packets = over(speech=12)
    receiver.push(packets[0])
    receiver.push(packets[5])
    assert receiver.callsign == "N0CALL" and receiver.next == 5
