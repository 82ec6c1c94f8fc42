"""The modem's blocks of GNU Radio, the recording, the limiter, and what they refuse."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np
import pytest
from graph import run_graph

from voicelink.blocks.audio import read_audio, write_audio
from voicelink.blocks.link import LinkEncoder
from voicelink.blocks.modem import Demodulator, Modulator
from voicelink.blocks.transmitter import split_payloads
from voicelink.models.codec import SpeechEncoder

run = functools.partial(run_graph, "modem_graphs.py")
RATE = 8000
AT_THE_END = np.zeros(RATE // 2)


def over(frames: int, seed: int, end: bool = True) -> np.ndarray:
    """The signal of an over, as the modem alone makes it of what modem_graphs.frames sends."""
    link, random, modulator = (
        LinkEncoder("half", callsign="N0CALL"),
        np.random.default_rng(seed),
        Modulator(),
    )
    signal = [
        modulator.modulate(link.encode(random.bytes(32), end=end and k == frames - 1))
        for k in range(frames)
    ]
    return np.concatenate([*signal, modulator.finish()])


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE))


def test_by_the_data_there_are_overs_and_nothing_between_them(tmp_path: Path) -> None:
    """Sample for sample the modem's, in bursts that are tagged."""
    result = run("overs", str(tmp_path / "signal.npy"))
    first, second, third = over(3, 1), over(3, 2), over(2, 3, end=False)
    before, after = silence(0.2), silence(0.1)
    bursts = [np.concatenate((before, signal, after)) for signal in (first, second, third)]
    expected = np.concatenate([*bursts, AT_THE_END])
    np.testing.assert_array_equal(np.load(tmp_path / "signal.npy"), expected.astype(np.complex64))
    ends = np.cumsum([len(burst) for burst in bursts])
    tags = [
        [int(at), key]
        for end, burst in zip(ends, bursts, strict=True)
        for at, key in ((end - len(burst), "tx_sob"), (end - 1, "tx_eob"))
    ]
    assert result == {"tags": tags, "bursts": 8, "gaps": 0, "errors": 0}


def test_by_the_clock_there_is_silence_and_a_frame_that_is_late_leaves_a_gap(
    tmp_path: Path,
) -> None:
    """The signal is closed before the gap as at the end of an over."""
    result = run("clocked", str(tmp_path / "signal.npy"))
    signal = np.concatenate(
        (silence(0.1), over(2, 1), silence(0.15), over(1, 2, end=False), np.zeros(20000))
    )
    expected = signal[:20000].astype(np.complex64)
    np.testing.assert_array_equal(np.load(tmp_path / "signal.npy"), expected)
    assert result == {"tags": [], "bursts": 3, "gaps": 1, "errors": 0}


def test_nonsense_is_counted_and_not_sent(tmp_path: Path) -> None:
    result = run("nonsense", str(tmp_path / "signal.npy"))
    expected = np.concatenate((over(2, 1), AT_THE_END)).astype(np.complex64)
    np.testing.assert_array_equal(np.load(tmp_path / "signal.npy"), expected)
    assert result["bursts"] == 2 and result["errors"] == result["sent"] > 60


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two overs in noise, 80 Hz off, with numbers between them that are none."""
    random = np.random.default_rng(5)
    bad = np.array([np.nan, np.inf, -np.inf, 3e38, complex(0, np.nan)] * 100)
    signal = np.concatenate((silence(0.3), over(4, 1), silence(0.2), over(3, 2), silence(0.5)))
    signal = signal * np.exp(2j * np.pi * 80 / RATE * np.arange(len(signal)))
    signal = signal + 0.3 * random.standard_normal((len(signal), 2)) @ [1, 1j]
    path = tmp_path_factory.mktemp("received") / "signal.npy"
    np.save(path, np.concatenate((bad, signal, bad)).astype(np.complex64))
    return path


@pytest.mark.parametrize("chunk", [97, 4096])
def test_the_demodulator_finds_the_same_in_any_portions(received: Path, chunk: int) -> None:
    signal = np.load(received)
    result = run("found", str(received), chunk)
    expected = Demodulator().push(signal)
    assert sum(burst.confirmed for burst in expected) >= 7
    assert len(result["pdus"]) == len(expected)
    for (metadata, llrs), burst in zip(result["pdus"], expected, strict=True):
        assert metadata == {
            "profile": "half",
            "confirmed": burst.confirmed,
            "position": burst.position,
            "frequency": burst.frequency,
            "snr_db": burst.snr_db,
            "esn0_db": burst.esn0_db,
        }
        np.testing.assert_array_equal(np.float32(llrs), burst.packet.data)
    confirmed = sum(burst.confirmed for burst in expected)
    assert result["counts"] == [len(expected), confirmed, 0]
    assert result["read"] == len(signal)


def test_started_again_the_demodulator_begins_with_a_new_stream(received: Path) -> None:
    once, twice = run("found", str(received)), run("found", str(received), 100000, 2)
    assert twice["pdus"] == 2 * once["pdus"]


def test_the_console_says_a_line_for_each_burst_and_what_there_was(tmp_path: Path) -> None:
    """What is none of the link's messages is counted, and nothing is said of it."""
    received = tmp_path / "received.npy"
    np.save(received, np.concatenate([silence(0.5), over(3, 1), silence(0.5)]))
    result = run("console_of", str(received))
    assert result["errors"] == result["junk"] > 0
    *lines, last = result["lines"]
    times = [re.fullmatch(r" +([.\d]+) s  burst      SNR  .* dB +[-+]0 Hz", line) for line in lines]
    assert np.diff([float(found[1]) for found in times]) == pytest.approx([0.32, 0.32], abs=0.011)
    assert re.fullmatch(r"bursts: 3, mean SNR \d+\.\d dB", last)


@pytest.mark.parametrize(
    ("rate", "offset"), [(8000, 0), (48000, 12e3), (390625, -100e3), (2e6, 25e3)]
)
def test_any_rate_of_a_radio_is_one_of_the_modem(tmp_path: Path, rate: float, offset: float):
    """Up to the radio's rate and off its middle, and back, with 35 dB over the damage."""
    bursts, seconds = run("by_radio", str(tmp_path / "signal.cf32"), rate, offset)
    assert len(bursts) == 3
    for esn0_db, frequency in bursts:
        assert esn0_db > 35 and abs(frequency) < 0.1
    # Lead, over and tail, and most of the silence at the end.
    assert seconds == pytest.approx(0.1 + len(over(3, 1)) / RATE + 0.05 + 0.5, abs=0.05)


def test_a_recording_is_one_over_with_its_end(sample: np.ndarray, tmp_path: Path) -> None:
    """Of any rate; and the encoder that it switches loses nothing of it."""
    path = tmp_path / "said.wav"
    write_audio(path, sample[:20000])
    result = run("recorded", str(path))
    speech, encoder = read_audio(path), SpeechEncoder()
    expected = split_payloads(encoder.encode(speech) + encoder.flush())
    assert result["payloads"] == [payload.hex() for payload in expected]
    assert result["ends"] == [False] * (len(expected) - 1) + [True]
    assert result["tags"] == [[0, True], [len(speech), False]]
    assert result["samples"] == len(speech) + 1
    assert result["cut"] == 0


def test_an_over_of_a_stuck_switch_is_ended(sample: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "said.wav"
    write_audio(path, sample[:20000])
    result = run("recorded", str(path), 1.5)
    encoder = SpeechEncoder()
    expected = split_payloads(encoder.encode(read_audio(path)[:12000]) + encoder.flush())
    assert result["payloads"] == [payload.hex() for payload in expected]
    assert result["ends"] == [False] * (len(expected) - 1) + [True]
    assert result["cut"] == 1


def test_the_limiter_keeps_below_full_scale_and_bends_nothing_else() -> None:
    result = run("limited")
    half, bent, nothing, little, full, zero = result["magnitudes"]
    assert (half, nothing, zero) == (0.5, 0, 0)
    assert 0.8 < little < 0.9 and little < bent < 1 and bent <= full < 1
    assert result["phases"][1:4:2] == pytest.approx([np.pi / 2, np.pi], abs=1e-6)
    # Of the samples that were one, the burst begins with the first and ends with the last.
    assert result["tags"] == [[5, "tx_sob"], [14, "tx_eob"]]
    assert result["errors"] == 0


SENDING = {"device": "uhd:", "transmit": True, "callsign": "AB1CD"}
REFUSED = [
    ("modulator", {"mode": "bqsk"}, "mode must be one of bpsk, qpsk"),
    ("modulator", {"pace": "slow"}, "pace must be one of clock, data, not 'slow'"),
    ("modulator", {"lead": -1}, "lead must be a number from 0 to 10, not -1"),
    ("demodulator", {"spread": 3}, "spread must be 1, or one of 2, 4, 8, 16 packets, not 3"),
    ("demodulator", {"frequency_range": 800}, "frequency_range must be a number from 0 to 500"),
    ("encoder", {"longest": -1}, "time-out must be a number from 1 to 600, not -1"),
    ("recording", {"file": "nosuch.wav"}, "cannot read nosuch.wav: No such file or directory"),
    ("radio_source", {"device": "rtlsdr"}, "device must be a driver and an address, as soapy:"),
    ("radio_source", {"device": "sopy:"}, "the driver of a device must be one of soapy, uhd, iio"),
    ("radio_source", {"device": "file:"}, "device must name a file behind file:"),
    ("radio_source", {"device": "file:nosuch.cf32"}, "cannot open file:nosuch.cf32: No such file"),
    ("radio_source", {"gain": "much"}, "gain must be a number from -200 to 200, not 'much'"),
    ("radio_source", {"gain": "LNA=9,VGA"}, "gain VGA must be a number from -200 to 200, not ''"),
    ("radio_source", {"ppm": 2000}, "ppm must be a number from -1000 to 1000, not 2000"),
    ("radio_source", {"rate": 4000}, "rate must be a number of at least 8000, not 4000"),
    (
        "radio_sink",
        {"device": "file:no/folder.cf32"},
        "cannot use file:no/folder.cf32: cannot write",
    ),
    ("radio_sink", {"offset": 118e3}, "offset at 240000 samples/s must be a number from -116000"),
    ("radio_sink", {"level": 1.5}, "level must be a number from 0 to 1, not 1.5"),
    (
        "radio_sink",
        SENDING | {"transmit": False},
        "uhd: is not keyed unless transmit says that it may",
    ),
    ("radio_sink", SENDING | {"callsign": ""}, "callsign must be the station's own, letters and"),
    ("radio_sink", SENDING | {"callsign": "N0CALL"}, "callsign must be the station's own"),
    ("radio_sink", SENDING | {"callsign": "MICHAEL"}, "callsign must be the station's own"),
    ("radio_sink", SENDING | {"callsign": "AB1|CD"}, "callsign must be at most 9 characters"),
    ("radio_sink", SENDING, "cannot open uhd:"),
    ("radio_source", {"device": "iio:ip:192.0.2.1"}, "cannot open iio:ip:192.0.2.1: "),
    ("radio_source", {"device": "soapy:driver=nosuch"}, "cannot open soapy:driver=nosuch: "),
]


def test_bad_parameters_and_absent_hardware_are_told_in_one_line() -> None:
    messages = run("refusals", [case[:2] for case in REFUSED])
    for (name, arguments, expected), message in zip(REFUSED, messages, strict=True):
        assert message.startswith(expected), (name, arguments, message)
        assert "\n" not in message


def test_a_full_disk_leaves_a_recording_of_what_it_held(tmp_path: Path) -> None:
    """Whole samples up to there; the flowgraph ends by itself."""
    assert run("full_disk", str(tmp_path / "r.cf32"), 100_000, 8 * 54_321 + 3) > 0
    recorded = np.fromfile(tmp_path / "r.cf32", np.complex64)
    np.testing.assert_array_equal(recorded, np.arange(54_321))
    assert (tmp_path / "r.cf32").stat().st_size == 8 * 54_321
    assert [path.name for path in tmp_path.iterdir()] == ["r.cf32"]
