"""The channel block of GNU Radio: the simulator's channels on PDUs, bits and soft symbols."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from graph import run_graph

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import ChannelChain, channels_from

run = functools.partial(run_graph, "channel_graphs.py")
PACKET = 592


def offline(channels: object, seed: int, count: int) -> list[Packet]:
    """What the chain makes of the PDUs that the graph sends."""
    chain = ChannelChain(channels_from(channels), seed)
    for number in range(count):
        chain.push(0.0, Packet(np.arange(74, dtype=np.uint8), number))
    return [packet for _, packet in chain.flush()]


STILL = [{"mobile": {"speed_kmh": 0, "carrier_mhz": 433}}, {"awgn": {"ebn0_db": 3}}]
"""A fading path that stands still, so that it is the same at any time."""


@pytest.mark.parametrize(
    "channels", ["loss:probability=0.3", "awgn:ebn0_db=3", "bursty", STILL], ids=str
)
def test_pdus_are_lost_and_damaged_as_in_a_simulation(channels: object) -> None:
    result = run("packets", {"channels": channels, "seed": 5}, 200)
    expected = offline(channels, 5, 200)
    assert [metadata["number"] for metadata, _ in result["out"]] == [p.number for p in expected]
    for (metadata, items), packet in zip(result["out"], expected, strict=True):
        assert metadata["callsign"] == "N0CALL"
        assert np.array_equal(np.array(items, packet.data.dtype), packet.data)
    assert result["errors"] == 1  # the message that is no PDU
    assert result["statistics"]["packets_in"] == 200
    assert result["statistics"]["packets_out"] == len(expected)


def test_all_that_is_delayed_still_leaves_before_the_graph_ends() -> None:
    channels = [{"loss": {"probability": 0.2}}, {"delay": {"seconds": 0.5}}]
    result = run("packets", {"channels": channels}, 50)
    lost = result["statistics"]["channels"][0]["lost"]
    assert 0 < lost < 25
    assert len(result["out"]) == 50 - lost
    assert result["statistics"]["waiting"] == 0


def test_soft_pdus_do_not_go_where_hard_bits_do() -> None:
    result = run("packets", {"channels": "awgn:ebn0_db=3"}, 3, True)
    assert not result["out"]
    assert result["statistics"]["refused"] == 3
    through = run("packets", {"channels": "bit-errors:rate=0.5"}, 3, True)["out"]
    assert len(through) == 3
    assert {abs(item) for _, items in through for item in items} == {3}


def test_delay_is_in_real_time() -> None:
    assert run("delayed") >= 0.3


def bits(count: int) -> list[int]:
    return np.random.default_rng(1).integers(0, 2, count).tolist()


def symbols(count: int) -> list[float]:
    return (1.0 - 2.0 * np.array(bits(count))).tolist()


def assert_repeated(runs: list) -> np.ndarray:
    """Each run gave the same, started again or in pieces of another size: the items."""
    for each in runs[1:]:
        assert each == runs[0]
    return np.array(runs[0]["items"])


def test_bits_are_inverted_at_the_rate() -> None:
    sent = bits(300 * PACKET)
    settings = {"channels": "bit-errors:rate=0.1", "seed": 2}
    received = assert_repeated(run("stream", "bits", sent, settings))
    wrong = (received != sent).sum()
    deviation = np.sqrt(len(sent) * 0.1 * 0.9)
    assert abs(wrong - 0.1 * len(sent)) < 4 * deviation


def test_lost_bits_come_at_random_and_lost_symbols_as_nothing() -> None:
    settings = {"channels": "loss:probability=0.25", "seed": 2, "packet": 80}
    sent = np.array(bits(500 * 80)).reshape(-1, 80)
    runs = run("stream", "bits", sent.ravel().tolist(), settings)
    received = assert_repeated(runs).reshape(-1, 80)
    lost = (received != sent).any(axis=1)
    assert lost.sum() == runs[0]["statistics"]["lost"]
    assert abs(lost.sum() - 125) < 40
    assert abs((received != sent)[lost].mean() - 0.5) < 0.03

    runs = run("stream", "symbols", (1.0 - 2.0 * sent).ravel().tolist(), settings)
    heard = assert_repeated(runs).reshape(-1, 80)
    # The same packets, because the seed is the same.
    assert np.array_equal(heard, np.where(lost[:, None], 0, 1.0 - 2.0 * sent))


def test_noise_on_symbols_is_that_of_the_packets_channel() -> None:
    """Symbols y, of which the packet channel gives the LLRs 2 y / s^2 with the same seed."""
    sent = bits(100 * PACKET)
    settings = {"channels": "awgn:ebn0_db=2", "seed": 3}
    received = assert_repeated(
        run("stream", "symbols", (1.0 - 2.0 * np.array(sent)).tolist(), settings)
    )
    chain = ChannelChain(channels_from("awgn:ebn0_db=2"), 3)
    for packet in np.packbits(sent).reshape(-1, PACKET // 8):
        chain.push(0.0, Packet(packet))
    llrs = np.concatenate([packet.data for _, packet in chain.flush()])
    variance = 1 / (2 * 10**0.2 * 256 / PACKET)
    np.testing.assert_allclose(2 * received / variance, llrs, rtol=1e-4, atol=1e-4)


def test_hard_noise_errs_as_the_formula_says() -> None:
    """Q(sqrt(2 Es/N0)) (Proakis & Salehi, section 4.3), on bits and on symbols."""
    from scipy.stats import norm

    rate = norm.sf(np.sqrt(2 * 10**0.2 * 256 / PACKET))
    settings = {"channels": "awgn:ebn0_db=2,decisions=hard"}
    for form, sent in (("bits", bits(300 * PACKET)), ("symbols", symbols(300 * PACKET))):
        received = assert_repeated(run("stream", form, sent, settings))
        assert set(received) <= set(sent)
        deviation = np.sqrt(len(sent) * rate * (1 - rate))
        assert abs((received != sent).sum() - rate * len(sent)) < 4 * deviation


def test_outages_are_counted_in_superframes() -> None:
    """A packet is 320 ms: of twelve, those that begin from 0.7 s to 2 s are lost."""
    settings = {"channels": "outage:times=[[0.7, 2]]", "packet": 8}
    runs = run("stream", "symbols", symbols(12 * 8), settings)
    received = assert_repeated(runs).reshape(12, 8)
    assert np.flatnonzero((received == 0).all(axis=1)).tolist() == [3, 4, 5, 6]


def test_channels_of_a_stream_change_while_it_runs() -> None:
    result = run("changed_in_stream")
    heard = np.array(result["items"]).reshape(-1, 80)
    assert "must keep their rate" in result["refused"]
    first = np.flatnonzero(heard[:, 0] == 0)[0]
    assert first >= result["before"]  # the refused change changed nothing
    assert (heard[:first] == 1).all()
    assert (heard[first:] == 0).all()


def test_channels_of_pdus_change_and_what_is_under_way_arrives() -> None:
    numbers = [metadata["number"] for metadata, _ in run("changed_with_packets_under_way")]
    assert sorted(numbers) == [0, 1, 2, 5]


FADING = [{"rayleigh": {"doppler_hz": 2}}]

REFUSED = [
    ({"form": "bytes"}, "form must be one of pdu, bits, symbols, not 'bytes'"),
    ({"channels": "los"}, "a channel or scenario must be one of"),
    ({"channels": [{"loss": {"probability": 2}}]}, "loss.probability must be a number from 0 to 1"),
    ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
    ({"form": "bits", "channels": "jitter:deviation=1"}, "a channel for bits must keep their rate"),
    ({"form": "symbols", "channels": "lossy-ip"}, "a channel for symbols must keep their rate"),
    ({"form": "bits", "channels": "awgn:ebn0_db=1"}, "awgn.decisions must be hard for bits"),
    (
        {"form": "symbols", "channels": "awgn:ebn0_db=1,modulation=4fsk"},
        "awgn.modulation must be bpsk for symbols, not 4fsk",
    ),
    ({"channels": FADING}, "channel 1, rayleigh, acts on a radio signal and needs an awgn after"),
    ({"form": "bits", "packet": 100}, "packet must be a multiple of 8, not 100"),
    ({"form": "symbols", "packet": 0}, "packet must be a number from 8 to 8192, not 0"),
]


def test_bad_parameters_are_refused_in_one_line() -> None:
    messages = run("refusals", [case[0] for case in REFUSED])
    for (_, expected), message in zip(REFUSED, messages, strict=True):
        assert message.startswith(expected), message
        assert "\n" not in message


def test_symbols_fade_and_keep_their_noise() -> None:
    """y = |g| x + w: as the packets' channel has it, of which the LLRs are 2 |g| y / s^2."""
    sent = bits(100 * PACKET)
    channels = [*FADING, {"awgn": {"ebn0_db": 12}}]
    received = assert_repeated(
        run("stream", "symbols", (1.0 - 2.0 * np.array(sent)).tolist(), {"channels": channels})
    )
    chain = ChannelChain(channels_from(channels), 0)
    for number, packet in enumerate(np.packbits(sent).reshape(-1, PACKET // 8)):
        chain.push(0.32 * number, Packet(packet))
    llrs = np.concatenate([packet.data for _, packet in chain.flush()])
    variance = 1 / (2 * 10**1.2 * 256 / PACKET)
    gain = llrs * variance / (2 * received)
    clear = np.abs(received) > 0.1
    assert 0 < gain[clear].min() < 0.2 and gain[clear].max() > 1.5
    assert np.abs(np.diff(gain))[clear[1:] & clear[:-1]].max() < 0.05


def test_bits_fade_too() -> None:
    """(1 - sqrt(c / (1 + c))) / 2 is wrong; a fast path, so that it comes near its mean."""
    sent = bits(400 * PACKET)
    channels = [{"rayleigh": {"doppler_hz": 100}}, {"awgn": {"ebn0_db": 8, "decisions": "hard"}}]
    received = assert_repeated(run("stream", "bits", sent, {"channels": channels}))
    c = 10**0.8 * 256 / PACKET
    assert abs((received != sent).mean() - (1 - np.sqrt(c / (1 + c))) / 2) < 0.003
