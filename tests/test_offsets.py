"""Frequency and clock errors that a receiver leaves, against closed forms."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import Awgn, ChannelChain, ClockOffset, FrequencyOffset
from voicelink.link_sim.channels.fsk import Fsk
from voicelink.link_sim.channels.psk import raised_cosine
from voicelink.link_sim.channels.radio import Signal

BITS = 592
PACKETS = 300


def wrong(channels, packets=PACKETS, seed=2):
    """Which bits were wrong, (packets, bits)."""
    chain = ChannelChain(channels, seed)
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (packets, BITS // 8), dtype=np.uint8)
    for k, row in enumerate(data):
        chain.push(0.32 * k, Packet(row, k))
    heard = np.stack([packet.data for _, packet in chain.flush()])
    return (heard < 0) != (np.unpackbits(data, axis=1) == 1)


def near(found, expected):
    """Whether a count of errors is what the mean of these probabilities gives."""
    mean = PACKETS * np.sum(expected)
    return abs(found.sum() - mean) <= 4 * math.sqrt(mean)


def tail(x):
    return stats.norm.sf(x)


def seconds(symbols, known_at):
    at = (np.arange(symbols) + 0.5) * 0.32 / symbols
    return at - (0.16 if known_at == "middle" else 0)


@pytest.mark.parametrize(("hz", "known_at"), [(0.5, "middle"), (-1, "middle"), (0.5, "start")])
def test_bpsk_turns_away(hz, known_at):
    """The mean of Q(sqrt(2 Es/N0) cos phi) over the packet."""
    found = wrong([FrequencyOffset(hz=hz, known_at=known_at), Awgn(ebn0_db=6)])
    phi = 2 * math.pi * hz * seconds(BITS, known_at)
    esn0 = 10**0.6 * 256 / BITS
    assert near(found, tail(np.sqrt(2 * esn0) * np.cos(phi)))


@pytest.mark.parametrize("waveform", ["single", "multicarrier"])
def test_qpsk_turns_away(waveform):
    """The mean of Q(sqrt(2 Eb/N0) (cos phi +- sin phi)); rows of 37 turn together, or symbols."""
    found = wrong([FrequencyOffset(hz=0.4), Awgn(ebn0_db=6, modulation="qpsk", waveform=waveform)])
    if waveform == "single":
        phi = 2 * math.pi * 0.4 * seconds(BITS // 2, "middle")
    else:
        signal = Signal(BITS // 2, True)
        phi = signal.each(2 * math.pi * 0.4 * (signal.seconds - 0.16))
    esn0 = 10**0.6 * 256 / BITS
    arms = [tail(np.sqrt(2 * esn0) * (np.cos(phi) + s * np.sin(phi))) for s in (1, -1)]
    assert near(found, np.concatenate(arms))


def test_offsets_add_up():
    one, two = Signal(BITS, False), Signal(BITS, False)
    for signal, shifts in ((one, [1.0]), (two, [1.5, -0.5])):
        for hz in shifts:
            FrequencyOffset(hz=hz)._effect(0)(signal)
            ClockOffset(ppm=100 * hz)._effect(0)(signal)
    assert one.offset_hz == two.offset_hz == 1
    np.testing.assert_allclose(one.phase, two.phase, atol=1e-12)
    np.testing.assert_allclose(one.late, two.late, atol=1e-12)


def test_2fsk_leaks_into_the_other_tone():
    """With amplitudes sinc(e) and sinc(1 - e), e = hz T: the noncoherent error of two Ricians.

    P = Q1(a, b) - exp(-(a^2 + b^2) / 2) I0(a b) / 2 with a and b the wrong and the right one over
    sqrt(N0) (Proakis & Salehi, appendix B); here by integration over the right one.
    """
    hz, ebn0_db = 400.0, 11
    found = wrong([FrequencyOffset(hz=hz), Awgn(ebn0_db=ebn0_db, modulation="2fsk")])
    error = hz * 0.32 / BITS
    esn0 = 10 ** (ebn0_db / 10) * 256 / BITS
    expected = []
    for other in (1 - error, 1 + error):  # the other tone is above, or below
        right, leak = (2 * esn0 * np.sinc(x) ** 2 for x in (error, other))
        power = np.linspace(0, 120, 200001)
        density = stats.ncx2.pdf(power, 2, right) * stats.ncx2.sf(power, 2, leak)
        expected.append(integrate.trapezoid(density, power))  # fmt: skip
    assert near(found, np.full(BITS, np.mean(expected)))
    clear = wrong([Awgn(ebn0_db=ebn0_db, modulation="2fsk")])
    assert found.sum() > 1.3 * clear.sum()


def test_fsk_with_windows_that_are_late_against_a_sum_over_samples():
    """The correlators of a signal made of samples, as a demodulator would work them out."""
    fsk, fine = Fsk(2), 2000
    tones = np.random.default_rng(1).integers(0, 4, 40)
    signal = Signal(40, False)
    late, hz = 0.23, 9.0
    signal.delay(np.full((40, 1), late * signal.row_seconds))
    signal.offset_hz = hz
    u = (np.arange(fine) + 0.5) / fine
    error = hz * signal.row_seconds
    for k in range(5, 35):
        place = u + late
        tone = tones[k + np.floor(place).astype(int)]
        wave = np.exp(2j * np.pi * (tone * place + error * u))
        heard = [(wave * np.exp(-2j * np.pi * i * u)).mean() for i in range(4)]
        np.testing.assert_allclose(fsk._leaking(tones, signal)[:, k], heard, atol=2e-3)


def test_the_pulse_has_no_neighbours_at_the_right_moment():
    assert raised_cosine(np.arange(-6, 7.0)) == pytest.approx([0] * 6 + [1] + [0] * 6, abs=1e-12)
    assert raised_cosine(np.array([1 / 0.7])) == pytest.approx(np.pi / 4 * np.sinc(1 / 0.7))
    # Seen as a whole, the pulses of equal symbols add up to 1 at any moment.
    at = np.linspace(-0.5, 0.5, 11)[:, None] - np.arange(-400, 401)
    assert raised_cosine(at).sum(axis=1) == pytest.approx(np.ones(11), abs=1e-4)


@pytest.mark.parametrize(("ppm", "known_at"), [(1000, "middle"), (-800, "start")])
def test_clock_errors_let_neighbours_in(ppm, known_at):
    """The mean over all neighbours of Q(sqrt(2 Es/N0) sum of x_j p(late - j))."""
    found = wrong([ClockOffset(ppm=ppm, known_at=known_at), Awgn(ebn0_db=9)])
    late = 1e-6 * ppm * seconds(BITS, known_at) / (0.32 / BITS)
    esn0 = 10**0.9 * 256 / BITS
    own = raised_cosine(late)  # of the symbol that is meant; at first its neighbour may be nearer
    places = [j for j in range(-5, 6) if j]
    others = np.stack([raised_cosine(late - j) for j in places])
    expected = np.zeros(BITS)
    patterns = list(itertools.product((1, -1), repeat=len(places)))
    for pattern in patterns:
        expected += tail(np.sqrt(2 * esn0) * (own + np.array(pattern) @ others))
    assert near(found, expected / len(patterns))
    assert found.sum() > 1.05 * wrong([Awgn(ebn0_db=9)]).sum()


def test_many_carriers_only_turn_a_little():
    """By 2 pi f late: at 1000 ppm, 0.15 ms and 1125 Hz, at most 1.1 rad."""
    found = wrong([ClockOffset(ppm=1000), Awgn(ebn0_db=6, waveform="multicarrier")])
    signal = Signal(BITS, True)
    phi = signal.each(2 * np.pi * signal.frequencies * 1e-3 * (signal.seconds - 0.16))
    assert 0.9 < np.abs(phi).max() < 1.2
    esn0 = 10**0.6 * 256 / BITS
    assert near(found, tail(np.sqrt(2 * esn0) * np.cos(phi)))


def test_usual_clocks_do_no_harm():
    """20 ppm: the error rate of a clear path."""
    found = wrong([ClockOffset(ppm=20), Awgn(ebn0_db=6)])
    assert near(found, np.full(BITS, tail(np.sqrt(2 * 10**0.6 * 256 / BITS))))
