"""Link frames in an unsynchronised stream: found, held, numbered, and silent on noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import firwin, lfilter
from scipy.stats import beta

from voicelink.blocks.correlation import correlation_threshold, sync_correlation
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.status import Status
from voicelink.blocks.sync import CANDIDATE, FALSE_LOCK, WORDS, FrameSync
from voicelink.blocks.sync_word import SYNC_BITS, SYNC_SYMBOLS, stream_frame
from voicelink.models.errors import ParameterError

PERIOD = {"plain": 288, "checked": 328, "half": 624, "third": 920}
SECONDS_PER_FRAME = 0.32


def over(profile, frames, seed=0, preamble=0, tail=1, end=True):
    """The symbols of an over, with a short tail, and its payloads."""
    payloads = np.random.default_rng(seed).integers(0, 256, (frames, 32), np.uint8)
    encoder, stream = LinkEncoder(profile), b""
    for i, payload in enumerate(payloads):
        last = i == frames - 1
        packet = encoder.encode(payload.tobytes(), end and last)
        stream += stream_frame(packet.data.tobytes(), i == 0, last, preamble, tail)
    return 1 - 2.0 * np.unpackbits(np.frombuffer(stream, np.uint8)), payloads


def deviation(profile, ebn0_db):
    """Of the noise, for symbols of +-1."""
    return np.sqrt(0.5 * (PERIOD[profile] - SYNC_BITS) / 256 / 10 ** (ebn0_db / 10))


def noisy(symbols, profile, ebn0_db, rng):
    return symbols + deviation(profile, ebn0_db) * rng.standard_normal(len(symbols))


def statuses(profile, found):
    decoder = LinkDecoder(profile)
    return [decoder.decode(frame.packet).status for frame in found]


def fields(found):
    return [
        (f.position, f.packet.number, f.inverted, f.ebn0_db, f.packet.data.tobytes()) for f in found
    ]


# What noise does


def test_thresholds_are_those_of_the_beta_distribution():
    """rho^2 is Beta(1/2, 15) for 32 symbols whose mean is taken off."""
    for probability in (1e-2, CANDIDATE, FALSE_LOCK):
        exact = np.sqrt(beta.isf(probability, 0.5, (SYNC_BITS - 2) / 2))
        assert correlation_threshold(probability) == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize("words", range(1, WORDS + 1))
def test_noise_exceeds_a_threshold_as_often_as_it_says(words):
    """Whatever the power of the noise, even another in each word, and whatever its offset."""
    rng = np.random.default_rng(words)
    levels = np.array([1, 1e6, 1e-9, 30])[:words, None]
    count, probability = 400_000, 1e-3
    rho = [sync_correlation(level * (rng.standard_normal(count) + 3)) for level in levels]
    exceeding = (np.abs(np.mean(rho, axis=0)) >= correlation_threshold(probability, words)).sum()
    assert exceeding == pytest.approx(count * probability, rel=0.3)  # 400 +- 20, neighbours alike


@pytest.mark.parametrize("profile", PERIOD)
def test_an_hour_of_noise_gives_no_frame(profile):
    rng = np.random.default_rng(5)
    sync = FrameSync(profile)
    symbols = round(3600 / SECONDS_PER_FRAME) * PERIOD[profile]
    for start in range(0, symbols, 1 << 18):
        assert sync.push(rng.standard_normal(min(1 << 18, symbols - start))) == []
    assert not sync.locked


def test_an_hour_of_a_discriminators_noise_gives_no_frame():
    """Without a carrier: complex noise, channel filter, angle between samples, mean over a symbol.

    It has no Gaussian distribution, and neighbouring symbols are correlated.
    """
    rng = np.random.default_rng(6)
    sync, taps = FrameSync("plain"), firwin(33, 0.3)
    state, last = np.zeros(32, complex), 0
    symbols = 3600 * 900
    for _ in range(0, symbols, 1 << 16):
        noise = rng.standard_normal(1 << 19).view(complex)
        filtered, state = lfilter(taps, 1, noise, zi=state)
        angles = np.angle(filtered * np.conj(np.concatenate(([last], filtered[:-1]))))
        last = filtered[-1]
        assert sync.push(angles.reshape(-1, 4).mean(axis=1)) == []


def test_other_data_at_full_strength_gives_no_frame():
    """Ten minutes of somebody else's bits, clean."""
    bits = np.random.default_rng(7).integers(0, 2, 1950 * 600)
    assert FrameSync("half").push(1 - 2.0 * bits) == []


# What is found


@pytest.mark.parametrize("profile", PERIOD)
@pytest.mark.parametrize("inverted", [False, True])
def test_clean_frames_are_found_from_the_first_on(profile, inverted):
    symbols, payloads = over(profile, 5, preamble=16, tail=16)
    found = FrameSync(profile).push(7 + 0.01 * symbols * (-1 if inverted else 1))
    assert [f.position for f in found] == [128 + i * PERIOD[profile] for i in range(5)]
    assert [f.packet.number for f in found] == list(range(5))
    assert all(f.inverted == inverted and f.ebn0_db > 30 for f in found)
    decoder = LinkDecoder(profile)
    for frame, payload in zip(found, payloads, strict=True):
        decoded = decoder.decode(frame.packet)
        assert decoded.status is Status.CLEAN
        assert np.packbits(decoded.payload_llr < 0).tobytes() == payload.tobytes()


def found_share(profile, ebn0_db, overs=12, frames=20):
    """Frames found of those sent, frames whose CRC is right, false ones, the first found of each
    over, and the estimates of Eb/N0."""
    rng = np.random.default_rng(8)
    places, right, false, first, estimates = 0, 0, 0, [], []
    for seed in range(overs):
        lead = int(rng.integers(0, 2 * PERIOD[profile]))
        symbols, _ = over(profile, frames, seed)
        stream = np.concatenate((np.zeros(lead), symbols, np.zeros(3 * PERIOD[profile])))
        found = FrameSync(profile).push(-noisy(stream, profile, ebn0_db, rng) + 1.5)
        numbers = [(f.position - lead) / PERIOD[profile] for f in found]
        hits = [f for f, n in zip(found, numbers, strict=True) if n in range(frames)]
        assert all(f.inverted for f in hits)
        places += len(hits)
        false += len(found) - len(hits)
        first.append(numbers[0])
        estimates += [f.ebn0_db for f in hits]
        right += sum(s in (Status.CLEAN, Status.CORRECTED) for s in statuses(profile, found))
    return places / overs / frames, right / overs / frames, false, first, estimates


def test_operating_point_of_profile_half():
    """At 2 dB, where one frame in twelve fails: they are found, from the first on."""
    share, right, false, first, estimates = found_share("half", 2)
    assert share > 0.99 and false == 0
    assert max(first) <= 1 and first.count(0) >= 11
    assert right > 0.85  # of .917 for one who knows where they are, and how noisy
    assert np.mean(estimates) == pytest.approx(2, abs=0.25)
    assert np.std(estimates) < 1


def test_below_the_operating_point_frames_are_found_by_their_sync_words():
    """At 0 dB no frame's CRC is right; their soft bits still reach the speech decoder."""
    share, right, false, first, estimates = found_share("half", 0)
    assert share > 0.95 and false <= 2
    assert right < 0.05
    assert max(first) <= 6 and np.median(first) == 0
    assert np.mean(estimates) == pytest.approx(0, abs=0.35)
    assert np.std(estimates) < 1.4


@pytest.mark.parametrize(("profile", "ebn0_db"), [("third", 1.5), ("checked", 6), ("plain", 4)])
def test_operating_points_of_the_other_profiles(profile, ebn0_db):
    share, _, false, first, _ = found_share(profile, ebn0_db, overs=6)
    assert share > 0.97 and false <= 3
    assert max(first) <= 2


@pytest.mark.parametrize("late", [1, 250])
def test_late_entry_takes_its_number_from_the_header(late):
    symbols, _ = over("half", 260)
    found = FrameSync("half").push(symbols[late * 624 - 300 :])
    assert [f.packet.number for f in found] == list(range(late, 260))


def test_without_a_right_crc_numbers_wait():
    """At 0 dB the header cannot be read: no number rather than a wrong one."""
    symbols, _ = over("half", 12)
    quiet = noisy(symbols, "half", 0, np.random.default_rng(9))
    quiet[8 * 624 :] = symbols[8 * 624 :]
    found = FrameSync("half").push(quiet)
    assert len(found) == 12
    assert [f.packet.number for f in found] == [None] * 8 + [8, 9, 10, 11]


# Fades, slips and losses


def faded(frames, first, last, profile="half", ebn0_db=3.0, seed=0):
    """An over whose frames first .. last - 1 are noise alone."""
    symbols, _ = over(profile, frames, seed)
    symbols[first * PERIOD[profile] : last * PERIOD[profile]] = 0
    return noisy(symbols, profile, ebn0_db, np.random.default_rng(seed))


@pytest.mark.parametrize("profile", PERIOD)
def test_lock_is_held_through_a_fade(profile):
    """Six superframes, two seconds: the frames behind it keep their numbers, at once."""
    found = FrameSync(profile).push(faded(20, 8, 14, profile, 8))
    numbers = [f.packet.number for f in found]
    assert numbers[:8] == list(range(8)) and numbers[-6:] == list(range(14, 20))
    assert len(numbers) - 14 <= 1  # noise that looks like a sync word


def test_a_burst_on_the_sync_word_alone_loses_nothing():
    symbols, _ = over("half", 10)
    for i in (3, 4, 7):
        symbols[i * 624 : i * 624 + 40] = np.random.default_rng(i).standard_normal(40)
    found = FrameSync("half").push(symbols)
    assert [f.packet.number for f in found] == list(range(10))
    assert all(s in (Status.CLEAN, Status.CORRECTED) for s in statuses("half", found))


@pytest.mark.parametrize("seed", range(6))
def test_after_a_loss_it_is_back_within_two_superframes_and_counts_on(seed):
    """At 2.5 dB, after 30 superframes of noise, at another phase: numbers go by the time."""
    stream = faded(50, 10, 40, ebn0_db=2.5, seed=seed)
    stream = np.insert(stream, 25 * 624, np.random.default_rng(seed).standard_normal(100))
    sync = FrameSync("half", hold=8)
    before = sync.push(stream[: 35 * 624])
    assert not sync.locked
    after = sync.push(stream[35 * 624 :])
    # The last of `before` may be noise after the loss.
    assert [f.packet.number for f in before][:10] == list(range(10)) and len(before) <= 11
    numbers = [f.packet.number for f in after]
    assert numbers[0] <= 41 and numbers == list(range(numbers[0], 50))


def test_plain_counts_by_elapsed_time():
    """Nothing but time tells the number where there is no header."""
    found = FrameSync("plain", hold=3).push(faded(40, 10, 30, "plain", 9))
    assert [f.packet.number for f in found][-10:] == list(range(30, 40))


def test_after_the_hold_nothing_comes_out():
    symbols, _ = over("half", 10, end=False)
    noise = np.random.default_rng(10).standard_normal(624 * 2000)
    sync = FrameSync("half", hold=8)
    found = sync.push(np.concatenate((symbols, noise)))
    late = [f.position for f in found if f.position >= 10 * 624]
    assert len(found) - len(late) == 10
    assert len(late) <= 1 and all(position < 19 * 624 for position in late)
    assert not sync.locked


def test_the_end_of_the_over_ends_the_lock():
    symbols, _ = over("half", 3)
    sync = FrameSync("half")
    assert len(sync.push(symbols[:-10])) == 2 and sync.locked
    assert len(sync.push(symbols[-10:])) == 1 and not sync.locked
    assert sync.push(np.random.default_rng(11).standard_normal(624 * 20)) == []
    # And the next over counts from its own beginning.
    assert [f.packet.number for f in sync.push(symbols)] == [0, 1, 2]


def test_hold_of_none_lets_go_at_once():
    symbols, _ = over("half", 6)
    symbols[2 * 624 : 4 * 624] = np.random.default_rng(12).standard_normal(2 * 624)
    sync = FrameSync("half", hold=0)
    assert len(sync.push(symbols[: 4 * 624])) == 2
    assert not sync.locked
    assert [f.packet.number for f in sync.push(symbols[4 * 624 :])] == [4, 5]


@pytest.mark.parametrize("slip", [-2, -1, 1, 2])
@pytest.mark.parametrize("ebn0_db", [2.5, 8])
def test_slips_of_symbols_are_followed(slip, ebn0_db):
    """Only the frame in which the receiver's clock slips is damaged."""
    symbols, _ = over("half", 20)
    place = 9 * 624 + 300
    if slip > 0:
        symbols = np.insert(symbols, place, [1.0] * slip)
    else:
        symbols = np.delete(symbols, slice(place, place - slip))
    found = FrameSync("half").push(noisy(symbols, "half", ebn0_db, np.random.default_rng(13)))
    assert [f.packet.number for f in found] == list(range(20))
    assert [f.position for f in found] == [624 * i + slip * (i > 9) for i in range(20)]


def test_polarity_may_turn_over_in_the_middle():
    symbols, _ = over("half", 12)
    symbols[5 * 624 :] *= -1
    found = FrameSync("half").push(noisy(symbols, "half", 4, np.random.default_rng(14)))
    assert [f.packet.number for f in found] == list(range(12))
    assert [f.inverted for f in found] == [False] * 5 + [True] * 7


def test_another_over_that_breaks_in_is_taken():
    """At another phase, in the first one's time, while the lock still holds on to that."""
    first, _ = over("half", 6, seed=1, end=False)
    second, _ = over("half", 6, seed=2)
    stream = np.concatenate((first, np.zeros(333), second))
    found = FrameSync("half").push(noisy(stream, "half", 5, np.random.default_rng(15)))
    assert [f.position for f in found if f.position >= len(first)] == [
        len(first) + 333 + 624 * i for i in range(6)
    ]


def test_levels_may_change_from_frame_to_frame():
    symbols, _ = over("half", 12)
    levels = 10.0 ** np.random.default_rng(16).integers(-6, 6, 13)
    stream = noisy(symbols, "half", 4, np.random.default_rng(17))
    found = FrameSync("half").push(np.repeat(levels, 624)[: len(stream)] * stream)
    assert [f.packet.number for f in found] == list(range(12))


def test_clicks_of_a_discriminator_are_limited():
    """Three in a frame, ten times as large as the symbols."""
    symbols, _ = over("half", 40)
    rng = np.random.default_rng(18)
    stream = noisy(symbols, "half", 6, rng)
    stream[rng.integers(0, len(stream), 120)] += rng.choice([-10, 10], 120)
    found = FrameSync("half").push(stream)
    right = sum(s in (Status.CLEAN, Status.CORRECTED) for s in statuses("half", found))
    assert right >= 38


# The stream


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_cut_of_the_stream_gives_the_same(data):
    profile = data.draw(st.sampled_from(sorted(PERIOD)))
    ebn0_db = data.draw(st.sampled_from([0, 2, 9]))
    seed = data.draw(st.integers(0, 1000))
    stream = np.append(-faded(9, 3, 5, profile, ebn0_db, seed), np.zeros(700))
    whole = FrameSync(profile, hold=1).push(stream)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=30))
    sync = FrameSync(profile, hold=1)
    parts = [f for part in np.split(stream, sorted(cuts)) for f in sync.push(part)]
    assert fields(parts) == fields(whole)


def test_symbol_by_symbol_a_frame_comes_with_its_last_one_or_where_in_doubt_two_later():
    """In doubt is one whose CRC is wrong."""
    symbols, _ = over("checked", 5)
    symbols[3 * 328 + 100] *= -1
    stream = np.append(symbols, np.zeros(10))
    sync = FrameSync("checked")
    times = [i for i, symbol in enumerate(stream) for _ in sync.push(np.array([symbol]))]
    assert times == [328 * (i + 1) - 1 + 2 * (i == 3) for i in range(5)]
    sync.reset()
    assert [f.position for f in sync.push(stream)] == [328 * i for i in range(5)]


@settings(max_examples=30, deadline=None)
@given(
    profile=st.sampled_from(sorted(PERIOD)),
    seed=st.integers(0, 1 << 32),
    values=st.lists(
        st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 3e38, -3e38, 1e-40, 1.0]), min_size=1
    ),
    share=st.floats(0, 1),
)
def test_nothing_in_the_stream_stops_it(profile, seed, values, share):
    rng = np.random.default_rng(seed)
    stream = np.concatenate((over(profile, 3)[0], rng.standard_normal(2 * PERIOD[profile])))
    hit = rng.random(len(stream)) < share
    stream = np.where(hit, rng.choice(values, len(stream)), stream).astype(np.float32)
    sync = FrameSync(profile)
    for frame in sync.push(stream):
        assert np.isfinite(frame.packet.data).all() and frame.packet.data.dtype == np.float32
        LinkDecoder(profile).decode(frame.packet)
    # And what comes behind is found.
    good, _ = over(profile, 3, seed=1)
    found = sync.push(np.concatenate((np.zeros(50), good)))
    assert [f.position - len(stream) - 50 for f in found][-3:] == [
        PERIOD[profile] * i for i in range(3)
    ]


@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, np.nan, np.inf])
def test_a_constant_is_no_signal(value):
    assert FrameSync("plain").push(np.full(10_000, value)) == []


def test_wrong_arguments_are_refused():
    for name, wrong in [("hold", -1), ("hold", "x"), ("slip", 9), ("profile", "halves")]:
        with pytest.raises(ParameterError, match=name):
            FrameSync(**{name: wrong})
    for wrong in (np.zeros((2, 2)), np.zeros(3, complex), ["a"]):
        with pytest.raises(ParameterError, match=r"symbols must be real numbers of shape \(n,\)"):
            FrameSync().push(wrong)


def test_stream_frame_puts_the_parts_in_order():
    assert stream_frame(b"\x12").hex() == "1acffc1d12"
    assert stream_frame(b"\x12", first=True, last=True, preamble=2, tail=1).hex() == (
        "aaaa" + "1acffc1d" + "12" + "aa"
    )
    assert SYNC_SYMBOLS[:4].tolist() == [1, 1, 1, -1]
    with pytest.raises(ParameterError, match="tail must be a number from 0 to 4096"):
        stream_frame(b"", last=True, tail=-1)
