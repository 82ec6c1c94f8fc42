"""The modem: what it needs, against the bound; where it finds bursts, and where it must not."""

import math

import numpy as np
import pytest

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.modem import (
    BURST_SAMPLES,
    MODEM_RATE,
    Demodulator,
    Downconverter,
    Modulator,
    modes,
    to_passband,
)
from voicelink.blocks.modem.equaliser import equalise
from voicelink.blocks.modem.pulse import raised_cosine, root_raised_cosine
from voicelink.blocks.packet import Packet
from voicelink.blocks.spread import Gatherer, Spreader
from voicelink.link_sim.iq import IqChain
from voicelink.link_sim.modem.curve import Setting, measure
from voicelink.link_sim.modem.path import path
from voicelink.models.errors import ParameterError

BOUND_DB = 1.14
"""Eb/N0 at which no code of 256 in 512 bits has a frame error rate under 1e-2."""

OVER_SNR_DB = 10 * math.log10(3000 / 800)
"""Eb/N0 per payload bit over the SNR in 3 kHz, while frames are sent."""


def frames(mode, count, seed=0):
    """Payloads, and the packets of an over."""
    random = np.random.default_rng(seed)
    encoder = LinkEncoder(modes()[mode].profile)
    payloads = [random.bytes(32) for _ in range(count)]
    return payloads, [encoder.encode(payload) for payload in payloads]


def signal(mode, packets, spread=1, lead=1000, tail=6000):
    modulator = Modulator(mode, spread)
    parts = [np.zeros(lead, np.complex64), *(modulator.modulate(p) for p in packets)]
    return np.concatenate([*parts, modulator.finish(), np.zeros(tail, np.complex64)])


def heard(bursts, mode):
    """Payloads of the bursts whose CRC is right."""
    decoder = LinkDecoder(modes()[mode].profile)
    frames = [decoder.decode(burst.packet) for burst in bursts]
    return [np.packbits(f.payload_llr < 0).tobytes() for f in frames if f.header is not None]


# What it needs


def test_within_two_decibels_of_the_bound():
    """FER 1e-2 at most 2.0 dB from what any code could do with the payload at rate 1/2: preambles,
    probes, header, CRC and all estimation are paid for, and each over comes at a time, a frequency
    (+-100 Hz) and a clock error (+-20 ppm) of its own."""
    point = measure(Setting("bpsk", "awgn", over=25), -2.62, frames=300, seed=3)
    assert point.ebn0_db <= BOUND_DB + 2.0
    # With an error rate of 1e-2 more than 6 of 300 fail in one run of 30.
    assert point.errors <= 6
    assert point.acquired >= 0.95 * point.bursts
    assert point.false == point.undetected == 0


def test_single_bursts_are_found():
    """Each burst alone, with the preamble that ends its over: 95 % must be found 2.0 dB from the
    bound. By that second preamble, .26 dB, they need a little more than frames in a row, 2.1 dB
    from it for an error rate of 1e-2 (`voicelink modem curve --over 1`)."""
    snr_db = BOUND_DB + 2.0 - OVER_SNR_DB - 10 * math.log10(680 / 640)
    point = measure(Setting("bpsk", "awgn", over=1), snr_db, frames=120, seed=3)
    assert point.ebn0_db == pytest.approx(BOUND_DB + 2.0, abs=0.02)
    assert point.acquired >= 0.95 * point.bursts
    assert point.false == point.undetected == 0


@pytest.mark.parametrize("mode", ["qpsk", "qpsk-third", "bpsk-third"])
def test_other_modes_need_what_their_code_needs(mode):
    """Rate 1/3 gains 0.6 dB; QPSK takes half the bandwidth and the same energy."""
    gain = 0.6 if "third" in mode else 0
    point = measure(Setting(mode, "awgn", over=20), -2.3 - gain, frames=100, seed=4)
    assert point.errors <= 4
    assert point.acquired >= 0.95 * point.bursts


def test_fading_by_way_of_two_paths_costs_what_their_energy_does():
    """On Watterson's moderate path a burst fails where both waves together leave it less than the
    -3 dB that it needs without fading: 1 - exp(-y) (1 + y), y = 2 * 10^((-3 - SNR) / 10), which
    is 0.028 at 6 dB. A receiver of the stronger wave alone fails with 0.5."""
    point = measure(Setting("bpsk", "watterson-moderate", over=20), 6.0, frames=100, seed=5)
    y = 2 * 10 ** ((-3 - 6.0) / 10)
    assert point.fer <= 3 * (1 - math.exp(-y) * (1 + y))
    poor = measure(Setting("bpsk", "watterson-poor", over=20), 6.0, frames=60, seed=5)
    assert poor.fer <= 0.06


def test_llrs_mean_what_they_say():
    point = measure(Setting("bpsk", "awgn", over=20), -3.0, frames=100, seed=6)
    assert point.llr_scale == pytest.approx(1, abs=0.08)
    assert abs(point.snr_bias_db) < 0.2
    assert point.frequency_hz < 0.2


@pytest.mark.parametrize("offset", [-250, -200, 130, 200, 250])
@pytest.mark.parametrize("ppm", [-50, 50])
def test_offsets_of_frequency_and_clock(offset, ppm):
    payloads, packets = frames("bpsk", 4)
    chain = IqChain(path("awgn", 0.0, offset, ppm), seed=7)
    bursts = Demodulator("bpsk").push(chain.process(signal("bpsk", packets)))
    assert heard(bursts, "bpsk") == payloads
    assert np.allclose([b.frequency for b in bursts], offset, atol=0.5)
    moved = np.diff([b.position for b in bursts]) - BURST_SAMPLES
    assert np.allclose(moved, BURST_SAMPLES * ppm * 1e-6, atol=0.5)


@pytest.mark.parametrize("turn", [1, -1, 1j, -1j])
def test_any_phase_and_level(turn):
    payloads, packets = frames("qpsk", 2)
    for level in (1e-5, 1e4):
        samples = signal("qpsk", packets) * np.complex64(turn * level)
        assert heard(Demodulator("qpsk").push(samples), "qpsk") == payloads


def test_spread_frames_outlive_fades():
    """Over 8 packets a code works on 2.6 s of the path: at 3 dB, where one burst in eleven of
    the moderate path has too little energy, none is lost."""
    point = measure(Setting("bpsk", "watterson-moderate", over=20, spread=8), 3.0, 40, seed=8)
    assert point.errors == 0


# Where it finds bursts


def test_portions_make_no_difference():
    _, packets = frames("bpsk", 5)
    chain = IqChain(path("watterson-moderate", 5.0, 40, 10), seed=9)
    samples = chain.process(signal("bpsk", packets))
    whole = Demodulator("bpsk").push(samples)
    assert whole
    random = np.random.default_rng(1)
    demodulator, parts, at = Demodulator("bpsk"), [], 0
    while at < len(samples):
        count = int(random.choice([0, 1, 7, 160, 1280, 3001]))
        parts += demodulator.push(samples[at : at + count])
        at += count
    assert len(parts) == len(whole)
    for one, other in zip(whole, parts, strict=True):
        assert (one.position, one.frequency) == (other.position, other.frequency)
        assert np.array_equal(one.packet.data, other.packet.data)


def test_a_burst_is_given_out_in_its_time():
    _, packets = frames("bpsk", 3)
    demodulator, modulator = Demodulator("bpsk"), Modulator("bpsk")
    samples = signal("bpsk", packets, lead=0)
    came = {}
    for at in range(0, len(samples), 80):
        for burst in demodulator.push(samples[at : at + 80]):
            came[round((burst.position - modulator.delay) / BURST_SAMPLES)] = at + 80
    layout = demodulator.layout
    last = (layout.symbols - 1) * layout.samples_per_symbol
    for number in (1, 2):
        due = modulator.delay + number * BURST_SAMPLES + last + demodulator.latency * MODEM_RATE
        assert came[number] <= due + 82
    assert demodulator.latency < 0.06


def test_an_over_that_begins_while_another_is_expected():
    first, packets = frames("bpsk", 2, seed=1)
    second, others = frames("bpsk", 2, seed=2)
    samples = np.concatenate(
        (signal("bpsk", packets, tail=700), signal("bpsk", others, lead=0, tail=6000))
    )
    assert heard(Demodulator("bpsk").push(samples), "bpsk") == first + second


def test_another_station_answers_at_once():
    """The lock on one station does not hide the next, which begins at another time."""
    _, packets = frames("bpsk", 6, seed=1)
    second, others = frames("bpsk", 6, seed=2)
    for gap in (0.1, 0.9, 1.7):
        samples = np.concatenate(
            (signal("bpsk", packets, tail=int(gap * MODEM_RATE)), signal("bpsk", others, lead=0))
        )
        noise = np.random.default_rng(16).standard_normal(2 * len(samples)).view(complex)
        for level in (0, 0.5):
            bursts = Demodulator("bpsk").push(samples + level * noise)
            assert heard(bursts, "bpsk")[6:] == second


def test_the_end_of_an_over_is_no_burst():
    """The preamble that ends an over is one that begins a burst, but for what follows."""
    for mode in ("bpsk", "qpsk"):
        for seed in range(5):
            _, packets = frames(mode, 1, seed)
            chain = IqChain(path("awgn", 5.0, 30, 5), seed=seed)
            bursts = Demodulator(mode).push(chain.process(signal(mode, packets, tail=9000)))
            assert [b.confirmed for b in bursts] == [True]


def test_noise_is_no_burst():
    """Three minutes of white noise, and of noise that comes and goes, give out nothing. An hour is
    in `voicelink modem noise`."""
    random = np.random.default_rng(11)
    demodulator = Demodulator("bpsk")
    bursts = []
    for part in range(4):
        noise = random.standard_normal(90 * MODEM_RATE).view(np.complex128)
        if part % 2:
            noise *= np.repeat(random.choice([0.0, 0.03, 1.0], 45), MODEM_RATE)
        bursts += demodulator.push(noise)
    assert bursts == []


def test_another_mode_is_no_burst():
    _, packets = frames("qpsk", 5)
    assert Demodulator("bpsk").push(signal("qpsk", packets)) == []


@pytest.mark.parametrize("mode", ["bpsk", "qpsk"])
def test_what_is_no_signal_stops_nothing(mode):
    """Carriers, clicks, steps, not-a-numbers: no burst, and the next over is received."""
    random = np.random.default_rng(12)
    n = 2 * MODEM_RATE
    t = np.arange(n)
    hostile = {
        "carrier": np.exp(2j * np.pi * 61.3 / MODEM_RATE * t),
        "dots": np.sign(np.sin(2 * np.pi * 500 / MODEM_RATE * t)) + 0j,
        "silence": np.zeros(n, complex),
        "constant": np.ones(n, complex),
        "nan": np.full(n, np.nan, complex),
        "infinite": np.where(t % 3, np.inf, -np.inf) + 0j,
        "huge": 1e30 * random.standard_normal(n) + 0j,
        "clicks": np.where(random.random(n) < 1e-3, 1e5, 0) + 0j,
        "integers": random.integers(-128, 128, n).astype(np.int8),
    }
    payloads, packets = frames(mode, 2)
    for name, samples in hostile.items():
        demodulator = Demodulator(mode)
        assert [b for b in demodulator.push(samples) if b.confirmed] == [], name
        bursts = demodulator.push(signal(mode, packets, lead=4000))
        assert heard(bursts, mode) == payloads, name


def test_a_stream_that_ends_gives_out_what_is_there():
    payloads, packets = frames("bpsk", 3)
    samples = signal("bpsk", packets, lead=0, tail=0)
    demodulator = Demodulator("bpsk")
    bursts = demodulator.push(samples[: 3 * BURST_SAMPLES + 300])
    assert len(bursts) == 2
    assert heard(bursts + demodulator.flush(), "bpsk") == payloads
    demodulator.reset()
    assert not demodulator.locked
    again = demodulator.push(np.concatenate((samples, np.zeros(5000))))
    assert heard(again, "bpsk") == payloads
    assert [b.position for b in again][:2] == [b.position for b in bursts]


def test_a_lock_ends():
    _, packets = frames("bpsk", 2)
    demodulator = Demodulator("bpsk")
    demodulator.push(signal("bpsk", packets))
    assert demodulator.locked
    demodulator.push(np.zeros(12 * BURST_SAMPLES))
    assert not demodulator.locked


@pytest.mark.parametrize("hertz", [0, 1.5, 14])
def test_a_narrow_range(hertz):
    """The grid of frequencies has steps of 16 Hz: so far off a burst is found in any range."""
    payloads, packets = frames("bpsk", 2)
    turned = signal("bpsk", packets)
    turned = turned * np.exp(2j * np.pi * hertz / MODEM_RATE * np.arange(len(turned)))
    assert heard(Demodulator("bpsk", frequency_range=0).push(turned), "bpsk") == payloads


def test_truncated_overs_are_forgotten():
    """Parts of bursts, one after the other, and then an over."""
    payloads, packets = frames("bpsk", 3)
    samples = signal("bpsk", packets, tail=0)
    random = np.random.default_rng(13)
    demodulator = Demodulator("bpsk")
    for _ in range(12):
        start, count = random.integers(0, 4000), random.integers(100, 2500)
        demodulator.push(samples[start : start + count])
        demodulator.push(np.zeros(random.integers(0, 3000), np.complex64))
    demodulator.push(np.zeros(4000))
    assert heard(demodulator.push(signal("bpsk", packets)), "bpsk") == payloads


@pytest.mark.parametrize(("delay", "snr_db"), [(8, 3), (8, 6), (16, 3)])
def test_spread_bursts_over_two_paths_come_once(delay, snr_db):
    """Nothing confirms a part of a spread frame but its shape; its echo is no other burst."""
    _, packets = frames("bpsk", 16)
    spreader = Spreader(592, 4)
    sent = [*map(spreader.push, packets), *spreader.flush()]
    samples = signal("bpsk", sent, spread=4)
    samples[delay:] += 0.9j * samples[:-delay]
    chain = IqChain(path("awgn", snr_db, 20, 5), seed=17)
    bursts = Demodulator("bpsk", spread=4).push(chain.process(samples))
    assert len(bursts) == len(sent)
    assert all(burst.confirmed for burst in bursts)
    assert np.allclose(np.diff([b.position for b in bursts]), BURST_SAMPLES, atol=delay)


# Its parts


def test_a_modulator_written_from_the_format():
    """FORMAT.md, "Waveform", in a dozen lines, its pulses not cut off."""
    payloads, packets = frames("bpsk", 3)
    bits = "1111110100010100110001101000110100001000"
    preamble, probe = ([1 - 2 * int(b) for b in text] for text in (bits, "0111"))
    symbols = []
    for packet in packets:
        data = 1 - 2.0 * np.unpackbits(packet.data)
        symbols += [*preamble, *data[:225], *probe, *data[225:420], *probe, *data[420:]]
    symbols = np.array(symbols + preamble)
    t = np.arange(-400, 4 * len(symbols) + 400) / 4  # in symbols of 0.5 ms, at 8000 samples/s
    made = np.zeros(len(t))
    for k, symbol in enumerate(symbols):
        made += symbol * root_raised_cosine(t - k, 0.2)
    modulator = Modulator("bpsk")
    ours = np.concatenate([*(modulator.modulate(p) for p in packets), modulator.finish()])
    theirs = made[400 - modulator.delay :][: len(ours)]
    assert np.mean(np.abs(ours - theirs) ** 2) < 10**-4.0
    bursts = Demodulator("bpsk").push(np.concatenate((made, np.zeros(4000))))
    assert heard(bursts, "bpsk") == payloads
    assert np.allclose([b.position for b in bursts], 400 + BURST_SAMPLES * np.arange(3), atol=0.1)
    # Another over of the same modulator is the same.
    again = np.concatenate([*(modulator.modulate(p) for p in packets), modulator.finish()])
    assert np.array_equal(again, ours)


@pytest.mark.parametrize("mode", [*modes()])
def test_modes_are_what_they_say(mode):
    layout = modes()[mode].layout()
    assert layout.symbol_rate * 0.32 == pytest.approx(layout.symbols)
    known = np.flatnonzero(layout.known)
    assert sorted([*known, *layout.data_at]) == list(range(layout.symbols))
    assert sum(modes()[mode].data) == 100
    assert len(layout.data_at) * modes()[mode].bits_per_symbol == layout.bits
    assert np.allclose(np.abs(layout.known[known]), 1)
    # The preamble is unlike itself at any other place.
    known = layout.known[: layout.preamble]
    sidelobes = np.abs(np.correlate(known, known, "full"))
    sidelobes[layout.preamble - 1] = 0
    assert sidelobes.max() <= 0.2 * layout.preamble
    assert modes()[mode].layout(4).bits == layout.bits + 24


@pytest.mark.parametrize("spread", [1, 4])
def test_power_is_one_and_the_peaks_are_low(spread):
    mode = modes()["bpsk"]
    bits = mode.layout(spread).bits
    random = np.random.default_rng(14)
    modulator = Modulator("bpsk", spread)
    packets = [Packet(random.integers(0, 256, bits // 8, dtype=np.uint8)) for _ in range(30)]
    power = np.abs(np.concatenate([modulator.modulate(p) for p in packets])[BURST_SAMPLES:]) ** 2
    assert power.mean() == pytest.approx(1, abs=0.01)
    assert 10 * np.log10(power.max()) < 6.5


@pytest.mark.parametrize("rolloff", [0.2, 0.35, 1.0])
def test_the_pulse_is_its_own_matched_filter(rolloff):
    """The root-raised cosine convolved with itself is the raised cosine, 0 at other symbols."""
    t = np.arange(-4000, 4001) / 100
    pulse = root_raised_cosine(t, rolloff)
    both = np.convolve(pulse, pulse, "same") / 100
    assert np.allclose(both[3000:5001], raised_cosine(t[3000:5001], rolloff), atol=2e-3)
    whole = raised_cosine(np.arange(1, 9), rolloff)
    assert np.allclose(whole, 0, atol=1e-12) and raised_cosine(0.0, rolloff) == 1


@pytest.mark.parametrize("real", [True, False])
def test_the_equaliser_is_the_least_squares_one(real):
    """Against a dense matrix: posterior mean and variance, less the prior's part."""
    random = np.random.default_rng(15)
    n, delays, noise, rolloff = 60, np.array([0.0, 1.5, 4.0]), 0.3, 0.2
    gains = random.standard_normal((3, 2 * n)).view(complex)
    places = np.arange(n)
    pulse = raised_cosine(
        (places[:, None] - places)[None, None]
        + delays[:, None, None, None]
        - delays[None, :, None, None],
        rolloff,
    )
    matrix = np.einsum("lk,mj,lmkj->kj", gains.conj(), gains, pulse)
    z = random.standard_normal((3, 2 * n)).view(complex)
    means = np.where(places % 7, 0, 1).astype(complex)
    variances = np.where(places % 7, 1.0, 1e-4)
    found, error = equalise(z, gains, delays, rolloff, noise, means, variances, real)
    y = np.sum(gains.conj() * z, axis=0)
    scale = 2 / noise if real else 1 / noise
    matrix, y = (matrix.real, y.real) if real else (matrix, y)
    # The equaliser takes the pulse as short: so must this.
    matrix = np.where(np.abs(places[:, None] - places) <= 8, matrix, 0)
    inverse = np.linalg.inv(matrix * scale + np.diag(1 / variances))
    posterior = inverse @ (y * scale + means / variances)
    spread = inverse.diagonal().real
    precision = 1 / spread - 1 / variances
    assert np.allclose(error, 1 / precision)
    assert np.allclose(found, (posterior / spread - means / variances) / precision)


def test_to_a_sound_card_and_back():
    payloads, packets = frames("bpsk", 3)
    samples = signal("bpsk", packets)
    real = to_passband(samples)
    assert real.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(real)) ** 2
    hertz = np.fft.rfftfreq(len(real), 1 / MODEM_RATE)
    inside = spectrum[(hertz > 300) & (hertz < 2700)].sum() / spectrum.sum()
    assert inside > 0.999
    down = Downconverter()
    back = np.concatenate([down.push(part) for part in np.array_split(real, 37)])
    assert heard(Demodulator("bpsk").push(back), "bpsk") == payloads
    late = back[down.delay + 2000 : down.delay + 8000]
    assert np.allclose(late, samples[2000:8000], atol=0.03)


def test_spread_packets_go_through():
    payloads, packets = frames("bpsk", 4)
    spreader, gatherer = Spreader(592, 4), Gatherer()
    sent = [*map(spreader.push, packets), *spreader.flush()]
    bursts = Demodulator("bpsk", spread=4).push(signal("bpsk", sent, spread=4))
    assert len(bursts) == len(sent)
    whole = [p for burst in bursts for p in gatherer.push(burst.packet)]
    decoder = LinkDecoder("half")
    right = [np.packbits(decoder.decode(p).payload_llr < 0).tobytes() for p in whole]
    assert [p for p in right if p in payloads] == payloads


def test_a_sound_card_may_deliver_anything():
    down = Downconverter()
    for samples in (np.full(300, 1e200), np.array([np.inf, -np.inf, np.nan]), np.zeros(0)):
        assert np.all(down.push(samples) == 0)
    back = down.push(np.ones(400, np.int16))
    assert back.dtype == np.complex64 and np.all(np.isfinite(back))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Modulator("psk31"), "mode must be one of bpsk, qpsk"),
        (lambda: Demodulator("bpsk", spread=3), "spread must be 1, or one of"),
        (lambda: Demodulator(frequency_range=900), "frequency_range must be"),
        (lambda: Modulator().modulate(Packet(np.zeros(37, np.uint8))), "592 bits"),
        (lambda: Modulator().modulate(Packet(np.zeros(592, np.float32))), "not soft"),
        (lambda: Demodulator().push(np.zeros((2, 3))), "samples must be"),
        (lambda: Demodulator().push(np.array(["a"])), "samples must be"),
        (lambda: Downconverter(4000), "centre must be"),
        (lambda: Downconverter().push(np.zeros(5, complex)), "real numbers"),
    ],
)
def test_bad_arguments(make, says):
    with pytest.raises(ParameterError, match=says):
        make()
