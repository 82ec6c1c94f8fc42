"""The radio waveform as a channel of the simulation."""

import numpy as np
import pytest

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import ChannelChain, Delay, Loss, Modem, channels_from
from voicelink.link_sim.simulation import through
from voicelink.link_sim.sweeping.link_run import run_link
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SUPERFRAME_SECONDS


def frames(count, seed=1):
    payloads = np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)
    encoder = LinkEncoder("half")
    return payloads, [encoder.encode(payload.tobytes()) for payload in payloads]


def test_packets_come_out_soft_in_order_and_one_burst_later():
    payloads, packets = frames(6)
    chain = ChannelChain([Modem(snr_db=6, offset_hz=-60, ppm=15)], 3)
    arrivals = through(chain, packets)
    assert [packet.number for _, packet in arrivals] == list(range(6))
    decoder = LinkDecoder("half")
    for (time, packet), payload in zip(arrivals, payloads, strict=True):
        assert packet.soft
        assert np.array_equal(np.packbits(decoder.decode(packet).payload_llr < 0), payload)
        late = time - (packet.number + 1) * SUPERFRAME_SECONDS
        assert SUPERFRAME_SECONDS - 1e-6 < late < SUPERFRAME_SECONDS + 0.2
    assert chain.stats() == [
        {"channel": "modem", "in": 6, "out": 6, "lost": 0, "under_way": 0, "false": 0}
    ]


def test_bursts_that_are_not_found_are_lost_packets():
    _, packets = frames(3)
    chain = ChannelChain([Modem(snr_db=-25)])
    assert through(chain, packets) == []
    (counts,) = chain.stats()
    assert (counts["in"], counts["lost"]) == (3, 3)


def test_a_gap_ends_an_over_and_the_next_packet_begins_another():
    _, packets = frames(4)
    chain = ChannelChain([Delay(seconds=0.05), Modem(snr_db=8)])
    out = []
    for time, packet in zip((0.0, 0.32, 3.0, 3.32), packets, strict=True):
        chain.push(time, packet)
        out += chain.pop(time)
    assert chain.pop(3.4)[0][1].number == 2
    out += chain.flush()
    assert [packet.number for _, packet in out] == [0, 1, 3]
    assert out[1][0] < 1.0  # it did not wait for the over that followed


def test_lost_packets_before_it_are_gaps_on_the_air():
    _, packets = frames(8)
    chain = ChannelChain([Loss(probability=0.4), Modem(snr_db=8)], 5)
    came = [packet.number for _, packet in through(chain, packets)]
    before, modem = chain.stats()
    assert 0 < before["lost"] == 8 - len(came)
    assert modem["out"] == modem["in"] == len(came)


def test_spread_packets_go_over_it():
    payloads, _ = frames(4)
    run = run_link(payloads, ChannelChain([Modem(snr_db=8)]), "half", spread=2)
    assert all(status.value in ("clean", "corrected") for status in run.statuses)


def test_only_what_the_mode_carries():
    chain = ChannelChain([Modem(snr_db=0)])
    chain.push(0, Packet(np.zeros(37, np.uint8), 0))
    with pytest.raises(ParameterError, match=r"592,.* hard bits.* with mode bpsk \(profile half\)"):
        chain.flush()
    with pytest.raises(ParameterError, match="sends hard bits and cannot follow"):
        channels_from(["awgn:ebn0_db=3", "modem:snr_db=3"])
    with pytest.raises(ParameterError, match=r"modem\.mode must be one of bpsk"):
        channels_from(["modem:snr_db=3,mode=bpks"])
