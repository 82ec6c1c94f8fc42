"""Who may transmit, for how long, and what goes out around an over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.level import Vox, dbfs
from voicelink.blocks.link import LinkDecoder, LinkFrame
from voicelink.blocks.ptt import Ptt, WatchedPtt
from voicelink.blocks.station import START, Identifier
from voicelink.blocks.transmit import TimeOutTimer, permit
from voicelink.blocks.transmitter import Transmitter
from voicelink.link_sim.keyboard import KeySwitch
from voicelink.link_sim.talk import BEFORE, RETRY, Talker, Talking
from voicelink.models.errors import ParameterError, TransportError

TICK = 0.02
PIECE = np.full(160, 0.1, np.float32)
"""20 ms of sound."""


@pytest.mark.parametrize(
    ("transmit", "callsign", "reason"),
    [
        (False, "AB1CD", "the radio is not keyed unless --transmit says that it may transmit"),
        (True, "", "callsign must be the station's own"),
        (True, "n0call", "callsign must be the station's own"),
        (True, "n0call/p", "callsign must be the station's own"),
        (True, "SM/N0CALL", "callsign must be the station's own"),
        (True, "N0CALL-7", "callsign must be the station's own"),
        (True, "12345", "callsign must be the station's own"),
        (True, "A1-", "callsign must be the station's own"),
        (True, "..1A", "callsign must be the station's own"),
        (True, "F4|BAD", "callsign must be at most 9 characters"),
    ],
)
def test_transmitting_needs_a_word_and_a_callsign(transmit, callsign, reason) -> None:
    with pytest.raises(ParameterError, match=reason):
        permit("the radio", transmit, callsign, "--transmit")
    for own in ("ab1cd/p", "f/ab1cd", "AB1CD-7", "m0a"):
        assert permit("the radio", True, own) == own.upper()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 60)), max_size=60))
def test_no_over_is_longer_than_the_limit(presses: list[tuple[bool, float]]) -> None:
    """However the switch is pressed: refused from the limit on, until it was let go."""
    timer, now, began, refused = TimeOutTimer(100), 0.0, None, False
    for wanted, seconds in presses:
        on = timer.update(wanted, now)
        began = None if not wanted else now if began is None else began
        refused = wanted and (refused or now - began >= 100)
        assert on == (wanted and not refused)
        assert timer.timed_out == refused
        now += seconds


def test_vox_hears_speech_and_waits_in_pauses(sample: np.ndarray) -> None:
    vox, on = Vox(-40, hang=0.8), []
    audio = np.concatenate([np.zeros(8000), sample, np.zeros(16000)])
    audio += np.random.default_rng(1).normal(scale=1e-4, size=len(audio))
    for start in range(0, len(audio), 100):  # pieces of any length
        on.append(vox.push(audio[start : start + 100]))
    assert not any(on[:80]) and not on[-1]
    # One over, and no word is cut off: what it leaves out is quiet.
    assert np.count_nonzero(np.diff(on)) == 2
    assert dbfs(audio[np.repeat(~np.array(on), 100)[: len(audio)]]) < -50


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-120, 20), min_size=1, max_size=100))
def test_vox_is_on_exactly_where_it_was_loud_lately(levels: list[int]) -> None:
    """Levels as they come, in dBFS, 20 ms each."""
    vox, lately = Vox(-40.5, hang=0.1), []
    for level in levels:
        lately = [*lately, level > -40.5][-5:]
        assert vox.push(np.full(160, 10 ** ((level - 3.0103) / 20))) == any(lately)


class Radio:
    """A radio that takes its packets in real time.

    Attributes:
        log: what happened, in order, with the line's state at that moment.
        open: whether it is there.
    """

    open = True

    def __init__(self, line: Line) -> None:
        self.line = line
        self.log: list[tuple[str, object, bool]] = []
        self.now = self.until = 0.0

    @property
    def waiting(self) -> float:
        return max(0.0, self.until - self.now)

    def _add(self, what: str, value: object, seconds: float) -> None:
        self.log.append((what, value, self.line.keyed))
        self.until = max(self.until, self.now) + seconds

    def begin(self, silence: float) -> None:
        self._add("begin", silence, silence)

    def send(self, packet) -> None:
        self._add("packet", packet, 0.32)

    def finish(self) -> None:
        self._add("finish", None, 0.05)


class Line(Ptt):
    """A line that fails where it is told to: to key, to let go."""

    fails: tuple[bool, ...] = ()

    def key(self, on: bool) -> None:
        if on in self.fails:
            self.keyed = self.keyed or on
            raise TransportError("the rig says no")
        self.keyed = on


class Station:
    """A talker in simulated time, with a switch."""

    def __init__(self, limit: float = 180, **options) -> None:
        self.line, self.said, self.now = Line(), [], 0.0
        self.radio = Radio(self.line)
        transmitter = Transmitter("checked", callsign="AB1CD", identifier=Identifier("AB1CD", "hi"))
        # No watch: time is simulated.
        self.talker = Talker(
            transmitter, self.radio, WatchedPtt(self.line), TimeOutTimer(limit),
            note=self.said.append, **options,
        )  # fmt: skip

    def run(self, seconds: float, wanted: bool, audio: np.ndarray = PIECE) -> None:
        for _ in range(round(seconds / TICK)):
            self.radio.now = self.now
            self.talker.step(audio, wanted, self.now)
            self.now += TICK

    @property
    def frames(self) -> list[LinkFrame]:
        decoder = LinkDecoder("checked")
        packets = [value for what, value, _ in self.radio.log if what == "packet"]
        return [decoder.decode(packet) for packet in packets]


def whole(frames: list[LinkFrame]) -> bool:
    """Whether an over begins and ends with the station's name, and says where it ends."""
    return (
        frames[0].station.place == START
        and frames[-1].station.after == 1
        and frames[-2].end
        and all(frame.station is None and not frame.end for frame in frames[1:-2])
        and {frames[0].station.callsign, frames[-1].station.callsign} == {"AB1CD"}
    )


@pytest.mark.parametrize("before", [0, BEFORE])
def test_an_over_is_keyed_from_before_its_first_frame_until_after_its_last(before: float) -> None:
    station = Station(lead=0.3, tail=0.1, before=before)
    station.run(1, False)
    assert not station.radio.log and not station.line.keyed
    station.run(3, True)
    assert station.talker.state is Talking.OVER
    station.run(3, False)
    assert station.talker.state is Talking.READY and not station.line.keyed
    assert station.radio.log[0] == ("begin", 0.3, True)
    assert all(keyed for _, _, keyed in station.radio.log)
    assert [what for what, _, _ in station.radio.log[-1:]] == ["finish"]
    assert whole(station.frames)
    # Nothing is lost of what was said: the lead delays it, and VOX has what came before it as well.
    speech = len(station.frames) - 2
    assert speech == int(np.ceil(((max(before, TICK) + 3) * 8000 + 240) / 2560))


def test_the_radio_never_waits_for_a_frame_within_an_over() -> None:
    """The first one goes out with the switch and the others follow without a gap."""
    station = Station(lead=0.3)
    waits = []
    for _ in range(500):
        station.run(TICK, True)
        waits.append(station.radio.waiting)
    assert min(waits) > 0


def test_a_stuck_switch_is_ended_with_a_name_and_refused_until_it_is_let_go() -> None:
    station = Station(limit=5, lead=0.1)
    station.run(30, True)
    assert whole(station.frames)
    assert not station.line.keyed and station.talker.overs == 1
    assert station.said == ["time-out: the over is ended; let go of the switch to speak again"]
    assert len(station.frames) * 0.32 < 5 + 4 * 0.32
    station.run(TICK, False)
    station.run(1, True)
    assert station.line.keyed and station.talker.overs == 2


def test_a_transmitter_that_cannot_be_keyed_gets_nothing_and_is_tried_again() -> None:
    station = Station()
    station.line.fails = (True,)
    station.run(2.5 * RETRY, True)
    assert not station.radio.log and not station.line.keyed
    assert station.said == ["not sent: the rig says no"] * 3
    station.line.fails = ()
    station.run(RETRY, True)
    assert station.radio.log and station.line.keyed


def test_what_may_have_been_keyed_is_let_go_as_soon_as_that_works() -> None:
    """The rig heard, its answer was lost, and letting go failed too."""
    station = Station()
    station.line.fails = (True, False)
    station.run(TICK, True)
    station.run(2.5 * RETRY, False)
    assert station.line.keyed and station.said == ["not sent: the rig says no"]
    station.line.fails = ()
    station.run(RETRY, False)
    assert not station.line.keyed and not station.radio.log
    station.run(RETRY, True)
    assert station.radio.log and station.line.keyed


@pytest.mark.parametrize("what", ["the radio is gone", "the transmitter was let go"])
def test_an_over_that_nobody_can_hear_is_ended(what: str) -> None:
    station = Station(lead=0.1)
    station.run(2, True)
    if "radio" in what:
        station.radio.open = False
    else:
        station.line.key(False)  # as the watch does
    station.run(3, True)
    assert not station.line.keyed and station.talker.state is Talking.READY
    station.radio.open = True
    station.run(3, True)
    assert station.said == [f"{what}: the over is ended; let go of the switch to speak again"]
    assert station.talker.overs == 1 and station.talker.refused
    station.run(TICK, False)
    station.run(1, True)
    assert station.line.keyed and station.talker.overs == 2


def test_without_its_radio_nothing_is_keyed() -> None:
    station = Station()
    station.radio.open = False
    station.run(2, True)
    assert not station.line.keyed and station.talker.overs == 0
    station.radio.open = True
    station.run(1, True)
    assert station.line.keyed


def test_a_press_that_is_too_short_is_an_over_all_the_same() -> None:
    station = Station(lead=0.3)
    station.run(TICK, True)
    station.run(5, False)
    assert whole(station.frames) and not station.line.keyed


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.02, 3)), max_size=12))
def test_whatever_the_switch_does_every_over_is_whole(presses) -> None:
    station = Station(limit=2, lead=0.1, tail=0.06)
    for wanted, seconds in presses:
        station.run(seconds, wanted)
    while not station.talker.end(station.now):
        station.now += TICK
        station.radio.now = station.now
    assert not station.line.keyed
    overs, frames = [], station.frames
    for frame in frames:
        if frame.station and frame.station.place == START:
            overs.append([])
        overs[-1].append(frame)
    assert all(map(whole, overs)) and len(overs) == station.talker.overs


def test_keys_toggle_and_q_ends() -> None:
    import os

    read, write = os.pipe()
    with os.fdopen(read) as file, KeySwitch(file) as keys:
        states = []
        for typed in (b"", b" ", b"x", b"\n", b"\n", b"  ", b"q", b" "):
            os.write(write, typed) if typed else None
            states.append(keys.look())
        assert states == [False, True, True, False, True, True, False, False]
        assert keys.ended
    os.close(write)


def test_a_terminal_is_left_as_it_was() -> None:
    import os
    import termios

    ours, theirs = os.openpty()
    with os.fdopen(theirs) as terminal:
        before = termios.tcgetattr(terminal)
        with KeySwitch(terminal) as keys:
            os.write(ours, b" ")
            while not keys.look():  # no Enter needed
                pass
            # Ctrl-S does not hold it up.
            assert not termios.tcgetattr(terminal)[0] & termios.IXON
        assert termios.tcgetattr(terminal) == before
    os.close(ours)
