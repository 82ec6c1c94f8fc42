"""The modem of `awgn`: error rates against closed forms, and LLRs that tell the truth."""

import math

import numpy as np
import pytest
from scipy import special, stats

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import Awgn, ChannelChain, ImpulseNoise, Rayleigh, Watterson
from voicelink.link_sim.channels.awgn import MODULATIONS
from voicelink.link_sim.channels.likelihood import log_i0
from voicelink.models.errors import ParameterError

BITS = 592


def coherent(esn0, width):
    """Q(sqrt(2 Es/N0 / m)): BPSK, and QPSK in Gray's order (Proakis & Salehi, 4.3-13)."""
    return stats.norm.sf(np.sqrt(2 * esn0 / width))


def noncoherent(esn0, width):
    """M orthogonal tones without phase (Proakis & Salehi, 4.5-44), bits of a wrong symbol."""
    tones = 2**width
    symbol = sum(
        (-1) ** (n + 1) * math.comb(tones - 1, n) / (n + 1) * np.exp(-n / (n + 1) * esn0)
        for n in range(1, tones)
    )
    return tones / 2 / (tones - 1) * symbol


CLOSED_FORM = {"bpsk": coherent, "qpsk": coherent, "2fsk": noncoherent, "4fsk": noncoherent}


def esn0_of(ebn0_db, width, bits=BITS):
    return 10 ** (ebn0_db / 10) * 256 * width / bits


def sent_and_received(channels, packets=300, seed=5, spacing=0.32):
    """Bits that were sent, and LLRs, each (packets, bits)."""
    chain = ChannelChain(channels, seed)
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (packets, BITS // 8), dtype=np.uint8)
    for k, row in enumerate(data):
        chain.push(spacing * k, Packet(row, k))
    return np.unpackbits(data, axis=1), np.stack([packet.data for _, packet in chain.flush()])


def test_every_modulation_has_a_closed_form():
    assert set(CLOSED_FORM) == set(MODULATIONS)


@pytest.mark.parametrize("modulation", MODULATIONS)
@pytest.mark.parametrize("ebn0_db", [2, 6, 10])
def test_uncoded_errors_match_the_closed_form(modulation, ebn0_db):
    channel = Awgn(ebn0_db=ebn0_db, modulation=modulation, decisions="hard")
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(300):
        sent = rng.integers(0, 256, BITS // 8, dtype=np.uint8)
        ((_, out),) = channel.send(0, Packet(sent))
        wrong += np.unpackbits(out.data ^ sent).sum()
    width = MODULATIONS[modulation].width
    expected = CLOSED_FORM[modulation](esn0_of(ebn0_db, width), width)
    bits = 300 * BITS
    # The two bits of a symbol fall together in FSK: as if there were half as many, at worst.
    assert abs(wrong - bits * expected) <= 4 * math.sqrt(bits * expected * width)
    assert channel.stats()["wrong"] == wrong


@pytest.mark.parametrize(
    "channels",
    [
        [Awgn(ebn0_db=2, modulation="qpsk")],
        [Awgn(ebn0_db=6, modulation="2fsk")],
        [Awgn(ebn0_db=5, modulation="4fsk")],
        [Rayleigh(doppler_hz=5), Awgn(ebn0_db=8)],
        [Rayleigh(doppler_hz=5), Awgn(ebn0_db=8, modulation="4fsk")],
        [ImpulseNoise(probability=0.05), Awgn(ebn0_db=5)],
        [ImpulseNoise(probability=0.05), Awgn(ebn0_db=5, modulation="qpsk")],
        [ImpulseNoise(probability=0.05), Awgn(ebn0_db=8, modulation="2fsk")],
        [ImpulseNoise(probability=0.05, ratio_db=15), ImpulseNoise(probability=0.1, ratio_db=5),
         Awgn(ebn0_db=6, modulation="4fsk")],
        [ImpulseNoise(probability=0.05), Watterson(preset="poor"),
         Awgn(ebn0_db=6, modulation="qpsk", waveform="multicarrier")],
    ],
    ids=lambda channels: " ".join(channel.name for channel in channels),
)  # fmt: skip
def test_llrs_tell_the_truth(channels):
    """Of the bits with an LLR near L, the share 1 / (1 + exp(|L|)) is wrong."""
    sent, llrs = sent_and_received(channels, spacing=3.2)
    wrong = (llrs < 0) != (sent == 1)
    sizes = np.abs(llrs.astype(float))
    for low, high in ((0, 0.5), (0.5, 1), (1, 2), (2, 3), (3, 5)):
        chosen = (sizes >= low) & (sizes < high)
        assert chosen.sum() > 1000
        share = special.expit(-sizes[chosen]).mean()
        deviation = math.sqrt(chosen.sum() * share * (1 - share))
        assert abs(wrong[chosen].sum() - chosen.sum() * share) <= 4 * deviation


@pytest.mark.parametrize("modulation", ["bpsk", "qpsk"])
def test_many_carriers_on_a_clear_path_are_the_same_as_one(modulation):
    one = Awgn(ebn0_db=3, modulation=modulation)
    many = Awgn(ebn0_db=3, modulation=modulation, waveform="multicarrier")
    packet = Packet(np.random.default_rng(1).integers(0, 256, 37, dtype=np.uint8))
    assert np.array_equal(one.send(0, packet)[0][1].data, many.send(0, packet)[0][1].data)


def test_fsk_needs_no_carriers():
    with pytest.raises(ParameterError, match="multicarrier needs modulation bpsk or qpsk, not 2f"):
        Awgn(ebn0_db=3, modulation="2fsk", waveform="multicarrier")


@pytest.mark.parametrize("modulation", MODULATIONS)
@pytest.mark.parametrize("bytes_", [0, 1, 37, 111])
def test_packets_of_any_length_keep_it(modulation, bytes_):
    packet = Packet(np.arange(bytes_, dtype=np.uint8), 3)
    for decisions in ("soft", "hard"):
        channel = Awgn(ebn0_db=50, modulation=modulation, decisions=decisions)
        ((_, out),) = channel.send(0, packet)
        assert out.bits == packet.bits and out.number == 3 and out.soft == (decisions == "soft")
        bits = np.packbits(out.data < 0) if out.soft else out.data
        assert np.array_equal(bits, packet.data)


def test_log_i0_against_another_library():
    x = np.concatenate([np.linspace(0, 10, 1001), np.logspace(1, 6, 200)])
    assert np.abs(log_i0(x) - (np.log(special.ive(0, x)) + x)).max() < 5e-7


# Impulse noise


def test_so_many_symbols_are_hit():
    channel = ImpulseNoise(probability=0.03)
    chain = ChannelChain([channel, Awgn(ebn0_db=3)], 1)
    for k in range(200):
        chain.push(k, Packet(np.zeros(74, np.uint8)))
    chain.flush()
    counts = channel.stats()
    assert counts["samples"] == 200 * BITS
    deviation = math.sqrt(200 * BITS * 0.03 * 0.97)
    assert abs(counts["hit"] - 200 * BITS * 0.03) <= 4 * deviation


@pytest.mark.parametrize("ratio_db", [0, 20])
def test_impulses_and_uncoded_errors(ratio_db):
    """(1 - p) Q(sqrt(2 Es/N0)) + p Q(sqrt(2 Es/N0 / (1 + ratio)))."""
    noise = ImpulseNoise(probability=0.1, ratio_db=ratio_db)
    sent, llrs = sent_and_received([noise, Awgn(ebn0_db=6)])
    esn0 = esn0_of(6, 1)
    expected = 0.9 * coherent(esn0, 1) + 0.1 * coherent(esn0 / (1 + 10 ** (ratio_db / 10)), 1)
    wrong = ((llrs < 0) != (sent == 1)).sum()
    assert abs(wrong - sent.size * expected) <= 4 * math.sqrt(sent.size * expected)


def test_on_many_carriers_an_impulse_is_spread_over_its_row():
    """All that are hit, each symbol 1 + ratio: the same noise as on one carrier."""
    settings = {"ebn0_db": 10, "modulation": "bpsk"}
    errors = []
    for waveform in ("single", "multicarrier"):
        noise = ImpulseNoise(probability=1, ratio_db=10)
        sent, llrs = sent_and_received([noise, Awgn(**settings, waveform=waveform)], packets=50)
        errors.append(((llrs < 0) != (sent == 1)).sum())
    assert errors[0] == errors[1] > 1000
    # Few hits: on one carrier few symbols suffer much; on many all of a row suffer a little.
    noise = ImpulseNoise(probability=0.01, ratio_db=20)
    single = sent_and_received([noise, Awgn(ebn0_db=12)])
    noise = ImpulseNoise(probability=0.01, ratio_db=20)
    many = sent_and_received([noise, Awgn(ebn0_db=12, waveform="multicarrier")])
    n = BITS // 16
    shares = stats.binom.pmf(np.arange(n + 1), n, 0.01)
    spread = (shares * coherent(esn0_of(12, 1) / (1 + 100 * np.arange(n + 1) / n), 1)).sum()
    alone = 0.99 * coherent(esn0_of(12, 1), 1) + 0.01 * coherent(esn0_of(12, 1) / 101, 1)
    for (sent, llrs), expected, together in ((single, alone, 1), (many, spread, n)):
        wrong = ((llrs < 0) != (sent == 1)).sum()
        assert abs(wrong - sent.size * expected) <= 4 * math.sqrt(sent.size * expected * together)


def test_knowing_the_statistics_of_impulses_is_better_than_not():
    """LLRs of what cannot be background noise stay small, though the symbol is far off."""
    loud = ImpulseNoise(probability=0.02, ratio_db=30)
    _, llrs = sent_and_received([loud, Awgn(ebn0_db=6)], packets=50)
    _, clear = sent_and_received([Awgn(ebn0_db=6)], packets=50)
    assert np.abs(llrs).max() < np.abs(clear).max()
