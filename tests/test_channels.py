"""Each channel against its known figures. Counts are held to four standard deviations."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from voicelink.blocks.packet import Packet
from voicelink.blocks.profile import profile
from voicelink.link_sim.channels import (
    CHANNELS,
    Awgn,
    Bandwidth,
    BitErrors,
    Delay,
    Duplicate,
    GilbertElliott,
    Jitter,
    Loss,
    Outage,
    Reorder,
    make,
)
from voicelink.link_sim.channels.radio import RadioEffect
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SUPERFRAME_SECONDS

EXAMPLES = {
    "loss": {"probability": 0.3},
    "gilbert-elliott": {"loss": 0.2, "burst": 3},
    "outage": {"period": 2, "length": 0.5},
    "bit-errors": {"rate": 0.1},
    "rayleigh": {"doppler_hz": 2},
    "rician": {"k_db": 3, "doppler_hz": 2},
    "mobile": {"speed_kmh": 50, "carrier_mhz": 433, "shadow_db": 6},
    "watterson": {"preset": "moderate"},
    "frequency-offset": {"hz": 1},
    "clock-offset": {"ppm": 300},
    "impulse-noise": {"probability": 0.05},
    "awgn": {"ebn0_db": 0},
    "modem": {"snr_db": 10},
    "delay": {"seconds": 0.1},
    "jitter": {"deviation": 0.1},
    "reorder": {"probability": 0.2},
    "duplicate": {"probability": 0.2},
    "bandwidth": {"rate": 700},
    "trace": {"file": str(Path(__file__).with_name("vectors") / "trace.csv")},
}
FRAMES = {"modem": (74, 4)}
"""Bytes of a packet and how many, where it is not 32 of any number."""
ALWAYS_THE_SAME = ("outage", "frequency-offset", "clock-offset", "delay", "bandwidth", "trace")


def zeros(number=None, bytes_=32):
    return Packet(np.zeros(bytes_, np.uint8), number)


def run(channel, packets, spacing=SUPERFRAME_SECONDS):
    """What comes out of each of ``packets`` packets of zeros, one every ``spacing`` seconds."""
    return [channel.send(k * spacing, zeros(k)) for k in range(packets)]


def lost(outputs):
    return np.array([not out for out in outputs])


def runs_of_true(flags):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return edges[1::2] - edges[::2]


def near(count, trials, probability):
    """Whether a binomial count is within four standard deviations of its mean."""
    deviation = math.sqrt(trials * probability * (1 - probability))
    return abs(count - trials * probability) <= 4 * deviation


# All channels


def test_every_channel_has_an_example():
    assert set(EXAMPLES) == set(CHANNELS)


@pytest.mark.parametrize("name", CHANNELS)
def test_same_seed_same_run(name):
    # What acts on a radio signal shows in what is demodulated.
    noise = Awgn(ebn0_db=40, waveform="multicarrier" if name == "watterson" else "single")

    def demodulated(time, packet):
        return noise.send(time, packet)[0][1] if isinstance(channel, RadioEffect) else packet

    def outcome(channel):
        rng = np.random.default_rng(1)
        noise.reset(0)
        size, count = FRAMES.get(name, (32, 200))
        packets = [Packet(rng.integers(0, 256, size, dtype=np.uint8), k) for k in range(count)]
        return [
            [
                (time, out.number, demodulated(time, out).data.tobytes())
                for time, out in channel.send(0.32 * k, packet)
            ]
            for k, packet in enumerate(packets)
        ]

    channel = make(name, EXAMPLES[name])
    first = outcome(channel)
    channel.reset(0)
    assert outcome(channel) == first
    channel.reset(np.random.SeedSequence(5))
    fifth = outcome(channel)
    channel.reset(5)
    assert outcome(channel) == fifth
    assert (fifth == first) == (name in ALWAYS_THE_SAME)


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_keep_number_order_of_time_counts_and_input(name):
    channel = make(name, EXAMPLES[name])
    size, count = FRAMES.get(name, (32, 100))
    packet = zeros(9, size)
    outputs = [channel.send(0.32 * k, packet) for k in range(count)]
    by_itself = channel.due()
    if by_itself is not None:
        outputs.append(channel.wake(by_itself))
    assert not packet.data.any()
    for k, out in enumerate(outputs):
        assert all(time >= 0.32 * k and result.number == 9 for time, result in out)
    counts = channel.stats()
    assert counts["in"] == count
    assert counts["out"] == sum(map(len, outputs))
    if by_itself is None:
        assert counts["lost"] == lost(outputs).sum()
    assert counts["in"] + counts.get("copies", 0) == counts["out"] + counts["lost"]


@pytest.mark.parametrize("name", CHANNELS)
def test_settings_out_of_range_name_the_setting(name):
    for parameter in CHANNELS[name].parameters():
        for bad in (float("nan"), "much", -1e9, [1], True if parameter.kind != "switch" else 3):
            with pytest.raises(ParameterError, match=rf"{name}\.{parameter.name}"):
                make(name, EXAMPLES[name] | {parameter.name: bad})


def test_huge_whole_numbers_are_refused():
    with pytest.raises(
        ParameterError, match=r"loss\.probability must be a number from 0 to 1, not 10{59}$"
    ):
        Loss(probability=10**400)


def test_seed_must_be_a_whole_number():
    with pytest.raises(ParameterError, match="seed must be a whole number"):
        Delay(seconds=0).reset(-1)


# Losses


@pytest.mark.parametrize("probability", [0, 0.01, 0.1, 0.5, 1])
def test_loss_rate(probability):
    outputs = run(Loss(probability=probability), 5000)
    assert near(lost(outputs).sum(), 5000, probability)


def test_losses_are_independent():
    flags = lost(run(Loss(probability=0.3), 20000))
    lengths = runs_of_true(flags)  # geometric with mean 1 / (1 - p)
    mean = 1 / 0.7
    assert abs(lengths.mean() - mean) <= 4 * math.sqrt(mean * (mean - 1) / len(lengths))


@pytest.mark.parametrize(("rate", "burst"), [(0.1, 3), (0.3, 8), (0.02, 1.5), (0.5, 1)])
def test_gilbert_loss_rate_and_burst_length(rate, burst):
    packets = 40000
    flags = lost(run(GilbertElliott(loss=rate, burst=burst), packets))
    to_good = 1 / burst
    to_bad = to_good * rate / (1 - rate)
    memory = 1 - to_good - to_bad  # the second eigenvalue: the correlation of neighbours
    deviation = math.sqrt(packets * rate * (1 - rate) * (1 + memory) / (1 - memory))
    assert abs(flags.sum() - packets * rate) <= 4 * deviation + burst
    lengths = runs_of_true(flags)
    deviation = math.sqrt(burst * (burst - 1) / len(lengths))
    assert abs(lengths.mean() - burst) <= 4 * deviation + 1e-9


def test_elliott_loses_in_both_states():
    channel = GilbertElliott(loss=0.2, burst=5, good_loss=0.05, bad_loss=0.65)
    packets = 40000
    flags = lost(run(channel, packets))
    bad = 0.25  # (0.2 - 0.05) / (0.65 - 0.05)
    memory = 1 - 1 / 5 - (1 / 5) * bad / (1 - bad)
    spread = (1 + memory) / (1 - memory)
    deviation = math.sqrt(packets * bad * (1 - bad) * spread)
    assert abs(channel.stats()["bad_packets"] - packets * bad) <= 4 * deviation
    assert abs(flags.mean() - 0.2) <= 4 * math.sqrt(0.2 * 0.8 * spread / packets)


def test_gilbert_starts_in_the_stationary_state():
    channel = GilbertElliott(loss=0.3, burst=10)
    first = 0
    for seed in range(2000):
        channel.reset(seed)
        first += not channel.send(0, zeros())
    assert near(first, 2000, 0.3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": 0.9, "burst": 2}, "loss must be from 0 to 0.666667"),
        ({"loss": 0.01, "burst": 2, "good_loss": 0.1}, "loss must be from 0.1"),
        ({"loss": 0.1, "burst": 2, "good_loss": 0.5, "bad_loss": 0.5}, "good_loss must be below"),
        ({"loss": 0.1, "burst": 0.5}, "burst must be a number from 1 to"),
    ],
)
def test_gilbert_settings_must_go_together(settings, message):
    with pytest.raises(ParameterError, match=message):
        GilbertElliott(**settings)


def test_outage_at_given_times_takes_start_and_leaves_stop():
    channel = Outage(times=[[0.64, 1.28], [3.2, 3.3]])
    assert np.flatnonzero(lost(run(channel, 15))).tolist() == [2, 3, 10]


def test_periodic_outage_is_exact_for_an_hour():
    # 9.6 % 3.2 is 3.1999999999999993 in floats: the edge must not depend on it.
    channel = Outage(period=3.2, length=0.64, first=0.32)
    assert np.flatnonzero(lost(run(channel, 11250))).tolist() == [
        k for k in range(1, 11250) if (k - 1) % 10 < 2
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"period": 3},
        {"length": 3},
        {"times": [[1, 2]], "period": 3, "length": 1},
        {"period": 1, "length": 2},
        {"times": [[1, 2]], "first": 1},
        {"times": [[2, 1]]},
        {"times": [[1, 3], [2, 4]]},
        {"times": [[1]]},
        {"times": []},
        {"times": 5},
        {"times": [["a", "b"]]},
    ],
)
def test_outage_settings_must_go_together(settings):
    with pytest.raises(ParameterError, match="outage"):
        Outage(**settings)


# Bits


@pytest.mark.parametrize("rate", [0, 0.001, 0.1, 0.5, 1])
@pytest.mark.parametrize("soft", [False, True])
def test_bit_error_rate(rate, soft):
    channel = BitErrors(rate=rate)
    data = np.full(888, 2.5, np.float32) if soft else np.zeros(111, np.uint8)
    wrong = 0
    for k in range(100):
        ((time, out),) = channel.send(k, Packet(data))
        assert time == k and out.data.dtype == data.dtype and len(out.data) == len(data)
        if soft:
            assert (np.abs(out.data) == 2.5).all()
            wrong += (out.data < 0).sum()
        else:
            wrong += np.unpackbits(out.data).sum()
    assert near(wrong, 88800, rate)
    assert channel.stats()["flipped"] == wrong
    assert channel.stats()["bits"] == 88800


@pytest.mark.parametrize("ebn0_db", [-2, 2, 6])
@pytest.mark.parametrize("bytes_", [32, 37, 74, 111])
def test_uncoded_bpsk_errors_match_theory(ebn0_db, bytes_):
    channel = Awgn(ebn0_db=ebn0_db, decisions="hard")
    rng = np.random.default_rng(3)
    wrong = bits = 0
    for _ in range(200):
        sent = rng.integers(0, 256, bytes_, dtype=np.uint8)
        ((_, out),) = channel.send(0, Packet(sent))
        assert out.data.dtype == np.uint8 and len(out.data) == bytes_
        wrong += np.unpackbits(out.data ^ sent).sum()
        bits += 8 * bytes_
    esn0 = 10 ** (ebn0_db / 10) * 256 / (8 * bytes_)
    expected = 0.5 * math.erfc(math.sqrt(esn0))  # Q(sqrt(2 Es/N0))
    assert near(wrong, bits, expected)
    assert channel.stats()["wrong"] == wrong


def test_llrs_have_the_moments_of_bpsk():
    channel = Awgn(ebn0_db=3)
    bits = np.random.default_rng(4).integers(0, 2, 592, dtype=np.uint8)
    llrs = np.stack([channel.send(0, Packet(np.packbits(bits)))[0][1].data for _ in range(300)])
    assert llrs.dtype == np.float32 and llrs.shape == (300, 592)
    towards = llrs * (1 - 2.0 * bits)  # positive = 0
    esn0 = 10**0.3 * 256 / 592
    mean, variance = 4 * esn0, 8 * esn0
    n = towards.size
    assert abs(towards.mean() - mean) <= 4 * math.sqrt(variance / n)
    assert abs(towards.var() - variance) <= 4 * variance * math.sqrt(2 / n)


def test_llrs_tell_the_truth():
    # Of the bits with an LLR near L, the share exp(-|L|) / (1 + exp(-|L|)) is wrong.
    channel = Awgn(ebn0_db=0)
    llrs = np.concatenate([channel.send(0, zeros())[0][1].data for _ in range(400)])
    for low in (0, 0.5, 1, 2, 3):
        chosen = llrs[(np.abs(llrs) >= low) & (np.abs(llrs) < low + 0.5)]
        share = np.mean(1 / (1 + np.exp(np.abs(chosen.astype(float)))))
        assert near((chosen < 0).sum(), len(chosen), share)


def test_soft_and_hard_decisions_hear_the_same_noise():
    soft, hard = Awgn(ebn0_db=0), Awgn(ebn0_db=0, decisions="hard")
    ((_, a),) = soft.send(0, zeros())
    ((_, b),) = hard.send(0, zeros())
    assert (np.packbits(a.data < 0) == b.data).all()


def test_awgn_takes_an_empty_packet_and_refuses_a_soft_one():
    ((_, out),) = Awgn(ebn0_db=0).send(0, zeros(bytes_=0))
    assert out.soft and out.bits == 0
    with pytest.raises(ParameterError, match="soft packet"):
        Awgn(ebn0_db=0).send(0, Packet(np.ones(256, np.float32)))


# Time and order


def test_delay_is_exact():
    assert run(Delay(seconds=0.25), 3, spacing=1)[2][0][0] == 2.25


def truncated_normal(mean, deviation):
    """Mean and variance of a normal variable that is known to be at least 0."""
    a = -mean / deviation
    density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    ratio = density / (0.5 * math.erfc(a / math.sqrt(2)))
    return mean + deviation * ratio, deviation**2 * (1 + a * ratio - ratio**2)


@pytest.mark.parametrize(
    ("settings", "mean", "variance"),
    [
        ({"mean": 0.5, "deviation": 0.05}, 0.5, 0.05**2),
        ({"mean": 0.05, "deviation": 0.05}, *truncated_normal(0.05, 0.05)),
        ({"deviation": 0.05}, 0.05 * math.sqrt(2 / math.pi), 0.05**2 * (1 - 2 / math.pi)),
        ({"mean": 0.5, "deviation": 0.05, "distribution": "uniform"}, 0.5, 0.05**2),
        ({"deviation": 0.05, "distribution": "uniform"}, 0.05 * 3**0.5 / 2, 0.05**2 / 4),
        ({"mean": 0.5, "deviation": 0.05, "distribution": "exponential"}, 0.5, 0.05**2),
        ({"deviation": 0.05, "distribution": "exponential"}, 0.05, 0.05**2),
        ({"mean": 0.1, "deviation": 0}, 0.1, 0),
    ],
)
def test_jitter_moments(settings, mean, variance):
    channel = Jitter(**settings)
    n = 10000
    extra = np.array([channel.send(0, zeros())[0][0] for _ in range(n)])
    assert (extra >= 0).all()
    assert abs(extra.mean() - mean) <= 4 * math.sqrt(variance / n) + 1e-12
    # The fourth central moment is at most nine times the variance squared (the exponential's).
    assert abs(extra.var() - variance) <= 4 * variance * math.sqrt(8 / n) + 1e-12
    assert channel.stats()["mean_s"] == pytest.approx(extra.mean())
    assert channel.stats()["longest_s"] == extra.max()


def test_jitter_overtakes_unless_told_not_to():
    def leaving(keep_order):
        channel = Jitter(deviation=0.5, keep_order=keep_order)
        return [out[0][0] for out in run(channel, 500)]

    free, kept = leaving(False), leaving(True)
    assert free != sorted(free)
    # The same delays; each packet waits only for those before it.
    assert kept == np.maximum.accumulate(free).tolist()


@pytest.mark.parametrize("packets", [1, 3])
def test_reorder_lets_so_many_get_ahead(packets):
    channel = Reorder(probability=0.2, packets=packets)
    channel.reset(7)
    outputs = run(channel, 300)
    held = [k for k, ((time, _),) in enumerate(outputs) if time > k * SUPERFRAME_SECONDS]
    assert near(len(held), 300, 0.2)
    assert channel.stats()["held"] == len(held)
    prompt = [time for k, ((time, _),) in enumerate(outputs) if k not in held]
    for k in held[:-4]:
        time = outputs[k][0][0]
        between = range(k + 1, k + 1 + packets)
        ahead = sum(k * SUPERFRAME_SECONDS < other < time for other in prompt)
        assert ahead == sum(j not in held for j in between)


def test_reorder_by_seconds_or_packets_and_not_both():
    assert Reorder(probability=1, seconds=0.7).send(1, zeros())[0][0] == 1.7
    assert Reorder(probability=1).send(0, zeros())[0][0] == pytest.approx(0.48)
    with pytest.raises(ParameterError, match="not both"):
        Reorder(probability=1, seconds=0.7, packets=2)


def test_duplicate_sends_a_copy_later():
    outputs = run(Duplicate(probability=0.2, delay=0.1), 2000)
    doubled = [out for out in outputs if len(out) == 2]
    assert near(len(doubled), 2000, 0.2)
    for (first, packet), (second, copy) in doubled:
        assert second == first + 0.1
        assert copy is packet


# Bandwidth

HOUR = 11250  # superframes


def test_the_plain_profile_sends_the_payload_and_nothing_else():
    assert profile("plain").bits == zeros().bits == 256


@pytest.mark.parametrize("limit", [{}, {"queue_packets": 0}, {"queue_seconds": 0}])
def test_800_bits_per_second_carry_the_payload_for_an_hour(limit):
    channel = Bandwidth(rate=800, **limit)
    outputs = run(channel, HOUR)
    for k, ((time, _),) in enumerate(outputs):
        assert time == (k + 1) * SUPERFRAME_SECONDS or abs(time - (k + 1) * 0.32) < 1e-9
    counts = channel.stats()
    assert counts["lost"] == 0
    assert counts["queue_most"] == 0
    assert counts["wait_most_s"] == 0
    assert counts["bits"] == 256 * HOUR


def test_799_bits_per_second_lose_every_800th_packet():
    # Each packet takes 256/799 s and so adds D = 256/799 - 0.32 s to the wait. With one place, the
    # 801st finds S = 256/799 = 800 D before it: exactly the moment when the one that waited starts,
    # so it may wait. The next finds one waiting and is lost; that leaves 2 D, and so on.
    channel = Bandwidth(rate=799, queue_packets=1)
    outputs = run(channel, HOUR)
    assert np.flatnonzero(lost(outputs)).tolist() == list(range(801, HOUR, 800))
    counts = channel.stats()
    assert counts["queue_most"] == 1
    assert counts["wait_most_s"] == pytest.approx(256 / 799, abs=1e-12)


def test_799_bits_per_second_by_waiting_time():
    # The wait grows by D a packet until it would exceed W; then one is lost and it falls by 0.32.
    channel = Bandwidth(rate=799, queue_seconds=0.2)
    step = Fraction(256, 799) - Fraction(32, 100)
    wait, expected = Fraction(0), []
    for k in range(HOUR):
        if wait > Fraction(1, 5):
            expected.append(k)
            wait = max(Fraction(0), wait - Fraction(32, 100))
        else:
            wait += step
    assert np.flatnonzero(lost(run(channel, HOUR))).tolist() == expected
    assert expected[0] == 500  # 499 D = 0.19985, 500 D = 0.20025


def test_the_link_is_never_idle_while_packets_wait():
    # 1850 b/s offered (592 bits a superframe) to 800: just 800 * 3600 bits leave in an hour.
    channel = Bandwidth(rate=800)
    leaving = []
    for k in range(HOUR):
        leaving += [time for time, _ in channel.send(k * 0.32, zeros(k, 74))]
    assert sum(time <= 3600 + 1e-6 for time in leaving) == 800 * 3600 // 592
    gaps = np.diff(leaving)
    assert np.abs(gaps - 0.74).max() < 1e-9


def test_queue_against_a_case_by_hand():
    # 256 bits at 256 b/s take 1 s; two may wait.
    channel = Bandwidth(rate=256, queue_packets=2)
    arrivals = [0.0, 0.1, 0.2, 0.3, 1.0, 1.05, 2.5, 7.0]
    leaving = [channel.send(time, zeros()) for time in arrivals]
    times = [out[0][0] if out else None for out in leaving]
    # 0.3 finds two waiting; at 1.0 one of them starts; 1.05 finds two again.
    assert times == [1.0, 2.0, 3.0, None, 4.0, None, 5.0, 8.0]
    counts = channel.stats()
    assert counts["lost"] == 2
    assert counts["queue_most"] == 2
    assert counts["queue"] == 0
    assert counts["wait_most_s"] == pytest.approx(2.0)  # 1.0 -> 3.0
    assert counts["wait_mean_s"] == pytest.approx((0 + 0.9 + 1.8 + 2.0 + 1.5 + 0) / 6)


def test_no_place_and_no_patience():
    for limit in ({"queue_packets": 0}, {"queue_seconds": 0}):
        channel = Bandwidth(rate=256, **limit)
        assert [len(channel.send(time, zeros())) for time in (0, 0.5, 1, 1.999, 2)] == [
            1, 0, 1, 0, 1,
        ]  # fmt: skip


def test_eight_may_wait_by_default():
    channel = Bandwidth(rate=1)
    assert lost([channel.send(0, zeros()) for _ in range(12)]).tolist() == 9 * [False] + 3 * [True]


def test_packets_of_no_bits_take_no_time():
    channel = Bandwidth(rate=800, queue_packets=0)
    assert channel.send(0.1234567890123, zeros(bytes_=0))[0][0] == 0.1234567890123


def test_bandwidth_by_packets_or_seconds_and_not_both():
    with pytest.raises(ParameterError, match="not both"):
        Bandwidth(rate=800, queue_packets=1, queue_seconds=1)
