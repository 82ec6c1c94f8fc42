"""Samples for a sink that takes them at its own pace: it never waits, and little waits for it."""

from __future__ import annotations

import pytest

from voicelink.blocks.pace import AHEAD, FAST, Pace
from voicelink.models.sizes import SAMPLE_RATE

BUFFER = 1023
ASKED = 0.005


class Sink:
    """Takes ``size`` samples whenever its clock is due and they are there."""

    def __init__(self, size: int, speed: float = 1.0) -> None:
        self.size, self.step = size, size / SAMPLE_RATE / speed
        self.due, self.started = 0.0, False
        self.taken, self.starved, self.waits = 0, 0, []

    def take(self, waiting: int, now: float) -> int:
        taken = 0
        while now >= self.due and waiting - taken >= self.size:
            self.waits.append(waiting - taken)
            self.started = True
            taken += self.size
            self.due += self.step
        if self.started and now > self.due + ASKED + self.step:
            self.starved += 1
            self.due = now
        self.taken += taken
        return taken


def play(sink: Sink, seconds: float, pauses=()) -> int:
    """Run a source and a sink with a buffer between them; how many samples still wait."""
    pace, waiting, now = Pace(), 0, 0.0
    while now < seconds:
        if not any(begin <= now < end for begin, end in pauses):
            waiting -= sink.take(waiting, now)
        else:
            sink.due = now
        room = min(pace.room(waiting, now), BUFFER - waiting)
        if room:
            pace.gave(room)
            waiting += room
        now += ASKED
    return waiting


@pytest.mark.parametrize("speed", [1 - 2e-4, 1.0, 1 + 2e-4])
def test_a_sound_card_of_any_clock_never_waits(speed: float) -> None:
    sink = Sink(80, speed)
    play(sink, 600)
    assert sink.starved == 0
    assert max(sink.waits) <= AHEAD
    assert sink.taken == pytest.approx(600 * SAMPLE_RATE * speed, abs=2 * AHEAD)


def test_a_sink_that_takes_all_at_once_gets_what_is_played() -> None:
    sink = Sink(1, 1e6)
    play(sink, 100)
    assert 0 <= sink.taken - 100 * SAMPLE_RATE <= 100 * SAMPLE_RATE * FAST + 2 * AHEAD


def test_a_sink_that_wants_much_at_a_time_gets_it() -> None:
    sink = Sink(512)
    play(sink, 60)
    assert sink.starved <= 1  # until that is known
    assert sink.taken == pytest.approx(60 * SAMPLE_RATE, abs=2 * 512)


def test_what_a_pause_of_the_sink_let_wait_is_not_kept() -> None:
    sink = Sink(80)
    assert play(sink, 1.9, [(1, 2)]) > AHEAD
    sink = Sink(80)
    play(sink, 30, [(1, 2)])
    assert max(sink.waits[-500:]) <= AHEAD
