"""Fading paths against their closed forms. Many independent runs of one process, fixed seeds."""

import math

import numpy as np
import pytest
from scipy import special, stats

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import (
    Awgn,
    ChannelChain,
    Loss,
    Mobile,
    Rayleigh,
    Rician,
    Watterson,
)
from voicelink.link_sim.channels.radio import GUARD_MS, ROWS, SPACING_HZ, Signal
from voicelink.models.errors import ParameterError

RUNS = 300


def gains(make, seconds, step, runs=RUNS):
    """Complex gains (runs, steps) of so many seeds, on one carrier."""
    steps = round(seconds / step)
    signal = Signal(steps, False)
    signal.row_seconds = step
    rows = []
    for seed in range(runs):
        channel = make()
        channel.reset(seed)
        rows.append(channel._gain(100.0, signal)[:, 0])
    return np.stack(rows)


def error_of_mean(values):
    """Standard error of the mean over runs, from values (runs,)."""
    return np.std(values, ddof=1) / math.sqrt(len(values))


def within(values, expected):
    """Whether the mean over runs is what is expected, to four standard errors."""
    return abs(np.mean(values) - expected) <= 4 * error_of_mean(values) + 1e-12


# The envelope


@pytest.mark.parametrize("spectrum", ["jakes", "gaussian"])
def test_rayleigh_power_is_exponentially_distributed(spectrum):
    power = np.abs(gains(lambda: Rayleigh(doppler_hz=10, spectrum=spectrum), 10, 0.02)) ** 2
    assert within(power.mean(axis=1), 1)
    # The fourth moment of a sum of n sinusoids is 2 - 1 / n, here n = 64.
    assert within((power**2).mean(axis=1), 2 - 1 / 64)
    for level in (0.01, 0.1, 0.5, 1, 2, 4):  # outage at a threshold of so much below the mean
        assert within((power < level).mean(axis=1), 1 - math.exp(-level))


def test_rayleigh_phase_is_uniform_and_halves_are_independent():
    values = gains(lambda: Rayleigh(doppler_hz=10), 10, 0.02)
    for n in (1, 2, 3):
        assert within((np.exp(1j * n * np.angle(values))).real.mean(axis=1), 0)
    assert within((values.real * values.imag).mean(axis=1), 0)
    assert within((values.real**2).mean(axis=1), 0.5)


def test_the_single_moment_is_rayleigh_too():
    """One value of each of many seeds, against the distribution itself."""
    first = gains(lambda: Rayleigh(doppler_hz=3), 0.01, 0.01, runs=2000)[:, 0]
    assert stats.kstest(np.abs(first) ** 2, "expon").pvalue > 0.01


@pytest.mark.parametrize("k_db", [-5, 3, 10])
def test_rician_moments_and_k(k_db):
    k = 10 ** (k_db / 10)
    values = gains(lambda: Rician(k_db=k_db, doppler_hz=10), 10, 0.02)
    power = np.abs(values) ** 2
    assert within(power.mean(axis=1), 1)
    fourth = 1 + (2 * k + 1) / (k + 1) ** 2
    assert within((power**2).mean(axis=1), fourth - 1 / 64 / (k + 1) ** 2)
    # The share of the time below a level: 1 - Marcum's Q, as a noncentral chi-squared.
    for level in (0.1, 0.5, 1, 2):
        below = stats.ncx2.cdf(2 * (k + 1) * level, 2, 2 * k)
        assert within((power < level).mean(axis=1), below)


def test_a_strong_steady_wave_hardly_fades():
    values = gains(lambda: Rician(k_db=40, doppler_hz=10), 2, 0.02, runs=20)
    assert np.abs(np.abs(values) - 1).max() < 0.06


# Spectrum, crossings and durations


def autocorrelation(values, lag):
    return (values[:, lag:] * values[:, : values.shape[1] - lag].conj()).mean(axis=1)


@pytest.mark.parametrize("spectrum", ["jakes", "gaussian"])
def test_autocorrelation(spectrum):
    doppler, step = 5.0, 0.01
    values = gains(lambda: Rayleigh(doppler_hz=doppler, spectrum=spectrum), 20, step, runs=100)
    for lag in (1, 3, 5, 8, 12, 20):
        found = autocorrelation(values, lag)
        if spectrum == "jakes":
            expected = special.j0(2 * math.pi * doppler * lag * step)
        else:
            expected = math.exp(-((math.pi * doppler * lag * step) ** 2) / 2)
        assert within(found.real, expected)
        assert within(found.imag, 0)
        # Each run by itself is near, too, because its frequencies are spread evenly.
        assert np.abs(found - expected).max() < 0.25


def crossings(envelope, level, step):
    """Upward crossings a second of each run, and the mean time below between two, in s."""
    below = envelope < level
    ups = (below[:, :-1] & ~below[:, 1:]).sum(axis=1)
    seconds = envelope.shape[1] * step
    return ups / seconds, below.mean(axis=1) * seconds / np.maximum(ups, 1)


@pytest.mark.parametrize(("spectrum", "deviation"), [("jakes", 4 / 2**0.5), ("gaussian", 2)])
@pytest.mark.parametrize("level", [0.3, 1.0])
def test_level_crossings_and_fade_durations(spectrum, deviation, level):
    """2 sqrt(pi) s r exp(-r^2) a second; (exp(r^2) - 1) / (2 sqrt(pi) s r) long."""
    step = 0.001  # short beside the fades, so that none is missed
    values = gains(lambda: Rayleigh(doppler_hz=4, spectrum=spectrum), 20, step, runs=100)
    rate, _ = crossings(np.abs(values), level, step)
    expected = 2 * math.sqrt(math.pi) * deviation * level * math.exp(-(level**2))
    assert within(rate, expected)
    duration = (np.abs(values) < level).mean() / rate.mean()
    wanted = (math.exp(level**2) - 1) / (2 * math.sqrt(math.pi) * deviation * level)
    assert duration == pytest.approx(wanted, rel=0.05)


def test_level_crossings_with_a_line_of_sight():
    k, level, step, doppler = 10**0.3, 0.7, 0.001, 4
    values = gains(lambda: Rician(k_db=3, doppler_hz=doppler), 20, step, runs=100)
    rate, _ = crossings(np.abs(values), level, step)
    expected = (
        math.sqrt(2 * math.pi * (k + 1)) * doppler * level
        * math.exp(-k - (k + 1) * level**2) * special.i0(2 * level * math.sqrt(k * (k + 1)))
    )  # fmt: skip
    assert within(rate, expected)


# What packets meet


def llrs(channels, times, seed=0, bytes_=74):
    """LLRs (packets, bits) of zeros sent at these times."""
    chain = ChannelChain(channels, seed)
    for k, time in enumerate(times):
        chain.push(time, Packet(np.zeros(bytes_, np.uint8), k))
    return np.stack([packet.data for _, packet in chain.flush()])


def test_fading_goes_on_from_packet_to_packet():
    """Without noise to speak of, LLRs are 4 Es/N0 |g|^2: a smooth line over all packets."""
    faded = llrs([Rayleigh(doppler_hz=2), Awgn(ebn0_db=50)], 0.32 * np.arange(20)).ravel()
    power = faded / (4 * 1e5 * 256 / 592)
    step = 0.32 / 592
    # |d|g|^2 / dt| is at most 2 |g| |dg/dt|, and |dg/dt| at most 2 pi f_D sqrt(64).
    steepest = 2 * np.sqrt(power.max()) * 2 * math.pi * 2 * 8 * step
    assert np.abs(np.diff(power)).max() < steepest + 0.03
    assert power.max() > 2 and power.min() < 0.2


def test_a_gap_and_the_order_of_calls_change_nothing():
    """A packet meets the fading of its own time, whatever was sent or lost before."""
    path = [Rayleigh(doppler_hz=2), Awgn(ebn0_db=50)]
    times = 0.32 * np.arange(30)
    full = llrs(path, times)
    some = llrs(path, times[[3, 17, 29]])
    np.testing.assert_allclose(some, full[[3, 17, 29]], rtol=0.05, atol=3000)
    thinned = [Rayleigh(doppler_hz=2), Loss(probability=0.5), Awgn(ebn0_db=50)]
    chain = ChannelChain(thinned, 0)
    for k, time in enumerate(times):
        chain.push(time, Packet(np.zeros(74, np.uint8), k))
    for _, packet in chain.flush():
        np.testing.assert_allclose(packet.data, full[packet.number], rtol=0.05, atol=3000)


def test_another_seed_is_another_path():
    path = [Rayleigh(doppler_hz=2), Awgn(ebn0_db=50)]
    assert np.array_equal(llrs(path, [0, 5], seed=4), llrs(path, [0, 5], seed=4))
    assert not np.allclose(llrs(path, [0], seed=4), llrs(path, [0], seed=5), rtol=0.05)


@pytest.mark.parametrize("ebn0_db", [5, 15])
def test_uncoded_errors_over_rayleigh_fading(ebn0_db):
    """(1 - sqrt(c / (1 + c))) / 2 (Proakis & Salehi, 13.3-7); packets far apart."""
    packets = 1500
    wrong = llrs([Rayleigh(doppler_hz=20), Awgn(ebn0_db=ebn0_db)], 7.3 * np.arange(packets)) < 0
    c = 10 ** (ebn0_db / 10) * 256 / 592
    assert within(wrong.mean(axis=1), (1 - math.sqrt(c / (1 + c))) / 2)


def test_uncoded_fsk_errors_over_rayleigh_fading():
    """1 / (2 + c) for binary noncoherent FSK (Proakis & Salehi, 13.3-12)."""
    path = [Rayleigh(doppler_hz=20), Awgn(ebn0_db=10, modulation="2fsk")]
    wrong = llrs(path, 7.3 * np.arange(1500)) < 0
    assert within(wrong.mean(axis=1), 1 / (2 + 10 * 256 / 592))


def test_outage_of_packets_in_slow_fading():
    """A packet below a threshold c: 1 - exp(-c / mean), where fading is slow beside a packet."""
    mean, threshold = 10**1.0, 10**0.3
    faded = llrs([Rayleigh(doppler_hz=0.05), Awgn(ebn0_db=50)], 200.0 * np.arange(3000), bytes_=8)
    ebn0 = mean * faded.mean(axis=1) / (4 * 1e5 * 256 / 64)
    expected = 1 - math.exp(-threshold / mean)
    assert within((ebn0 < threshold).astype(float), expected)


def test_mean_gain_is_counted():
    chain = ChannelChain([Rayleigh(doppler_hz=20), Awgn(ebn0_db=5)], 0)
    assert "gain_db" not in chain.stats()[0]
    for k in range(400):
        chain.push(7.0 * k, Packet(np.zeros(32, np.uint8)))
    chain.flush()
    assert chain.stats()[0]["gain_db"] == pytest.approx(0, abs=0.5)


# Who moves


def test_speed_and_carrier_give_the_doppler_shift():
    channel = Mobile(speed_kmh=100, carrier_mhz=900)
    assert channel.doppler_hz == pytest.approx(83.4, abs=0.1)  # v f / c
    values = gains(lambda: Mobile(speed_kmh=36, carrier_mhz=149.896229), 20, 0.01, runs=100)
    for lag in (2, 5, 10):  # 10 m/s at a wave of 2 m: 5 Hz
        assert within(autocorrelation(values, lag).real, special.j0(2 * math.pi * 5 * lag * 0.01))


def test_a_doppler_shift_near_the_symbol_rate_is_refused():
    Mobile(speed_kmh=300, carrier_mhz=1798)
    with pytest.raises(ParameterError, match="Doppler shift of at most 500 Hz, not 556 Hz"):
        Mobile(speed_kmh=1000, carrier_mhz=600)


def test_who_stands_still_has_one_gain_for_ever():
    faded = llrs([Mobile(speed_kmh=0, carrier_mhz=433), Awgn(ebn0_db=50)], [0, 1000.0], seed=1)
    assert np.ptp(faded) < 0.1 * faded.mean()


def test_shadows_are_log_normal_and_forget_over_the_way():
    """Deviation, and exp(-d / d_c): at 10 m/s and 20 m, two seconds are one length."""
    settings = {"speed_kmh": 36, "carrier_mhz": 433, "k_db": 40, "shadow_m": 20}
    values = gains(lambda: Mobile(**settings, shadow_db=6), 200, 0.5, runs=200)
    shadow = 20 * np.log10(np.abs(values))
    assert within(shadow.mean(axis=1), 0)
    assert within((shadow**2).mean(axis=1), 36)
    for lag in (1, 2, 4, 8):
        found = (shadow[:, lag:] * shadow[:, :-lag]).mean(axis=1)
        assert within(found, 36 * math.exp(-lag * 0.5 / 2))


def test_shadows_at_one_moment_are_normal():
    settings = {"speed_kmh": 36, "carrier_mhz": 433, "k_db": 40, "shadow_db": 8}
    values = gains(lambda: Mobile(**settings), 0.01, 0.01, runs=1000)[:, 0]
    assert stats.kstest(20 * np.log10(np.abs(values)) / 8, "norm").pvalue > 0.01


# By way of the ionosphere


def transfer(settings, times, runs=RUNS, symbols=592):
    """H of packets that start at these times, (runs, times, rows, columns)."""
    signal = Signal(symbols, True)
    result = []
    for seed in range(runs):
        channel = Watterson(**settings)
        channel.reset(seed)
        result.append([channel._gain(time, signal) for time in times])
    return np.array(result), signal


def test_the_grid_is_that_of_a_multicarrier_modem():
    signal = Signal(592, True)
    assert (signal.rows, signal.columns) == (ROWS, 37)
    assert signal.row_seconds == pytest.approx(0.02)
    assert np.ptp(signal.frequencies) == 36 * SPACING_HZ
    assert signal.row_seconds == pytest.approx(1 / SPACING_HZ + GUARD_MS / 1000)
    uneven = Signal(296, True)
    assert (uneven.rows, uneven.columns) == (16, 19)
    assert uneven.row_seconds == signal.row_seconds
    assert len(uneven.each(uneven.frequencies)) == 296


@pytest.mark.parametrize(
    ("preset", "delay_ms", "spread_hz"),
    [("good", 0.5, 0.1), ("moderate", 1, 0.5), ("poor", 2, 1)],
)
def test_watterson_in_frequency_and_time(preset, delay_ms, spread_hz):
    """cos(pi df delay) exp(-j pi df delay) exp(-(pi spread dt)^2 / 2), two taps of half a power."""
    found, signal = transfer({"preset": preset}, [0.0, 50.0])
    assert within((np.abs(found) ** 2).mean(axis=(1, 2, 3)), 1)
    spacing = SPACING_HZ * np.array([1, 4, 10, 20])
    for df in spacing:
        apart = round(df / SPACING_HZ)
        product = (found[..., apart:] * found[..., :-apart].conj()).mean(axis=(1, 2, 3))
        angle = math.pi * df * delay_ms / 1000
        assert within(product.real, math.cos(angle) ** 2)
        assert within(product.imag, -math.cos(angle) * math.sin(angle))
    for rows in (5, 10, 15):
        product = (found[:, :, rows:] * found[:, :, :-rows].conj()).mean(axis=(1, 2, 3))
        seconds = rows * signal.row_seconds
        assert within(product.real, math.exp(-((math.pi * spread_hz * seconds) ** 2) / 2))


def test_the_echo_comes_after_its_delay():
    """The transfer function over the carriers, turned into an impulse response."""
    found, signal = transfer({"delay_ms": 3, "spread_hz": 0}, [0.0])
    delays = np.arange(0, 8, 0.5) / 1000  # the period is 1 / spacing, 16 ms
    turn = np.exp(2j * np.pi * signal.frequencies.T * delays)
    response = found[:, 0, 0] @ turn / signal.columns
    power = (np.abs(response) ** 2).mean(axis=0)
    assert power[0] == pytest.approx(0.5, abs=0.12)
    assert power[6] == pytest.approx(0.5, abs=0.12)
    assert np.delete(power, [0, 5, 6, 7, 1]).max() < 0.05


def test_the_two_waves_fade_apart():
    found = []
    for seed in range(RUNS):
        channel = Watterson(preset="poor")
        channel.reset(seed)
        found.append([tap.at(0, 5, 50) for tap in channel._taps])
    first, second = np.array(found).transpose(1, 0, 2)
    assert within((first * second.conj()).real.mean(axis=1), 0)
    assert within((np.abs(first) ** 2 * np.abs(second) ** 2).mean(axis=1), 1)


def test_each_carrier_of_watterson_fades_as_rayleigh():
    """And so errs: (1 - sqrt(c / (1 + c))) / 2."""
    path = [Watterson(preset="poor"), Awgn(ebn0_db=10, waveform="multicarrier")]
    wrong = llrs(path, 11.0 * np.arange(1500)) < 0
    c = 10 * 256 / 592
    assert within(wrong.mean(axis=1), (1 - math.sqrt(c / (1 + c))) / 2)


def test_own_values_are_the_preset_s():
    own = Watterson(delay_ms=2, spread_hz=1)
    signal = Signal(592, True)
    assert np.array_equal(own._gain(3, signal), Watterson(preset="poor")._gain(3, signal))


@pytest.mark.parametrize(
    "settings",
    [{}, {"delay_ms": 1}, {"preset": "poor", "delay_ms": 1}, {"preset": "good", "spread_hz": 1}],
)
def test_watterson_settings_must_go_together(settings):
    with pytest.raises(ParameterError, match="watterson needs either preset, or both"):
        Watterson(**settings)


# What must follow an effect


def test_an_effect_needs_a_demodulator_and_an_echo_many_carriers():
    with pytest.raises(ParameterError, match=r"channel 1, rayleigh, .* needs an awgn after it"):
        ChannelChain([Rayleigh(doppler_hz=1)])
    with pytest.raises(ParameterError, match=r"channel 2, rayleigh, .* needs an awgn after it"):
        ChannelChain([Awgn(ebn0_db=1), Rayleigh(doppler_hz=1)])
    with pytest.raises(ParameterError, match="watterson, has an echo of 2 ms"):
        ChannelChain([Watterson(preset="poor"), Awgn(ebn0_db=1)])
    for fast in (Rayleigh(doppler_hz=7.1), Mobile(speed_kmh=50, carrier_mhz=433)):
        with pytest.raises(ParameterError, match="standard deviation, and waveform: multicarrier"):
            ChannelChain([fast, Awgn(ebn0_db=1, waveform="multicarrier")])
        ChannelChain([fast, Awgn(ebn0_db=1)])
    ChannelChain([Rician(k_db=20, doppler_hz=20), Awgn(ebn0_db=1, waveform="multicarrier")])
    # Two hops with a repeater that decides, each over a path of its own.
    ChannelChain(
        [
            Watterson(preset="good"),
            Awgn(ebn0_db=9, waveform="multicarrier", decisions="hard"),
            Rayleigh(doppler_hz=1),
            Awgn(ebn0_db=9),
        ]
    )


def test_fading_of_one_hop_does_not_reach_the_next():
    times = 0.32 * np.arange(3)
    hops = [Rayleigh(doppler_hz=1), Awgn(ebn0_db=50, decisions="hard"), Awgn(ebn0_db=20)]
    power = llrs(hops, times) / (4 * 100 * 256 / 592)
    assert power.mean() == pytest.approx(1, abs=0.05)
