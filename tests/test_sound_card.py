"""Sound cards: found by name, at their own rate, counted when they fail, and taken up again."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_cards import Cards

from voicelink.blocks.sound_card import (
    LONGEST,
    RETRY,
    SILENT,
    SoundInput,
    SoundOutput,
    find_device,
    sound_devices,
)
from voicelink.models.errors import ParameterError


def tone(seconds: float, rate: int, frequency: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency / rate * np.arange(round(seconds * rate)))


def test_devices_by_number_name_or_a_part_of_it() -> None:
    devices = sound_devices(Cards())
    assert [d["default"] for d in devices] == [["input"], ["output"], []]
    for wanted, number in (("", 0), ("0", 0), ("micro", 0), ("Built-in audio", 2), ("2", 2)):
        assert find_device(wanted, "input", devices)["number"] == number
    assert find_device("", "output", devices)["number"] == 1
    for wanted, reason in (
        ("1", "there is no input device '1'; there are 0: USB microphone, 2: Built-in audio"),
        ("i", "may be any of 0: USB microphone, 2: Built-in audio; give its number"),
    ):
        with pytest.raises(ParameterError, match=reason):
            find_device(wanted, "input", devices)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("least_channels", [1, 2])
def test_sound_comes_in_at_8_khz_whatever_the_card_runs_at(rate: int, least_channels: int) -> None:
    cards = Cards(rate, least_channels)
    with SoundInput("micro", backend=cards, clock=cards.clock) as source:
        [stream] = cards.streams
        assert (stream.rate, stream.channels) == (rate, least_channels)
        heard = []
        for piece in np.array_split(tone(1, rate), 77):
            stream.hear(piece)
            heard.append(source.read(0))
    heard = np.concatenate(heard)
    assert heard.dtype == np.float32 and 0.9 < len(heard) / 8000 <= 1
    middle = heard[2000:6000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(4000)))
    assert spectrum.argmax() * 2 == 440
    assert np.std(middle) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    assert stream.closed


@pytest.mark.parametrize("rate", [8000, 44100])
def test_sound_goes_out_without_a_gap(rate: int) -> None:
    cards, said = Cards(rate), tone(1, 8000)
    with SoundOutput(backend=cards, clock=cards.clock) as speaker:
        [stream] = cards.streams
        for piece in np.array_split(said, 50):
            speaker.write(piece)
        speaker.running = True
        waiting = speaker.waiting
        assert 0.9 < waiting <= 1
        heard = np.concatenate([stream.play(147) for _ in range(round(waiting * rate) // 147)])
        assert speaker.underflows == 0
        steps = np.abs(np.diff(heard[200:]))
        assert steps.max() < 1.05 * 2 * np.pi * 440 / rate * 0.5
        # Now it runs dry: silence, and it is counted.
        assert not stream.play(1000)[200:].any() and speaker.underflows == 1
        speaker.running = False
        stream.play(1000)
        assert speaker.underflows == 1


def test_what_nobody_takes_is_dropped_and_counted() -> None:
    cards = Cards(8000)
    with SoundInput(backend=cards, clock=cards.clock) as source:
        for second in range(15):
            cards.streams[-1].hear(np.full(8000, second / 20))
        assert source.overflows == 15 - LONGEST
        heard = source.read(0)
        assert len(heard) == LONGEST * 8000 and heard[0] == pytest.approx(0.25)
        cards.streams[-1].hear(np.zeros(10), overflow=True)
        assert source.overflows == 15 - LONGEST + 1


def test_what_is_no_number_is_silence() -> None:
    cards = Cards(8000)
    with SoundInput(backend=cards, clock=cards.clock) as source:
        cards.streams[-1].hear(np.array([np.nan, np.inf, 0.5]))
        np.testing.assert_array_equal(source.read(0), [0, 0, 0.5])


@pytest.mark.parametrize("hangs", [False, True])
def test_a_card_that_is_unplugged_is_said_and_taken_up_again(hangs: bool) -> None:
    """Also one that just gives nothing any more."""
    cards, said = Cards(8000), []
    with SoundInput(backend=cards, note=said.append, clock=cards.clock) as source:
        cards.streams[-1].hear(np.ones(100))
        assert len(source.read(0)) == 100
        cards.present = hangs
        cards.now = SILENT + 0.1 if hangs else 0.1
        cards.present = False
        gone = cards.now
        for _ in range(30):
            assert len(source.read(0)) == 0
            cards.now += 0.1
        assert not source.open and source.losses == 1
        assert len(said) == 1 and "input USB microphone is gone" in said[0]
        cards.present = True
        cards.now += RETRY
        source.read(0)
        assert source.open and len(cards.streams) == 2
        assert said[1] == f"input USB microphone is back after {cards.now - gone:.1f} s"
        assert source.lost_seconds == pytest.approx(cards.now - gone)
        cards.streams[-1].hear(np.ones(50))
        assert len(source.read(0)) == 50


def test_a_card_may_come_back_under_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicelink.blocks.sound_card._Card.opened", 0)  # whatever tests left open
    cards = Cards(8000)
    with SoundInput("USB", backend=cards, clock=cards.clock) as source:
        assert cards.streams[-1].number == 0
        cards.present = False
        source.read(0)
        cards.present = cards.moved = True
        cards.now += RETRY
        source.read(0)
        assert source.open and cards.streams[-1].number == 2


def test_a_loudspeaker_that_is_gone_takes_its_sound_in_its_own_time() -> None:
    """So that whoever supplies it goes on at the same pace, and is not behind when it is back."""
    cards, said = Cards(8000), []
    with SoundOutput(backend=cards, note=said.append, clock=cards.clock) as speaker:
        speaker.write(np.zeros(80))
        cards.present = False
        written = 0
        for _ in range(500):
            while speaker.waiting < 0.05:
                speaker.write(np.zeros(80))
                written += 80
            cards.now += 0.01
        assert written == pytest.approx(5 * 8000, rel=0.02)
        cards.present = True
        cards.now += RETRY
        speaker.write(np.full(80, 0.5))
        assert speaker.open and len(said) == 2
        np.testing.assert_array_equal(cards.streams[-1].play(80), np.full(80, np.float32(0.5)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["plug", "unplug", "hear", "read", "wait"]), max_size=60))
def test_whatever_happens_to_a_card_reading_goes_on(events: list[str]) -> None:
    cards = Cards(8000)
    with SoundInput(backend=cards, clock=cards.clock) as source:
        for event in events:
            if event in ("plug", "unplug"):
                cards.present = event == "plug"
            elif event == "hear" and cards.streams[-1].active:
                cards.streams[-1].hear(np.ones(80))
            elif event == "wait":
                cards.now += 0.7
            else:
                assert source.read(0).dtype == np.float32
        cards.present = True
        cards.now += SILENT + 1
        source.read(0)
        cards.now += RETRY
        source.read(0)
        assert source.open


def test_a_card_that_cannot_be_opened_at_first_is_an_error() -> None:
    cards = Cards()
    cards.present = False
    with pytest.raises(ParameterError, match="input USB microphone cannot be opened: Device unav"):
        SoundInput(backend=cards)


def test_without_sounddevice_the_extra_is_named(refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    said = refused("devices")
    assert "pip install '.[audio]'" in said and "libportaudio2" in said
