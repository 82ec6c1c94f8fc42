"""Channels in a row: order of time, repeatability, and no packet from nowhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.packet import Packet
from voicelink.link_sim.channels import (
    Awgn,
    Bandwidth,
    BitErrors,
    ChannelChain,
    ClockOffset,
    Delay,
    Duplicate,
    FrequencyOffset,
    GilbertElliott,
    ImpulseNoise,
    Jitter,
    Loss,
    Mobile,
    Outage,
    Rayleigh,
    Reorder,
    Rician,
    Watterson,
)
from voicelink.models.errors import ParameterError


def packet(number, bytes_=32):
    return Packet(np.full(bytes_, number % 256, np.uint8), number)


def outcome(packets):
    return [(time, p.number, p.data.tobytes()) for time, p in packets]


def run(chain, arrivals):
    """All that comes out of packets that go in at ``arrivals``, pushed at once."""
    for number, time in enumerate(arrivals):
        chain.push(time, packet(number))
    return chain.flush()


def superframes(count):
    return [0.32 * k for k in range(count)]


def test_no_channels_change_nothing():
    chain = ChannelChain()
    out = run(chain, superframes(10))
    assert [time for time, _ in out] == superframes(10)
    assert chain.stats() == []
    assert chain.title == "no impairment"


def test_each_channel_sees_its_packets_in_the_order_of_time():
    seen = []

    class Watch(Delay):
        def _carry(self, time, packet):
            seen.append(time)
            return super()._carry(time, packet)

    chain = ChannelChain(
        [Jitter(deviation=3), Duplicate(probability=0.5, delay=1), Watch(seconds=0)]
    )
    out = run(chain, superframes(200))
    assert seen == sorted(seen)
    assert len(seen) == len(out) == chain.stats()[2]["in"]
    assert [p.number for _, p in out] != sorted(p.number for _, p in out)


def test_packets_of_the_same_time_keep_their_order():
    out = run(ChannelChain([Delay(seconds=1), Delay(seconds=2)]), [5.0] * 20)
    assert [p.number for _, p in out] == list(range(20))
    assert {time for time, _ in out} == {8.0}


def test_pop_gives_what_is_due_and_next_time_says_when():
    chain = ChannelChain([Delay(seconds=1), Delay(seconds=1)])
    assert chain.next_time() is None
    chain.push(0.5, packet(0))
    assert chain.next_time() == 0.5
    assert chain.pop(1.0) == []
    assert chain.next_time() == 1.5
    assert chain.waiting == 1
    assert chain.pop(2.49) == []
    ((time, out),) = chain.pop(2.5)
    assert (time, out.number) == (2.5, 0)
    assert chain.waiting == 0 and chain.next_time() is None


def test_time_cannot_go_back():
    chain = ChannelChain([Delay(seconds=1)])
    chain.push(5, packet(0))
    chain.pop(6)
    with pytest.raises(ParameterError, match="time must be at least 6"):
        chain.push(5.9, packet(1))
    chain.reset(0)
    chain.push(0, packet(1))


@pytest.mark.parametrize("time", [-1, math.nan, math.inf, "now"])
def test_time_must_be_a_time(time):
    with pytest.raises(ParameterError, match="time must be"):
        ChannelChain().push(time, packet(0))


def test_a_channel_at_the_end_leaves_the_others_as_they_were():
    def losses(*more):
        chain = ChannelChain([Loss(probability=0.3), Jitter(deviation=0.1), *more], seed=11)
        run(chain, superframes(300))
        return chain.stats()[:2]

    assert losses() == losses(BitErrors(rate=0.1), Loss(probability=0.5))


def test_equal_channels_in_a_row_are_independent():
    chain = ChannelChain([Loss(probability=0.5), Loss(probability=0.5)], seed=1)
    out = run(chain, superframes(2000))
    assert abs(len(out) - 500) < 4 * math.sqrt(2000 * 0.25 * 0.75)


def test_the_seed_decides_everything():
    def once(seed):
        chain = ChannelChain([Jitter(deviation=1), Awgn(ebn0_db=0)], seed)
        return outcome(run(chain, superframes(50)))

    assert once(3) == once(3) != once(4)
    sequence = np.random.SeedSequence(3)
    assert once(sequence) == once(sequence) == once(3)


def test_reset_begins_again():
    chain = ChannelChain([Loss(probability=0.5), Jitter(deviation=1)], seed=3)
    first = outcome(run(chain, superframes(50)))
    chain.push(1000, packet(0))
    chain.reset(3)
    assert chain.waiting == 0
    assert outcome(run(chain, superframes(50))) == first


@pytest.mark.parametrize("seed", [-1, 1.5, "one", True, None])
def test_seed_must_be_a_whole_number(seed):
    with pytest.raises(ParameterError, match="seed must be a whole number of at least 0"):
        ChannelChain([], seed)


# What may follow what


def test_noise_cannot_follow_soft_bits():
    with pytest.raises(ParameterError, match=r"channel 3, awgn, .* cannot follow channel 1, awgn"):
        ChannelChain([Awgn(ebn0_db=1), Loss(probability=0), Awgn(ebn0_db=1)])


@pytest.mark.parametrize(
    ("channels", "takes_soft", "gives_soft"),
    [
        ([], True, False),
        ([Awgn(ebn0_db=1), BitErrors(rate=0.1)], False, True),
        ([Awgn(ebn0_db=1, decisions="hard"), Awgn(ebn0_db=1)], False, True),
        ([BitErrors(rate=0.1), Awgn(ebn0_db=1, decisions="hard")], False, False),
        ([BitErrors(rate=0.1), Delay(seconds=1)], True, False),
    ],
)
def test_what_goes_together(channels, takes_soft, gives_soft):
    chain = ChannelChain(channels)
    assert chain.takes_soft == takes_soft
    assert chain.gives_soft() == gives_soft
    ((_, out),) = run(chain, [0])
    assert out.soft == gives_soft


def test_a_soft_packet_is_refused_at_the_entry():
    soft = Packet(np.ones(256, np.float32))
    chain = ChannelChain([Delay(seconds=0), Awgn(ebn0_db=1)])
    with pytest.raises(ParameterError, match="soft packet"):
        chain.push(0, soft)
    ChannelChain([BitErrors(rate=0)]).push(0, soft)


def test_one_object_cannot_stand_in_two_places():
    loss = Loss(probability=0.1)
    with pytest.raises(ParameterError, match="twice"):
        ChannelChain([loss, loss])


# Any channels, any packets

seconds = st.floats(0, 3)
share = st.floats(0, 1)
hertz = st.floats(0, 7)
effects = st.lists(
    st.one_of(
        st.builds(Rayleigh, doppler_hz=hertz),
        st.builds(Rician, k_db=st.floats(-10, 20), doppler_hz=hertz),
        st.builds(
            Mobile,
            speed_kmh=st.floats(0, 10),
            carrier_mhz=st.floats(1, 700),
            shadow_db=st.floats(0, 12),
        ),
        st.builds(Watterson, preset=st.sampled_from(["good", "moderate", "poor"])),
        st.builds(FrequencyOffset, hz=st.floats(-100, 100)),
        st.builds(ClockOffset, ppm=st.floats(-1000, 1000)),
        st.builds(ImpulseNoise, probability=share),
    ),
    min_size=1,
    max_size=3,
)
radio = st.builds(
    lambda effects, noise: [*effects, noise],
    effects,
    st.builds(
        Awgn,
        ebn0_db=st.floats(-5, 10),
        decisions=st.just("hard"),
        modulation=st.sampled_from(["bpsk", "qpsk"]),
        waveform=st.just("multicarrier"),
    ),
)
parts = st.lists(
    st.one_of(
        radio,
        st.builds(Loss, probability=share),
        st.builds(GilbertElliott, loss=st.floats(0, 0.5), burst=st.floats(1, 9)),
        st.builds(Outage, period=st.floats(1, 3), length=st.floats(0, 1)),
        st.builds(BitErrors, rate=share),
        st.builds(Awgn, ebn0_db=st.floats(-5, 10), decisions=st.just("hard")),
        st.builds(Delay, seconds=seconds),
        st.builds(
            Jitter,
            deviation=seconds,
            mean=seconds,
            distribution=st.sampled_from(["normal", "uniform", "exponential"]),
            keep_order=st.booleans(),
        ),
        st.builds(Reorder, probability=share, packets=st.integers(1, 5)),
        st.builds(Duplicate, probability=share, delay=seconds),
        st.builds(Bandwidth, rate=st.floats(100, 5000), queue_packets=st.integers(0, 9)),
        st.builds(Bandwidth, rate=st.floats(100, 5000), queue_seconds=seconds),
    ),
    max_size=5,
)
channels = parts.map(
    lambda parts: [
        channel for part in parts for channel in (part if isinstance(part, list) else [part])
    ]
)
times = st.lists(st.floats(0, 20), max_size=40).map(sorted)


@settings(max_examples=150, deadline=None)
@given(channels, times, st.integers(0, 2**32))
def test_nothing_is_made_and_nothing_vanishes(channels, times, seed):
    chain = ChannelChain(channels, seed)
    out = run(chain, times)
    leaving = [time for time, _ in out]
    assert leaving == sorted(leaving)
    assert all(time >= times[p.number] for time, p in out)
    assert all(p.bits == 256 and not p.soft for _, p in out)
    stages = chain.stats()
    entering = len(times)
    for stage in stages:
        assert stage["in"] == entering
        assert stage["in"] + stage.get("copies", 0) == stage["out"] + stage["lost"]
        entering = stage["out"]
    assert len(out) == entering
    if not any(isinstance(channel, Duplicate) for channel in channels):
        numbers = [p.number for _, p in out]
        assert len(set(numbers)) == len(numbers)
    assert chain.waiting == 0


@settings(max_examples=150, deadline=None)
@given(channels, times, st.lists(st.booleans(), max_size=40), st.integers(0, 2**32))
def test_step_by_step_is_the_same_as_at_once(channels, times, pops, seed):
    chain = ChannelChain(channels, seed)
    at_once = outcome(run(chain, times))
    counts = chain.stats()
    chain.reset(seed)
    steps = []
    for number, time in enumerate(times):
        chain.push(time, packet(number))
        if number < len(pops) and pops[number]:
            steps += chain.pop(time)
    steps += chain.flush()
    assert outcome(steps) == at_once
    assert chain.stats() == counts
