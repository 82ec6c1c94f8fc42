"""Listening live, in simulated time: what is heard, what is said of it, and what stays silent."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

import numpy as np
import pytest
from rich.console import Console
from sound_cards import Cards

from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.modem import Modulator, to_passband
from voicelink.blocks.packet import Packet
from voicelink.blocks.ptt import Ptt, WatchedPtt
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.sound_card import SoundInput, SoundOutput
from voicelink.blocks.sound_radio import RadioSink, RadioSource
from voicelink.blocks.squelch import HOLD, Squelch
from voicelink.blocks.station import Identifier
from voicelink.blocks.status import Status
from voicelink.blocks.transmit import TimeOutTimer
from voicelink.blocks.transmitter import Transmitter
from voicelink.link_sim.listen import AHEAD, Listener
from voicelink.link_sim.live_line import LiveLine, listening, talking
from voicelink.link_sim.talk import Talker, Talking
from voicelink.models.sizes import SAMPLE_RATE


class Bench:
    """Packets that come at their times, and a loudspeaker, with a clock for both.

    Attributes:
        heard: all that was played.
        said: the notes.
    """

    def __init__(self, packets: Iterable[tuple[float, Packet]] = (), **options) -> None:
        self.now = 0.0
        self.packets = list(packets)
        self.heard: list[np.ndarray] = []
        self.said: list[str] = []
        self.running, self.underflows = False, 0
        self.until = 0.0
        self.speed = 1.0  # of the loudspeaker's clock
        self.listener = Listener(
            Receiver(), self, self, note=self.said.append, clock=lambda: self.now, **options
        )

    def receive(self, timeout_s: float) -> Packet | None:
        if self.packets and self.packets[0][0] <= self.now:
            return self.packets.pop(0)[1]
        self.now += timeout_s
        return None

    @property
    def waiting(self) -> float:
        return max(0.0, self.until - self.now)

    def write(self, audio: np.ndarray) -> None:
        if self.until < self.now:
            self.underflows += self.running
            self.until = self.now
        self.until += len(audio) / SAMPLE_RATE / self.speed
        self.heard.append(audio)

    def run(self, seconds: float) -> np.ndarray:
        end = self.now + seconds
        while self.now < end:
            self.listener.step()
        return np.concatenate(self.heard)


def over(
    audio: np.ndarray, text: str = "", spread: int = 1, callsign: str = "AB1CD"
) -> list[tuple[float, Packet]]:
    """An over as it is spoken: packets and their times."""
    identifier = Identifier(callsign, text)
    transmitter = Transmitter("half", callsign=callsign, spread=spread, identifier=identifier)
    packets = transmitter.send(audio) + transmitter.finish()
    return [(0.5 + 0.32 * k, packet) for k, packet in enumerate(packets)]


def test_an_over_is_heard_and_named(sample: np.ndarray) -> None:
    bench = Bench(over(sample[:32000], "good morning"))
    heard = bench.run(8)
    assert bench.said[0] == "AB1CD: good morning"
    assert bench.said[1].startswith("AB1CD: over; superframes of 320 ms: 13 clean")
    assert len(bench.said) == 2
    assert not heard[: SAMPLE_RATE // 2].any() and np.abs(heard).max() > 0.1
    assert bench.underflows == 0
    counts = bench.listener.as_dict()
    assert (counts["callsign"], counts["text"], counts["overs"]) == ("AB1CD", "good morning", 1)
    assert counts["clean"] == 13 and counts["station"] == 2


def test_a_card_with_another_clock_is_followed(sample: np.ndarray) -> None:
    """500 ppm fast and slow, more than cards are: the speech is stretched, and nothing is cut."""
    changed = []
    for speed in (0.9995, 1.0005):
        bench = Bench(over(sample))
        bench.speed = speed
        bench.run(21)
        playout = bench.listener.playout
        assert bench.listener.statuses == {Status.CLEAN: 61}
        assert playout.late == bench.underflows == 0
        changed.append(playout.inserted - playout.dropped)
    # The rest is what the buffer takes: it is deeper or shallower by some 5 ms.
    assert 0.3 < (changed[1] - changed[0]) / (0.001 * len(sample)) < 1.1


def test_an_over_that_breaks_off_is_said(sample: np.ndarray) -> None:
    bench = Bench(over(sample[:32000])[:8])
    bench.run(10)
    assert bench.said[0] == "AB1CD is heard"
    assert "AB1CD: lost; superframes of 320 ms: 7 clean" in bench.said[1]


def test_an_over_is_said_of_who_spoke_it(sample: np.ndarray) -> None:
    """Also where the next one begins before its end is heard, and where nobody is named."""
    packets, began = [], 0.0
    for callsign in ("AB1CD", "", "AB1CD", "XY2Z"):
        spoken = over(sample[:16000], callsign=callsign)
        # The next one comes on the heels of the end.
        packets += [(began + due, packet) for due, packet in spoken]
        began += spoken[-1][0] - 0.48
    bench = Bench(packets)
    bench.run(14)
    assert [line.split(";")[0] for line in bench.said] == [
        "AB1CD is heard",
        "AB1CD: over",
        "no callsign: over",
        "AB1CD is heard",
        "AB1CD: over",
        "XY2Z is heard",
        "XY2Z: over",
    ]
    assert bench.listener.callsign == "XY2Z"


def test_noise_and_nonsense_stay_silent() -> None:
    rng = np.random.default_rng(1)
    noise = [(0.32 * k, Packet((8 * rng.normal(size=592)).astype(np.float32))) for k in range(40)]
    # No length of a frame without a CRC, which nothing tells from one.
    lengths = [n for n in range(1, 300) if n not in (32, 35)]
    junk = [(0.01 * n, Packet(np.zeros(n, np.uint8))) for n in lengths]
    bench = Bench(sorted(noise + junk, key=lambda arrival: arrival[0]))
    assert not bench.run(14).any()
    assert bench.listener.squelch.kept >= 40
    assert not bench.said and bench.listener.as_dict()["malformed"] > 200


def test_frames_of_another_model_are_said_once_and_stop_nothing(sample: np.ndarray) -> None:
    """Those of voice-profile, number 4, have payloads of another length."""
    others = [LinkEncoder("half", 3), LinkEncoder("half", 4, payload_bits=128)]
    strange = [
        (0.1 * k, others[k % 2].encode(bytes(others[k % 2].profile.payload_bytes)))
        for k in range(20)
    ]
    bench = Bench(strange + [(at + 3, packet) for at, packet in over(sample[:32000])])
    assert not bench.run(3).any()
    assert [line.split()[-1] for line in bench.said] == ["parametric-800", "voice-profile"]
    assert bench.run(8).any()
    assert len(bench.said) == 4 and "AB1CD is heard" in bench.said


def test_the_squelch_opens_when_sure_and_closes_after_a_while() -> None:
    decoder, link = LinkDecoder("half"), LinkEncoder("half")
    good = decoder.decode(link.encode(bytes(32)))
    last = decoder.decode(link.encode(bytes(32), end=True))
    bad = decoder.decode(Packet(np.random.default_rng(1).normal(size=592).astype(np.float32)))
    assert bad.status not in (Status.CLEAN, Status.CORRECTED)
    squelch = Squelch()
    assert not squelch.passes(bad) and squelch.passes(good)
    assert [squelch.passes(bad) for _ in range(HOLD + 2)] == [True] * HOLD + [False] * 2
    # A demodulator may be sure of what the code cannot mend; and an over's end closes.
    assert squelch.passes(bad, confirmed=True) and squelch.passes(bad)
    assert squelch.passes(last) and not squelch.passes(bad)
    assert squelch.kept == 4


def test_a_card_that_runs_dry_is_given_more_in_advance(sample: np.ndarray) -> None:
    bench = Bench(over(sample[:32000]))
    before = bench.listener._ahead
    for _ in range(5):
        bench.run(0.2)
        bench.now += 0.15  # the machine was busy
    assert before == AHEAD < bench.listener._ahead
    assert bench.underflows > 0


def test_a_loudspeaker_that_is_unplugged_and_back_costs_its_time_and_no_more(
    sample: np.ndarray,
) -> None:
    bench, cards = Bench(over(sample[:48000])), Cards(8000)
    speaker = SoundOutput(backend=cards, note=bench.said.append, clock=lambda: bench.now)
    bench.listener._speaker = speaker
    heard: list[tuple[float, np.ndarray]] = []
    played = 0.0
    while bench.now < 10:
        bench.listener.step()
        cards.present = not 2 < bench.now < 4
        while played < bench.now:
            played += 0.01
            if speaker.open and cards.present:
                heard.append((played, cards.streams[-1].play(80)))
    assert "output USB headphones is gone" in bench.said[1] and "is back" in bench.said[2]
    assert bench.said[3].startswith("AB1CD: over; superframes of 320 ms: 19 clean")
    assert speaker.losses == 1 and 2 <= speaker.lost_seconds <= 3.1
    assert max(np.abs(piece).max() for moment, piece in heard if moment > 5.2) > 0.1
    speaker.close()


class Air:
    """A radio on a sound card, in simulated time: what one station sends, another hears."""

    def __init__(self, signal: np.ndarray, spread: int = 1) -> None:
        import soxr

        self.cards = Cards(48000)
        self.card = SoundInput(backend=self.cards, clock=self.cards.clock)
        self.source = RadioSource(self.card, spread=spread)
        signal = soxr.resample(signal, SAMPLE_RATE, self.cards.rate)
        signal += np.random.default_rng(2).normal(scale=0.01, size=len(signal))
        self.signal, self.at = signal, 0

    def receive(self, timeout_s: float) -> Packet | None:
        packet = self.source.receive(0)
        if packet is None and timeout_s:
            count = round(timeout_s * self.cards.rate)
            self.cards.streams[-1].hear(self.signal[self.at : self.at + count])
            self.at += count
            self.cards.now += timeout_s
        return packet


def on_air(audio: np.ndarray, silence: float, spread: int = 1) -> np.ndarray:
    """The passband signal of an over at 8 kHz, with silence around it."""
    modulator = Modulator("bpsk", spread)
    signal = [modulator.modulate(packet) for _, packet in over(audio, "73", spread)]
    signal.append(modulator.finish())
    around = np.zeros(round(silence * SAMPLE_RATE), np.complex64)
    return 0.2 * to_passband(np.concatenate([around, *signal, around]))


def listen(air: Air, seconds: float) -> tuple[Bench, np.ndarray]:
    bench = Bench()
    bench.receive = air.receive
    bench.listener._clock = lambda: air.cards.now
    heard = []
    for _ in range(round(seconds * 100)):
        bench.now = air.cards.now
        bench.listener.step()
        if air.at / air.cards.rate >= seconds:
            break
    air.card.close()
    heard = np.concatenate(bench.heard)
    return bench, heard


@pytest.mark.parametrize("spread", [1, 4])
def test_a_radio_on_a_sound_card_is_heard(spread: int, sample: np.ndarray) -> None:
    air = Air(on_air(sample[:24000], 1.0, spread), spread)
    bench, heard = listen(air, 8)
    assert bench.said[0] == "AB1CD: 73"
    assert bench.listener.statuses[Status.CLEAN] + bench.listener.statuses[Status.CORRECTED] == 10
    assert bench.listener.overs == 1 and np.abs(heard).max() > 0.1
    assert air.source.snr_db > 10 and abs(air.source.frequency) < 1


@pytest.mark.parametrize("enters", [2.05, 3.3])
def test_who_enters_late_hears_within_two_seconds(enters: float, sample: np.ndarray) -> None:
    loud = np.tile(sample[4000:12000], 8)
    signal = on_air(loud, 0.5)[round(enters * SAMPLE_RATE) :]
    bench, heard = listen(Air(signal), 5)
    first = np.flatnonzero(np.abs(heard) > 0.02)[0] / SAMPLE_RATE
    # What is heard at first was said before it was sent.
    assert 0.3 < first < 2
    assert bench.listener.statuses[Status.CONCEALED] == 0


def test_an_over_leaves_the_card_without_a_gap() -> None:
    """The bursts as the card takes them are those of the modem, silence in front and behind.

    The transmitter is let go when the last of it has left the card, which is late itself.
    """
    cards = Cards(8000)
    sink = RadioSink(SoundOutput(backend=cards, clock=cards.clock), level=-20)
    sink.begin(0.1)
    for _, packet in over(np.zeros(5000, np.float32)):
        sink.send(packet)
    sink.finish()
    [stream] = cards.streams
    stream.latency = 0.25
    seconds, played = sink.waiting, []
    while sink.waiting > 0:
        played.append(stream.play(80))
        cards.now += 0.01
    assert cards.now == pytest.approx(seconds, abs=0.02) and sink.card.underflows == 0
    played = np.concatenate(played)
    last = np.flatnonzero(played)[-1]
    assert last / 8000 + stream.latency < cards.now < last / 8000 + stream.latency + 0.15
    assert not played[:800].any()
    middle = played[1600 : last - 1500]
    assert 10 * np.log10(2 * np.mean(middle**2)) == pytest.approx(-20, abs=1)
    assert np.abs(played).max() < 10 ** (-13 / 20)
    sink.card.close()


def shown(picture) -> str:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(picture)
    return console.file.getvalue()


def test_what_a_listener_and_a_speaker_see(sample: np.ndarray) -> None:
    bench, cards = Bench(over(sample[:32000], "hello")), Cards()
    with SoundOutput(backend=cards) as speaker:
        bench.run(3)
        speaker.underflows = 3
        picture = shown(listening(bench.listener, 12.3, [speaker, None]))
        assert re.search(r"▮+▯+ +-\d+ dBFS", picture)
        assert "open   AB1CD   SNR 12.3 dB   playing, buffer " in picture
        assert "\nccccc" in picture and "USB headphones: 3 underflows" in picture
    assert "output USB headphones is gone" in shown(listening(bench.listener, None, [speaker]))
    bench.run(5)
    assert "closed AB1CD   idle" in shown(listening(bench.listener, None, []))

    talker = Talker(None, None, WatchedPtt(Ptt()), TimeOutTimer())
    assert re.search(r"ready +overs 0, link frames 0", shown(talking(talker, -40, 180, None)))
    talker.state = Talking.OVER
    assert "on air   178 s left" in shown(talking(talker, -40, 178, None))


def test_notes_stay_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveLine() as line:
        line.show(lambda: pytest.fail("nothing is drawn"))
        line.note("AB1CD: [hello]")
    assert capsys.readouterr().err == "voicelink: note: AB1CD: [hello]\n"


def test_notes_are_shown_as_they_came() -> None:
    """Text from the air is no markup, and a long one is no trouble."""
    text = "AB1CD: :house: [red] 14:30 " + 100 * "x"
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with LiveLine(console, shown=True) as line:
        line.note(text)
    assert f"voicelink: note: {text}" in console.file.getvalue()
