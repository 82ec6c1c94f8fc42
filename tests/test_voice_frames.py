"""Voice frames: a speaker's voice between the speech, whatever is lost, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import HEARD, NEUTRAL, VOICE_BYTES, hertz_of, pitch, tone

from voicelink.blocks.auto_link import AutoLinkDecoder
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.pauses import Pauses
from voicelink.blocks.pdu import frame_to_pdu, pdu_to_frame
from voicelink.blocks.playout import Playout
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.station import Identifier
from voicelink.blocks.status import Status
from voicelink.blocks.transmitter import Transmitter
from voicelink.blocks.voice import (
    LATEST,
    QUIET,
    SILENCE,
    SOON,
    SPEECH,
    START,
    VoicePiece,
    VoiceReader,
    VoiceSender,
    pieces_of,
)
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.channels.compose import channels_from
from voicelink.link_sim.simulation import simulate
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.sizes import SUPERFRAME_SAMPLES

VOICE = bytes(range(30, 30 + VOICE_BYTES))
OTHER = bytes(range(90, 90 + VOICE_BYTES))
BITS = 128


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose sound tells in which voice it is, see `oracles`."""
    return oracles.model(tmp_path, monkeypatch)


def over(
    model: Path,
    superframes: int,
    voice: bytes | None = VOICE,
    callsign: str = "",
    pauses: tuple[int, ...] = (),
    level: float = 0.5,
) -> list[Packet]:
    """The packets of an over, some superframes of which are silent."""
    identifier = Identifier(callsign, "", BITS // 8) if callsign else None
    transmitter = Transmitter("checked", model, callsign, 1, identifier, voice)
    parts = [tone(0 if n in pauses else level) for n in range(superframes - 1)]
    packets = [packet for part in parts for packet in transmitter.send(part)]
    packets += transmitter.send(tone(level)[:-1])
    return packets + transmitter.finish()


def heard(receiver: Receiver, packets: list[Packet]) -> list[float]:
    """Hz of each superframe that a receiver gives out of an over, until it ends."""
    found = []
    for packet in packets:
        receiver.push(packet)
        while receiver.ready and not receiver.ended:
            found.append(hertz_of(receiver.pull().audio))
    return found


# Pieces.


@pytest.mark.parametrize("size", [16, 28, 32])
@pytest.mark.parametrize("length", [1, 12, 13, 24, 64])
def test_pieces_make_the_voice_again_in_any_order(size: int, length: int) -> None:
    voice = bytes(range(length))
    pieces = pieces_of(voice, size)
    assert len(pieces) == -(-length // (size - 4))
    payloads = [piece.pack() for piece in pieces]
    assert {len(payload) for payload in payloads} == {size}
    reader = VoiceReader(length)
    for payload in payloads[:0:-1]:
        assert reader.add(VoicePiece.unpack(payload)) is None
    assert reader.add(VoicePiece.unpack(payloads[0])) == voice
    assert reader.add(pieces[-1]) == voice  # again, as for somebody else who came late


def test_pieces_of_two_voices_are_not_mixed() -> None:
    reader = VoiceReader(VOICE_BYTES)
    first, second = pieces_of(VOICE, 16), pieces_of(OTHER, 16)
    assert reader.add(first[0]) is None
    assert reader.add(second[1]) is None
    assert reader.add(second[0]) == OTHER
    # Not even where both have the same tag, as one in 256 have.
    same = [replace(piece, tag=second[0].tag) for piece in first]
    assert reader.add(same[0]) is None
    assert reader.add(same[1]) is None


def test_what_is_no_voice_is_refused() -> None:
    with pytest.raises(ParameterError, match="voice must be 1 to 84 bytes"):
        pieces_of(bytes(85), 16)
    good = pieces_of(VOICE, 16)[0].pack()
    for bad in (good[:-1] + b"\0", bytes([0xC2]) + good[1:], bytes([0x1A]) + good[1:], b"\x03\xe2"):
        with pytest.raises(FormatError, match="a voice frame must"):
            VoicePiece.unpack(bad)


@given(st.binary(min_size=16, max_size=16))
def test_no_payload_stops_a_reader(payload: bytes) -> None:
    try:
        piece = VoicePiece.unpack(payload[:-2] + bytes.fromhex("03E2"))
    except FormatError:
        return
    assert VoiceReader(VOICE_BYTES).add(piece) is None or piece.pieces == 1


# When they are sent.


def places(sender: VoiceSender, silent: list[bool]) -> dict[int, VoicePiece]:
    sent = {n: sender.within(here) for n, here in enumerate(silent)}
    return {n: piece for n, piece in sent.items() if piece}


def test_a_voice_that_is_known_goes_in_front_and_then_in_pauses() -> None:
    sender = VoiceSender(16, VOICE)
    assert [(p.piece, p.place) for p in sender.start()] == [(0, START), (1, START)]
    # Somebody pauses every second: both pieces come within 5 s.
    sent = places(sender, [n % 3 == 2 for n in range(60)])
    assert {piece.place for piece in sent.values()} == {SILENCE}
    assert [piece.piece for piece in sent.values()] == [k % 2 for k in range(len(sent))]
    assert max(np.diff(list(sent))) <= QUIET // 2 + 2
    # Somebody does not: within 15 s, in place of speech, and never two in a row.
    sender.start()
    sent = places(sender, [False] * 120)
    assert {piece.place for piece in sent.values()} == {SPEECH}
    assert set(np.diff(list(sent))) == {LATEST // 2}


def test_a_voice_that_becomes_known_goes_out_soon() -> None:
    sender = VoiceSender(16)
    assert sender.start() == [] and places(sender, [False] * 20) == {}
    sender.voice = VOICE
    sent = places(sender, [False] * 10)
    assert [(p.piece, p.place) for p in sent.values()] == [(0, SPEECH), (1, SPEECH)]
    assert np.diff(list(sent)) == SOON
    # The next over begins with it; one that changes does so with the whole voice.
    sender.reset()
    assert len(sender.start()) == 2
    first = next(iter(places(sender, [True] * (QUIET // 2)).values()))
    sender.voice = OTHER
    second = next(iter(places(sender, [True] * (QUIET // 2)).values()))
    assert first.tag == second.tag == pieces_of(VOICE, 16)[0].tag
    third = next(iter(places(sender, [True] * (QUIET // 2)).values()))
    assert third.tag == pieces_of(OTHER, 16)[0].tag


def test_pauses_are_told_by_the_level_of_what_is_said() -> None:
    """Whatever the microphone's level, and never where a word ends."""
    for level in (0.5, 0.02):
        pauses = Pauses()
        quiet = tone(level / 50)
        words = [tone(level), quiet, quiet, tone(level), np.zeros(2560, np.float32), quiet]
        audio = np.concatenate(words)
        for part in np.array_split(audio, 7):
            pauses.push(part)
        assert [pauses.next() for _ in words] == [False, False, True, False, False, True]
    assert pauses.next() is False


# Over the link.


def test_speech_has_the_voice_from_the_first_superframe(model: Path) -> None:
    packets = over(model, 6, callsign="N0CALL")
    assert len(packets) == 1 + 2 + 6 + 1  # station, voice, speech, station
    receiver = Receiver(model=model)
    assert heard(receiver, packets) == pytest.approx([pitch(VOICE)] * 6, abs=2)
    assert (receiver.voice, receiver.counts.voice, receiver.counts.concealed) == (VOICE, 2, 0)
    assert receiver.callsign == "N0CALL"


def test_a_lost_piece_comes_again_in_a_pause(model: Path) -> None:
    """Until then the voice is neutral; in the pause itself there is silence."""
    packets = over(model, 30, pauses=(11, 12, 23, 24))  # not what sounds on from a word
    receiver = Receiver(model=model)
    found = heard(receiver, packets[:1] + packets[2:])
    assert found[:11] == pytest.approx([NEUTRAL] * 11, abs=2)
    # In the first pause comes piece 0, which was not lost, and in the second the other.
    own = [n for n, hertz in enumerate(found) if abs(hertz - pitch(VOICE)) < 2]
    assert own[-5:] == [25, 26, 27, 28, 29] and own[0] in (24, 25)
    assert receiver.voice == VOICE
    receiver = Receiver(model=model)
    audio = []
    for packet in packets:
        receiver.push(packet)
        while receiver.ready and not receiver.ended:
            audio.append(receiver.pull())
    assert {superframe.status for superframe in audio} == {Status.CLEAN}  # nothing is missing
    for n in (12, 24):
        assert np.abs(audio[n].audio[320:]).max() == 0
    after = audio[13].audio
    assert np.abs(after[:32]).max() < 0.06 and np.abs(after[400:]).max() == pytest.approx(0.5, 0.01)


def test_one_that_comes_late_hears_the_voice_within_15_seconds(model: Path) -> None:
    packets = over(model, 120)
    receiver = Receiver(model=model)
    found = heard(receiver, packets[30:])
    first = next(n for n, hertz in enumerate(found) if abs(hertz - pitch(VOICE)) < 2)
    assert found[:first] == pytest.approx([NEUTRAL] * first, abs=2)
    assert first * 0.32 < 15


def test_a_voice_that_the_encoder_learns_follows(model: Path) -> None:
    packets = over(model, 20, voice=None)
    receiver = Receiver(model=model)
    found = heard(receiver, packets)
    learned = receiver.voice
    assert found[0] == pytest.approx(NEUTRAL, abs=2)
    assert found[-1] == pytest.approx(pitch(learned), abs=2)
    assert len(found) == 20 and receiver.counts.voice == 2 + (20 - 4) // (LATEST // 2)
    # The same sender's next over has it in front.
    transmitter = Transmitter("checked", model)
    first = [p for _ in range(6) for p in transmitter.send(tone(0.5))] + transmitter.finish()
    assert len(first) == 7 and transmitter.lead == 0
    transmitter.send(tone(0.5))
    assert transmitter.lead == 2


def test_two_senders_have_their_own_voices(model: Path) -> None:
    """Each over begins with a neutral one, and with that of its callsign if it was heard before."""
    receiver = Receiver(model=model)

    def hear(packets: list[Packet]) -> float:
        found = heard(receiver, packets)
        receiver.reset()
        assert len(set(np.round(found))) == 1
        return found[0]

    first, second = over(model, 4, VOICE, "AB1CD"), over(model, 4, OTHER, "EF2GH")
    assert hear(first) == pytest.approx(pitch(VOICE), abs=2)
    assert hear(second[:1] + second[3:]) == pytest.approx(NEUTRAL, abs=2)  # its voice is lost
    assert hear(second) == pytest.approx(pitch(OTHER), abs=2)
    assert hear(first[:1] + first[3:]) == pytest.approx(pitch(VOICE), abs=2)
    assert hear(second[:1] + second[3:]) == pytest.approx(pitch(OTHER), abs=2)
    # Without a station frame nobody knows who it is, at first.
    again = over(model, 4, OTHER, "EF2GH", level=0.4)
    assert hear(again[3:]) == pytest.approx(NEUTRAL, abs=2)
    # Where the callsign comes slice by slice, it is known after 2.56 s.
    late = over(model, 20, VOICE, "AB1CD")[3:]
    found = heard(receiver, late)
    assert found[0] == pytest.approx(NEUTRAL, abs=2)
    assert found[-1] == pytest.approx(pitch(VOICE), abs=2)


def test_one_that_breaks_in_is_not_heard_in_the_other_s_voice(model: Path) -> None:
    """The end of the first over is lost, and all of the second that says whose it is."""
    receiver = Receiver(model=model)
    heard(receiver, over(model, 12, VOICE, "AB1CD")[:8])
    found = heard(receiver, over(model, 60, OTHER, "EF2GH")[3:])
    assert receiver.counts.resyncs == 1 and receiver.voice == OTHER
    assert found[0] == pytest.approx(NEUTRAL, abs=2)
    assert not any(abs(hertz - pitch(VOICE)) < 2 for hertz in found)


def test_a_playout_takes_them_in_its_stride(model: Path) -> None:
    """In real time: the frames in front make nothing late, and both voices are heard."""
    packets = over(model, 5, VOICE, "AB1CD") + over(model, 5, OTHER, "EF2GH")
    played, audio = [], []
    playout = Playout(Receiver(model=model), 0.05, notify=lambda n, s, e, _: played.append((s, e)))
    for step in range(len(packets) * 32 + 60):
        if step % 32 == 0 and step // 32 < len(packets):
            playout.push(packets[step // 32], step / 100)
        audio.append(playout.take(80, step / 100))
    assert [s for s, _ in played] == [Status.CLEAN] * 10 and playout.late == 0
    sound = np.concatenate(audio)
    levels = {p: abs(np.exp(-2j * np.pi * p * np.arange(len(sound)) / 8000) @ sound)
              for p in (pitch(VOICE), pitch(OTHER), NEUTRAL)}  # fmt: skip
    assert levels[NEUTRAL] < 0.05 * min(levels[pitch(VOICE)], levels[pitch(OTHER)])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_receiver_takes_them_in_any_order(data: st.DataObject, tmp_path_factory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        model = oracles.model(tmp_path_factory.mktemp("m"), patch)
        packets = over(model, 4, VOICE, "AB1CD") + over(model, 6, OTHER, "EF2GH")
        receiver = Receiver(model=model)
        for i in data.draw(st.lists(st.sampled_from(range(len(packets))), max_size=40)):
            receiver.push(packets[i])
            if data.draw(st.booleans()):
                assert np.isfinite(receiver.pull().audio).all()
            if receiver.ended:
                receiver.reset()
        assert receiver.voice in (None, VOICE, OTHER)


def test_a_damaged_one_is_hardly_ever_played_as_speech() -> None:
    """Where the code fails, and speech is hardly ever taken for one."""
    rng = np.random.default_rng(7)
    link = LinkEncoder("half", 4, payload_bits=BITS)
    frames: dict[str, list] = {"speech": [], "voice": []}
    for n in range(200):
        piece = replace(pieces_of(rng.bytes(24), 16)[n % 2], place=SILENCE)
        frames["speech"].append(np.unpackbits(link.encode(rng.bytes(16)).data))
        frames["voice"].append(np.unpackbits(link.encode_voice(piece).data))
    amplitude = np.sqrt(10 ** (1 / 10) * BITS / 336)
    decoder = LinkDecoder("half", 4, payload_bits=BITS, voices=True)
    played = {}
    for kind, bits in frames.items():
        symbols = (1 - 2.0 * np.array(bits)) * amplitude
        symbols += rng.normal(scale=np.sqrt(0.5), size=symbols.shape)
        failed = [f for f in decoder.decode_many(4 * amplitude * symbols) if f.header is None]
        assert len(failed) > 150
        played[kind] = np.mean([f.understood for f in failed])
    assert played["speech"] > 0.97
    assert played["voice"] < 0.15


def test_other_models_know_nothing_of_them() -> None:
    packet = LinkEncoder("checked", 4, payload_bits=BITS).encode_voice(pieces_of(VOICE, 16)[0])
    for model, voices in ((4, False), (3, True)):
        frame = AutoLinkDecoder("auto", model, BITS, voices).decode(packet)
        assert frame.voice is None and not frame.understood and frame.header is not None
    frame = AutoLinkDecoder("auto", 4, BITS, True).decode(packet)
    assert frame.voice == pieces_of(VOICE, 16)[0] and frame.understood
    again, _ = pdu_to_frame(frame_to_pdu(frame, 1), BITS)
    assert again.voice == frame.voice


def test_what_has_no_room_for_a_voice_says_so(model: Path) -> None:
    with pytest.raises(ParameterError, match="a voice needs a profile with a header"):
        Transmitter("plain", model, voice=VOICE)
    with pytest.raises(ParameterError, match="voice must be 24 bytes"):
        Transmitter("checked", model, voice=bytes(23))
    with pytest.raises(ParameterError, match="does not send it apart"):
        Transmitter("checked", voice=VOICE)
    plain = Transmitter("plain", model)
    packets = plain.send(tone(0.5, superframes=8)) + plain.finish()
    assert len(packets) == 9 and {packet.bits for packet in packets} == {BITS}


# Models that take their time.


@pytest.mark.parametrize("voice", [None, VOICE], ids=["learned", "sent"])
@pytest.mark.parametrize(("lag", "delay"), [(0, 0), (0, 240), (2, 2560), (2, 5300)])
def test_a_simulation_gives_out_what_was_said_when_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lag: int, delay: int, voice: bytes | None
) -> None:
    """Sound of another level in each superframe, whatever is late: all of it, and in its place."""
    model = oracles.model(tmp_path, monkeypatch, lag=lag, delay=delay)
    levels = np.array([40, 80, 120, 160, 200, 240, 60, 100]) / 255
    audio = np.concatenate([tone(level) for level in levels])
    result = simulate(audio, ChannelChain(), "checked", model, 0.1, voice=voice)
    assert len(result.audio) == len(audio)
    # A voice that is learned, from four superframes, takes the place of some speech.
    first = HEARD - 1 - lag + SOON - 1
    last = len(result.statuses) - 1  # which is always speech
    taken = [n for n in (first, first + SOON) if n < last and voice is None]
    for n, level in enumerate(levels):
        part = result.audio[n * SUPERFRAME_SAMPLES :][400 : SUPERFRAME_SAMPLES - 400]
        wanted = 1 if n in taken else level
        assert np.abs(part).max() == pytest.approx(wanted, abs=0.01), n
        if voice:
            assert hertz_of(part) == pytest.approx(pitch(voice), abs=5)
    report = result.report
    lead = 2 if voice else 0
    ear = 0.32 * (1 + lag + max(0, lead - 1)) + delay / 8000 + 0.1
    assert report["latency_ms"]["mouth_to_ear"] == pytest.approx(1000 * ear)
    assert report["superframes"]["sent"] == len(result.statuses)
    # What gave way to the voice is concealed, and no fault of the link.
    assert report["superframes"]["concealed"] == len(taken) == result.given_up
    assert result.failed == 0
    assert report["rates"]["on_air"] == 525


def test_a_lost_superframe_fades_where_it_would_be_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sound of a model comes two superframes late; so does the silence behind what is lost."""
    model = oracles.model(tmp_path, monkeypatch, delay=2 * SUPERFRAME_SAMPLES)
    receiver = Receiver("checked", model, first=0, follow=False)
    link = LinkEncoder("checked", 4, payload_bits=BITS)
    packets = [link.encode(bytes([128] * 16)) for _ in range(12)]
    for n, packet in enumerate(packets):
        if n not in (3, 4, 5):
            receiver.push(packet)
    levels = [np.abs(receiver.pull().audio).max() for _ in packets]
    assert levels[:2] == [0, 0]
    assert levels[2:5] == pytest.approx([0.5] * 3, abs=0.01)  # what came before
    assert levels[7] == 0
    assert levels[8:] == pytest.approx([0.5] * 4, abs=0.01)


def test_a_channel_that_loses_a_third(model: Path) -> None:
    """All of the voice comes through in the end, and speech goes on."""
    audio = np.concatenate([tone(0 if n % 9 == 8 else 0.5) for n in range(90)])
    chain = ChannelChain(channels_from(["loss:probability=0.33"]), seed=4)
    result = simulate(audio, chain, "checked", model, voice=VOICE)
    assert hertz_of(result.audio[-5 * SUPERFRAME_SAMPLES :]) == pytest.approx(pitch(VOICE), abs=2)
    assert result.report["packets"]["voice"] >= 3
