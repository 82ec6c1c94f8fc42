"""The encoder, framer, deframer and transmitter blocks of GNU Radio, in flowgraphs that run."""

from __future__ import annotations

import functools
import sys

import numpy as np
import pytest
from graph import run_graph

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import profiles
from voicelink.blocks.sync_word import stream_frame
from voicelink.blocks.transmitter import split_payloads
from voicelink.models.codec import SpeechEncoder

run = functools.partial(run_graph, "block_graphs.py")
SAMPLES = 30000


def speech(seed: int = 1, samples: int = SAMPLES) -> np.ndarray:
    """What the graphs speak."""
    level = np.sin(np.arange(samples) / 3000)
    return (0.3 * level * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def offline(audio: np.ndarray, flush: bool = False) -> list[bytes]:
    """The payloads of the codec without GNU Radio."""
    encoder = SpeechEncoder()
    content = encoder.encode(audio)
    return split_payloads(content + (encoder.flush() if flush else b""))


def payloads(pdus: list) -> list[bytes]:
    return [bytes(items) for _, items in pdus]


def of(pdus: list, key: str) -> list:
    """One metadata entry of each PDU."""
    return [metadata.get(key) for metadata, _ in pdus]


def test_gnu_radio_runs_beside_the_numpy_that_it_was_built_for() -> None:
    """Debian 12's is built for numpy 1; test_numpy2.py has the other major, without GNU Radio."""
    versions = run("versions")
    assert versions["gnuradio"].startswith(("3.10", "v3.10"))
    if sys.version_info < (3, 13):
        assert versions["numpy"].startswith("1.")


def test_every_form_of_the_encoder_is_the_codec_bit_for_bit() -> None:
    expected = offline(speech())
    for form, length in zip(run("encoder_forms"), (0, 32, 256, 32), strict=True):
        assert payloads(form["pdus"]) == expected
        assert of(form["pdus"], "number") == list(range(len(expected)))
        assert not any(of(form["pdus"], "end"))
        assert form["errors"] == 0
        # In the streams a superframe is 32 bytes or 256 bits, the first of them tagged.
        assert form["tags"] == [[k * length, length] for k in range(len(expected) if length else 0)]
        items = np.array(form["items"], np.uint8)
        data = np.packbits(items) if length == 256 else items
        assert data.tobytes() == (b"".join(expected) if length else b"")


def test_ptt_tags_cut_overs_at_their_sample() -> None:
    audio = speech()
    result = run("switch_by_tags")
    first = offline(audio[3000:12345], flush=True)
    second = offline(audio[20000:])
    assert payloads(result["pdus"]) == first + second
    assert bytes(result["items"]) == b"".join(first + second)
    assert of(result["pdus"], "number") == [*range(len(first)), *range(len(second))]
    assert of(result["pdus"], "end") == [False] * (len(first) - 1) + [True] + [False] * len(second)
    assert result["errors"] == 1  # the tag that is neither #t nor #f


def test_ptt_message_ends_the_over_once() -> None:
    pdus = run("switch_by_message")
    assert of(pdus, "end") == [False] * (len(pdus) - 1) + [True]
    assert 1 <= len(pdus) < SAMPLES // 2560 + 2
    headers = [LinkDecoder("half").decode(Packet(np.array(x, np.uint8))).header for _, x in pdus]
    assert [header.sequence for header in headers] == list(range(len(pdus)))
    assert [header.end for header in headers] == of(pdus, "end")


def test_started_again_a_graph_begins_afresh() -> None:
    first, second = run("run_again")
    assert payloads(first["pdus"]) == offline(speech(samples=9000))
    # The store goes on: what the second run adds is the same, numbers and all.
    assert second["pdus"] == first["pdus"] * 2
    assert second["counts"] == first["counts"] == {"ok": 3, "fail": 0, "foreign": 0}


def test_two_transmitters_in_one_graph_do_not_mix() -> None:
    for pdus, seed, name, callsign in zip(
        run("two_encoders"), (1, 2), ("half", "third"), ("N0CALL", "AB1CD"), strict=True
    ):
        assert payloads(pdus) == offline(speech(seed))
        assert set(of(pdus, "profile")) == {name}
        assert set(of(pdus[8:], "callsign")) == {callsign}


@pytest.mark.parametrize("name", profiles())
def test_framer_is_the_link_encoder(name: str) -> None:
    rng = np.random.default_rng(4)
    content = [rng.bytes(32) for _ in range(5)]
    # An over that ends, one that begins at 7, and one whose PDUs are not numbered.
    numbers = [0, 1, 2, 7, None]
    ends = [False, False, True, False, False]
    callsign = "" if name == "plain" else "N0CALL"
    arguments = {"profile": name, "callsign": callsign}
    sent = [[data.hex(), *rest] for data, *rest in zip(content, numbers, ends, strict=True)]
    out = run("frames", sent, arguments)
    link = LinkEncoder(name, callsign=callsign)
    expected = [
        link.encode(data, end, number)
        for data, number, end in zip(content, [0, 1, 2, 7, 8], ends, strict=True)
    ]
    assert [bytes(items) for _, items in out] == [p.data.tobytes() for p in expected]
    assert of(out, "number") == [0, 1, 2, 7, 8]
    assert of(out, "end") == ends
    assert set(of(out, "profile")) == {name}


def test_framer_makes_a_bit_stream() -> None:
    """Sync word before each frame, preamble and tail around an over."""
    content = [bytes([k] * 32) for k in range(4)]
    ends = [False, True, True, False]
    arguments = {"profile": "half", "sync_word": True, "preamble": 16, "tail": 5}
    sent = [[data.hex(), None, end] for data, end in zip(content, ends, strict=True)]
    out = run("frames", sent, arguments)
    expected, link, first = [], LinkEncoder("half"), True
    for data, end in zip(content, ends, strict=True):
        frame = link.encode(data, end).data.tobytes()
        expected.append(stream_frame(frame, first, end, 16, 5))
        first = end
        if end:
            link.reset()
    assert [bytes(items) for _, items in out] == expected
    assert [len(items) for _, items in out] == [16 + 78, 78 + 5, 16 + 78 + 5, 16 + 78]


def test_deframer_is_the_link_decoder() -> None:
    """Of packed bytes, of one bit a byte, and of LLRs with noise; "auto" tells the profile."""
    rng = np.random.default_rng(5)
    packets, expected = [], []
    for name, chosen in profiles().items():
        if not chosen.header:
            continue
        encoder = LinkEncoder(name, callsign="N0CALL")
        decoder = LinkDecoder(name)
        for k in range(10):
            frame = encoder.encode(rng.bytes(32), end=k == 9)
            bits = np.unpackbits(frame.data)
            noisy = (3 * (1 - 2.0 * bits) + rng.normal(0, (0, 2, 9)[k % 3], len(bits))).astype("f4")
            forms = [["u8", frame.data], ["u8", bits], ["f32", noisy]]
            kind, items = forms[0 if k == 9 else k % 3]
            packets.append([kind, items.tolist(), k])
            packet = Packet(noisy if kind == "f32" else frame.data, k)
            expected.append((name, kind, k, decoder.decode(packet)))
    result = run("deframed", packets, {})
    ports = {"ok": iter(result["ok"]), "fail": iter(result["fail"])}
    for name, kind, number, frame in expected:
        confirmed = frame.header is not None
        metadata, items = next(ports["ok" if confirmed else "fail"])
        assert metadata["number"] == number
        assert metadata["profile"] == name
        assert metadata["status"] == frame.status.value
        assert metadata["iterations"] == frame.iterations
        assert metadata["end"] == frame.end
        assert ("ebn0_db" in metadata) == (kind == "f32")
        if confirmed:
            assert metadata["sequence"] == frame.header.sequence
            assert metadata["corrected"] == frame.corrected
            assert bytes(items) == np.packbits(frame.payload_llr < 0).tobytes()
        else:
            assert "sequence" not in metadata
            np.testing.assert_array_equal(np.float32(items), frame.payload_llr)
    failed = sum(frame.header is None for *_, frame in expected)
    assert 0 < failed < 10
    assert result["counts"] == {"ok": 30 - failed, "fail": failed, "foreign": 0}


def test_deframer_learns_the_callsign_and_estimates_the_noise() -> None:
    rng = np.random.default_rng(6)
    link = LinkEncoder("half", callsign="N0CALL")
    packets = []
    for k in range(24):
        symbols = 1 - 2.0 * np.unpackbits(link.encode(rng.bytes(32)).data)
        noise = np.sqrt(592 / 256 / 2 / 10**0.4)  # Eb/N0 of 4 dB
        packets.append(["f32", (7 * (symbols + rng.normal(0, noise, 592))).tolist(), k])
    result = run("deframed", packets, {"profile": "half"})
    assert of(result["ok"], "callsign") == [None] * 7 + ["N0CALL"] * 17
    assert abs(np.mean(of(result["ok"], "ebn0_db")) - 4) < 0.3


def test_deframer_takes_the_end_from_the_header_or_where_there_is_none_from_the_pdu() -> None:
    plain, checked = LinkEncoder("plain"), LinkEncoder("checked")
    packets = [
        ["u8", link.encode(bytes(32)).data.tolist(), k, k == 2]
        for link in (plain, checked)
        for k in range(3)
    ]
    result = run("deframed", packets, {})
    assert of(result["ok"], "end") == [False, False, True, False, False, False]


def test_deframer_does_not_call_one_station_by_the_name_of_another() -> None:
    """The second takes over when the first has not ended, and sends no callsign."""
    first, second = LinkEncoder("half", callsign="N0CALL"), LinkEncoder("half")
    packets = [
        ["u8", link.encode(bytes(32)).data.tolist(), None]
        for link in (first, second)
        for _ in range(20)
    ]
    result = run("deframed", packets, {})
    assert of(result["ok"], "callsign") == [None] * 7 + ["N0CALL"] * 13 + [None] * 20


def test_deframer_drops_frames_of_other_models_and_profiles() -> None:
    ours, theirs = LinkEncoder("checked"), LinkEncoder("checked", model=9)
    packets = [
        ["u8", link.encode(bytes(32)).data.tolist(), None]
        for link in (theirs, LinkEncoder("half"), ours)
    ]
    result = run("deframed", packets, {"profile": "checked"})
    assert len(result["ok"]) == 1
    assert not result["fail"]
    assert result["counts"] == {"ok": 1, "fail": 0, "foreign": 1}
    assert result["errors"] == 1  # the frame of the profile half


def test_nonsense_stops_no_block() -> None:
    result = run("nonsense")
    for name in ("framer", "deframer"):
        block = result[name]
        # The valid one before, and the same after all of it.
        assert len(block["out"]) >= 2
        assert block["errors"] == block["sent"] - len(block["out"]) + 2 > 20
        first, last = block["out"][0], block["out"][-1]
        assert first[0]["number"] == last[0]["number"] == 5
        assert first[1] == last[1]
    encoder = result["encoder"]
    assert len(encoder["pdus"]) == SAMPLES // 2560
    assert encoder["errors"] == 7


def test_a_receiver_goes_on_through_junk_and_plays_every_frame_once_and_in_order() -> None:
    result = run("storm")
    assert result["numbers"] == list(range(60))
    assert set(result["statuses"]) == {"clean"}
    assert result["counts"]["duplicate"] + result["counts"]["late"] == 12
    assert result["errors"] > 60
    assert result["callsign"] == "N0CALL"


@pytest.mark.parametrize("spread", [1, 4])
def test_station_frames_go_around_the_speech_and_are_told_apart(spread: int) -> None:
    result = run("station_frames", spread)
    assert result["opened"] == 1  # with the switch, before there is speech, and once
    assert result["payloads"] == [6, 7, 8, 9, 10, 11, 4, 5, 6, 7]
    assert result["ends"] == [False] * 5 + [True] + [False] * 3 + [True]
    # The first over is named from the first superframe on.
    assert result["callsigns"][:6] == ["N0CALL"] * 6
    last = spread - 1
    assert result["numbers"] == [*range(8 + last), *range(5 + last)]
    says = {"callsign": "N0CALL", "text": "hello to all of you", "complete": True}
    assert result["said"] == [says | {"end": end} for end in (False, True, True)]
    assert result["counts"] == {"ok": 10, "fail": 0, "foreign": 0} and result["errors"] == 0


def test_an_over_whose_end_waits_for_a_lost_frame_is_ended_by_the_next_one() -> None:
    played = run("two_overs")
    assert [number for number, _, _ in played] == [*range(5)] * 2
    assert [status for _, status, _ in played] == ["clean"] * 3 + ["concealed"] + ["clean"] * 6
    assert [end for _, _, end in played] == ([False] * 4 + [True]) * 2


def test_an_hour_of_noise_is_no_frame() -> None:
    """11250 frames of noise. All are decoded in full, but in batches, for the time it takes; every
    20th also in the block itself, where it must come to the same."""
    hour = run("noise", 11250, False, timeout_s=600)
    assert hour["ok"] == hour["errors"] == 0
    # Some of it would rather be a station frame than speech.
    assert hour["concealed"] + hour["soft"] + hour["foreign"] == 11250
    assert hour["foreign"] < 10


def test_of_noise_most_is_concealed() -> None:
    """The squelch is the synchroniser's; but most of what gets past it would not be heard."""
    noise = run("noise", 100, True)
    assert noise["ok"] == noise["errors"] == 0
    assert noise["concealed"] > 60


REFUSED = [
    ("encoder", {"output": "symbols"}, "output must be one of pdu, packed, bits, not 'symbols'"),
    ("encoder", {"transmit": "yes"}, "transmit must be True or False, not 'yes'"),
    ("framer", {"profile": "quarter"}, "profile must be one of plain, checked, half, third"),
    ("framer", {"callsign": "TOO LONG A CALL"}, "callsign must be at most 9 characters"),
    ("framer", {"callsign": "N0CALL", "profile": "plain"}, "callsign must be empty"),
    ("framer", {"sync_word": True, "tail": -1}, "tail must be a number from 0 to 4096, not -1"),
    ("framer", {"preamble": 16}, "preamble and tail must be 0 without sync_word"),
    ("framer", {"sync_word": 7}, "sync_word must be True or False, not 7"),
    ("deframer", {"profile": "full"}, "profile must be one of auto, plain, checked, half, third"),
    ("tx", {"profile": "auto"}, "profile must be one of plain, checked, half, third, not 'auto'"),
]


def test_bad_parameters_are_refused_in_one_line() -> None:
    messages = run("refusals", [case[:2] for case in REFUSED])
    for (_, _, expected), message in zip(REFUSED, messages, strict=True):
        assert message.startswith(expected), message
        assert "\n" not in message
