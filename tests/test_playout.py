"""Playing on the listener's clock, simulated: jitter, bursts, losses and clocks that differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.link import LinkDecoder, LinkEncoder, LinkFrame, saturated
from voicelink.blocks.packet import Packet
from voicelink.blocks.playout import MOST, Playout, State
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.resampler import TAPS, Resampler
from voicelink.blocks.shorten import LEAST, shorten
from voicelink.blocks.status import Status
from voicelink.blocks.transmitter import Transmitter
from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES, SUPERFRAME_SECONDS

CHUNK = 80
"""Samples that a sound card asks for at a time."""


def frame(end: bool = False, bit: int = 0) -> LinkFrame:
    return LinkFrame(Status.CLEAN, saturated(np.full(256, bit, np.uint8)), end=end)


class Tone(Receiver):
    """A receiver whose speech is a tone of 500 Hz, so that every step in it would show."""

    def __init__(self, level: float = 0.5) -> None:
        super().__init__(speech=False)
        at = np.arange(SUPERFRAME_SAMPLES) / SAMPLE_RATE
        self.tone = (level * np.sin(2 * np.pi * 500 * at)).astype(np.float32)

    def _speak(self, llrs: np.ndarray) -> np.ndarray:
        return self.tone if llrs.any() else self.tone / 2


class Listener:
    """Plays what arrives at given times, on a clock of its own.

    Attributes:
        played: (number, status, time) of every superframe, in order.
        audio: all that was heard.
    """

    def __init__(self, receiver: Receiver | None = None, chunk: int = CHUNK, **options) -> None:
        self.played: list[tuple[int, Status, float]] = []
        self.audio = np.zeros(0, np.float32)
        self.now = 0.0
        self.chunk = chunk
        receiver = receiver or Receiver(speech=False)
        self.playout = Playout(receiver, notify=self._note, **options)
        self.playout.take(chunk, self.now)

    def _note(self, number: int, status: Status, end: bool, corrected: int | None) -> None:
        self.played.append((number, status, self.now))

    def listen(self, arrivals, seconds: float, speed: float = 1.0, bit: int = 0) -> Listener:
        """Play for so long; ``arrivals`` are (time, number, end), ``speed`` that of our clock, and
        ``bit`` what they say."""
        waiting = sorted(arrivals, key=lambda arrival: arrival[0])
        heard = [self.audio]
        while self.now < seconds:
            while waiting and waiting[0][0] <= self.now:
                _, number, end = waiting.pop(0)
                self.playout.put(frame(end, bit), number, self.now)
            heard.append(self.playout.take(self.chunk, self.now))
            assert len(heard[-1]) == self.chunk
            self.now += self.chunk / SAMPLE_RATE / speed
        self.audio = np.concatenate(heard)
        return self

    @property
    def statuses(self) -> list[Status]:
        return [status for _, status, _ in self.played]

    @property
    def numbers(self) -> list[int]:
        return [number for number, status, _ in self.played if status is Status.CLEAN]

    def waits(self, period: float = SUPERFRAME_SECONDS) -> np.ndarray:
        """Seconds from when each superframe was sent until it was played."""
        return np.array([time - number * period for number, _, time in self.played])


def steady(count: int, jitter=lambda number: 0.0, first: int = 0):
    """(time, number, end) of superframes that are sent every 320 ms; the last one ends the over."""
    return [
        ((n - first) * SUPERFRAME_SECONDS + jitter(n), n, n == first + count - 1)
        for n in range(first, first + count)
    ]


def test_an_over_is_played_whole_and_then_there_is_silence() -> None:
    listener = Listener(buffer=0.03).listen(steady(20), seconds=8)
    assert listener.numbers == list(range(20))
    assert listener.waits().max() <= 0.03 + CHUNK / SAMPLE_RATE
    assert listener.playout.state is State.IDLE
    assert listener.playout.inserted == listener.playout.late == 0


def test_speech_on_time_is_what_the_decoder_makes(sample: np.ndarray) -> None:
    """Bit for bit, but for the fades of 10 ms at both ends."""
    transmitter = Transmitter("checked")
    packets = [*transmitter.send(sample[: 8 * SUPERFRAME_SAMPLES]), *transmitter.finish()]
    playout, heard = Playout(Receiver(), buffer=0.03), []
    for packet in packets:
        for piece in range(SUPERFRAME_SAMPLES // CHUNK):
            now = (len(heard)) * CHUNK / SAMPLE_RATE
            if piece == 0:
                playout.push(Packet(packet.data), now)
            heard.append(playout.take(CHUNK, now))
    while playout.state is not State.IDLE:
        heard.append(playout.take(CHUNK, len(heard) * CHUNK / SAMPLE_RATE))
    heard = np.concatenate(heard)
    encoder = SpeechEncoder()
    direct = SpeechDecoder().decode(
        encoder.encode(sample[: 8 * SUPERFRAME_SAMPLES]) + encoder.flush()
    )
    delay = round(0.03 * SAMPLE_RATE) + TAPS // 2
    middle = slice(CHUNK, len(direct) - CHUNK)
    np.testing.assert_array_equal(heard[delay:][middle], direct[middle])


def test_what_is_decoded_ahead_is_played_when_it_is_due() -> None:
    """`prepare` whenever there is time for it changes nothing that is heard."""
    arrivals = [a for a in steady(30, lambda n: 0.1 if n == 12 else 0.0) if a[1] != 5]
    plain, ahead = Listener(Tone()), Listener(Tone())
    take, prepared = ahead.playout.take, []

    def take_and_prepare(samples: int, now: float) -> np.ndarray:
        audio = take(samples, now)
        prepared.append(ahead.playout.prepare())
        return audio

    ahead.playout.take = take_and_prepare
    for listener in (plain, ahead):
        listener.listen(arrivals, seconds=12)
    # All but the first, the one that was lost and the one that was late.
    assert sum(prepared) == 27
    assert plain.statuses == ahead.statuses
    # The speed is not changed any more once the last one is decoded.
    last = round(plain.played[-1][2] * SAMPLE_RATE)
    np.testing.assert_array_equal(plain.audio[:last], ahead.audio[:last])


@pytest.mark.parametrize("ppm", [100, -100])
def test_clocks_that_differ_for_an_hour(ppm: int) -> None:
    """No superframe is concealed, and none waits longer at the end than in the first minute."""
    period = SUPERFRAME_SECONDS * (1 + ppm * 1e-6)
    count = int(3600 / SUPERFRAME_SECONDS)
    listener = Listener(chunk=640)
    listener.listen([(n * period, n, False) for n in range(count)], seconds=count * period)
    assert set(listener.statuses) == {Status.CLEAN}
    assert listener.playout.late == 0
    waits = listener.waits(period)
    assert len(waits) > count - 3
    assert waits.min() >= 0 and waits.max() < 0.2
    changed = listener.playout.inserted - listener.playout.dropped
    # But for what the first superframe happened to wait for the sound card.
    assert changed == pytest.approx(ppm * 1e-6 * 3600 * SAMPLE_RATE, abs=640)


def test_a_clock_of_the_listener_that_differs() -> None:
    listener = Listener().listen(steady(1000), seconds=300, speed=1 - 3e-4)
    assert set(listener.statuses) == {Status.CLEAN}
    assert listener.waits().max() < 0.06


def test_jitter_within_the_buffer_is_not_heard() -> None:
    rng = np.random.default_rng(1)
    listener = Listener(buffer=0.08).listen(
        steady(400, lambda number: rng.uniform(0, 0.07)), seconds=130
    )
    assert set(listener.statuses) == {Status.CLEAN}
    assert listener.playout.late == 0


def test_jitter_beyond_the_buffer_grows_it_and_loses_nothing() -> None:
    rng = np.random.default_rng(1)
    listener = Listener(buffer=0.02).listen(
        steady(400, lambda number: rng.uniform(0, 0.2)), seconds=130
    )
    assert listener.numbers == list(range(400))
    assert 0 < listener.playout.late < 40
    assert listener.playout.inserted > 0
    assert listener.waits().max() < 0.3


def test_a_buffer_that_grew_shrinks_again() -> None:
    listener = Listener(buffer=0.02)
    listener.listen(steady(150, lambda number: 0.2 if 20 <= number < 25 else 0.0), seconds=49)
    assert listener.numbers == list(range(150))
    waits = listener.waits()
    assert waits[24] > 0.18
    assert waits[-1] < 0.09
    assert (
        listener.playout.depth == pytest.approx(waits[-1], abs=0.02) or not listener.playout.depth
    )


@pytest.mark.parametrize("pause", [1.0, 3.0, 10.0])
def test_what_a_pause_of_the_network_held_up_does_not_stay_late(pause: float) -> None:
    """All that was held up comes at once; the oldest of it is left out."""
    until = 20 * SUPERFRAME_SECONDS + pause
    listener = Listener(idle=20).listen(
        steady(200, lambda n: max(0.0, until - n * SUPERFRAME_SECONDS) if n >= 20 else 0.0),
        seconds=66,
    )
    waits = listener.waits()
    assert listener.playout.receiver.counts.clean > 200 - pause / SUPERFRAME_SECONDS
    assert waits[-1] < 0.3
    after = [time for number, _, time in listener.played if time > until]
    assert after[0] < until + 0.05


def test_a_sender_that_hurries_builds_up_no_delay() -> None:
    """Thirty superframes at once, and then as they are spoken."""
    listener = Listener().listen(
        [(0.0 if n < 30 else (n - 29) * SUPERFRAME_SECONDS, n, False) for n in range(150)],
        seconds=38,
    )
    sent = {n: 0.0 if n < 30 else (n - 29) * SUPERFRAME_SECONDS for n in range(150)}
    last = [time - sent[n] for n, status, time in listener.played if status is Status.CLEAN][-1]
    assert last < 0.8
    assert listener.playout.dropped > 20 * SUPERFRAME_SAMPLES


def test_a_delay_that_changes_for_good_is_followed() -> None:
    for change in (0.1, 0.5, 2.0):
        listener = Listener(idle=10).listen(
            steady(60, lambda n, change=change: change if n >= 20 else 0.0), seconds=24
        )
        assert listener.numbers[-30:] == list(range(30, 60))
        assert listener.waits()[-1] < change + 0.08


def test_losses_are_concealed_one_by_one() -> None:
    lost = {5, 9, 10, 17, 18, 19, 20}
    arrivals = [a for a in steady(30) if a[1] not in lost]
    listener = Listener().listen(arrivals, seconds=12)
    assert [n for n, _, _ in listener.played] == list(range(30))
    assert {n for n, status, _ in listener.played if status is Status.CONCEALED} == lost
    assert listener.playout.receiver.counts.concealed == len(lost)
    # None of it moves what comes after.
    assert listener.playout.inserted == listener.playout.late == 0
    assert np.ptp(listener.waits()[[4, 8, 16, 29]]) < 0.02


def test_disorder_and_doubles() -> None:
    arrivals = [(t, n, e) for t, n, e in steady(20, lambda n: 0.35 if n in (6, 12) else 0.0)]
    arrivals += [(t + 0.05, n, e) for t, n, e in steady(20)]
    listener = Listener().listen(arrivals, seconds=9)
    assert listener.numbers == list(range(20))
    assert listener.playout.receiver.counts.duplicate == 20
    assert listener.playout.state is State.IDLE


def test_over_follows_over() -> None:
    listener = Listener()
    pause = 6 * SUPERFRAME_SECONDS
    for over in range(4):
        began = over * pause
        arrivals = [(began + t, n, e) for t, n, e in steady(4)]
        listener.listen(arrivals, seconds=began + pause)
        assert listener.playout.state is State.IDLE
    assert listener.numbers == [0, 1, 2, 3] * 4


def test_an_over_that_follows_at_once_is_not_lost() -> None:
    """Push to talk let go and pressed again: the first frame comes while the last is heard."""
    second = 8 * SUPERFRAME_SECONDS
    arrivals = [*steady(8), *((second + t, n, e) for t, n, e in steady(5))]
    listener = Listener().listen(arrivals, seconds=6)
    assert listener.numbers == [*range(8), *range(5)]


@pytest.mark.parametrize("gap", [0.05, 0.6])
def test_an_over_that_comes_while_the_end_of_the_last_one_still_waits(gap: float) -> None:
    """The buffer is longer than the pause between the overs."""
    listener, began = Listener(buffer=1.0), 0.0
    for bit in (0, 1, 0):
        # Let go of the switch within a superframe, which ends the over at once.
        over = [*steady(10)[:-1], (8 * SUPERFRAME_SECONDS + 0.1, 9, True)]
        arrivals = [(began + t + SUPERFRAME_SECONDS, n, e) for t, n, e in over]
        began = arrivals[-1][0] + gap
        listener.listen(arrivals, began, bit=bit)
    listener.listen([], began + 5)
    assert listener.numbers == [*range(10)] * 3
    counts = listener.playout.receiver.counts
    assert counts.late == counts.duplicate == counts.resyncs == 0


def test_stragglers_begin_no_over() -> None:
    """A double of the last frame, and one that came after it."""
    late = [(21 * SUPERFRAME_SECONDS, 19, True), (21 * SUPERFRAME_SECONDS, 18, False)]
    arrivals = [a for a in steady(20) if a[1] != 18] + late
    listener = Listener().listen(arrivals, seconds=9)
    assert listener.playout.state is State.IDLE
    assert [n for n, _, _ in listener.played] == list(range(20))
    counts = listener.playout.receiver.counts
    assert (counts.duplicate, counts.late) == (1, 1)


def test_a_short_over_does_not_swallow_the_next_whose_first_frame_is_lost() -> None:
    """Its numbers were all heard before, but say something else."""
    listener = Listener().listen(steady(6), seconds=10)
    listener.listen([(10 + t, n, e) for t, n, e in steady(6)[1:]], seconds=14, bit=1)
    assert listener.numbers == [*range(6), *range(1, 6)]
    assert listener.playout.receiver.counts.late == 0


def test_an_over_without_its_end_ends_by_itself() -> None:
    listener = Listener(Tone(), idle=2).listen(steady(10)[:-1], seconds=8)
    assert listener.playout.state is State.IDLE
    assert not listener.audio[-SAMPLE_RATE:].any()
    assert listener.playout.receiver.counts.concealed == 0


@pytest.mark.parametrize("silence", [0.0, 1.3])
def test_a_sender_that_begins_again(silence: float) -> None:
    """Without the end of its over; after a silence nothing is lost of the next one."""
    again = 40 * SUPERFRAME_SECONDS + silence
    arrivals = [*steady(41)[:-1], *((again + t, n, e) for t, n, e in steady(20))]
    listener = Listener().listen(arrivals, seconds=22)
    second = listener.numbers[40:]
    assert second == list(range(0 if silence else 2, 20))
    assert listener.playout.receiver.counts.resyncs == 1
    assert listener.playout.state is State.IDLE


def test_no_clicks() -> None:
    """Of a tone, whatever happens, no sample differs from the next by more than the tone's own."""
    rng = np.random.default_rng(2)
    arrivals = [
        arrival
        for arrival in steady(80, lambda n: rng.uniform(0, 0.15))
        if arrival[1] not in (7, 30, 31, 32, 33, 34, 50)
    ]
    again = 90 * SUPERFRAME_SECONDS
    arrivals += [(again + t * 0.5, n, e) for t, n, e in steady(40)]
    listener = Listener(Tone(0.5)).listen(arrivals, seconds=45)
    playout = listener.playout
    assert playout.late and playout.inserted and playout.dropped
    own = 0.5 * 2 * np.pi * 500 / SAMPLE_RATE
    assert np.abs(np.diff(listener.audio)).max() < 1.3 * own
    assert not listener.audio[-SAMPLE_RATE:].any()


def test_a_late_listener_and_the_number_that_was_a_guess() -> None:
    """The first frames are too broken to tell their number; the first whole one does."""
    link, decoder = LinkEncoder("half"), LinkDecoder("half")
    packets = [link.encode(bytes(32)) for _ in range(300)][270:]
    broken = Packet(np.random.default_rng(0).integers(0, 256, 74).astype(np.uint8))
    listener = Listener()
    for place, packet in enumerate([broken, broken, *packets[2:]]):
        decoded = decoder.decode(Packet(packet.data))
        listener.playout.put(decoded, None, listener.now)
        listener.listen([], seconds=(place + 1) * SUPERFRAME_SECONDS)
    assert listener.playout.receiver.counts.clean >= 27
    assert listener.playout.late == 0
    assert 0 < listener.playout.depth < 0.05


def test_after_a_reset_all_is_as_at_the_start() -> None:
    listener = Listener().listen(steady(10)[:-1], seconds=2)
    assert listener.playout.state is State.PLAYING
    listener.playout.reset()
    assert listener.playout.state is State.IDLE
    assert not listener.playout.take(1000, listener.now).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"buffer": -1}, "buffer must be a number from 0 to 15, not -1"),
        ({"idle": 0}, "idle must be a number from 0.32"),
        ({"longest": float("nan")}, "longest must be"),
    ],
)
def test_arguments_are_checked(options: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Playout(Receiver(speech=False), **options)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 0.7),
            st.one_of(st.none(), st.integers(0, 30), st.integers(0, 2**62)),
            st.one_of(st.none(), st.integers(0, 255)),
            st.booleans(),
            st.sampled_from(list(Status)),
            st.integers(0, 3000),
        ),
        max_size=30,
    )
)
def test_whatever_comes_it_gives_what_is_asked(events: list) -> None:
    playout = Playout(Receiver(speech=False), buffer=0.1)
    now = 0.0
    for wait, number, sequence, end, status, samples in events:
        now += wait
        playout.put(LinkFrame(status, np.zeros(256, "f4"), sequence=sequence, end=end), number, now)
        audio = playout.take(samples, now)
        assert audio.shape == (samples,) and audio.dtype == np.float32
        assert np.isfinite(audio).all()


@pytest.mark.parametrize("ratio", [1 - MOST, 1.0, 1 + 1e-5, 1 + MOST])
def test_a_changed_speed_changes_nothing_else(ratio: float) -> None:
    at = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 1000 * at).astype(np.float32)
    resampler = Resampler()
    heard = np.concatenate([resampler.process(part, ratio) for part in np.split(tone, 300)])
    assert len(heard) == pytest.approx(ratio * len(tone), abs=2)
    at = (np.arange(len(heard)) / ratio - TAPS // 2) / SAMPLE_RATE
    assert np.abs(heard - np.sin(2 * np.pi * 1000 * at))[TAPS:].max() < 0.005


def test_a_pitch_period_goes_without_a_trace() -> None:
    at = np.arange(SUPERFRAME_SAMPLES) / SAMPLE_RATE
    voiced = sum(np.sin(2 * np.pi * 125 * k * at) / k for k in range(1, 12)).astype(np.float32)
    less = shorten(voiced)
    period = SAMPLE_RATE // 125
    assert (len(voiced) - len(less)) % period == 0 and len(voiced) - len(less) >= LEAST
    np.testing.assert_allclose(less, voiced[: len(less)], atol=1e-3)
