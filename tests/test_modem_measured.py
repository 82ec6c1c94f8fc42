"""How the modem is measured: each figure against one that is known."""

import csv
import json
import math

import numpy as np
import pytest

from voicelink.blocks.modem import MODEM_RATE
from voicelink.link_sim.cli import main
from voicelink.link_sim.iq import IqChain, Noise
from voicelink.link_sim.modem import freedv
from voicelink.link_sim.modem.curve import Setting, bound, llr_scale, measure
from voicelink.link_sim.modem.path import PATHS, path
from voicelink.link_sim.modem.peer import measure_peer
from voicelink.link_sim.modem.speech import System
from voicelink.link_sim.modem.table import occupied_bandwidth
from voicelink.models.errors import ParameterError

needs_freedv = pytest.mark.skipif(freedv.absent() is not None, reason=str(freedv.absent()))


def test_a_point_of_a_curve_counts_everything():
    point = measure(Setting(over=4), snr_db=6, frames=7, seed=1)
    assert (point.frames, point.overs, point.bursts) == (8, 2, 8)
    assert (point.errors, point.undetected, point.acquired, point.first) == (0, 0, 8, 2)
    assert point.low == 0 < point.high < 0.4
    # At 800 bit/s a bit has 3000 / 800 times the energy over the noise density.
    # And the preamble that ends each over of four, 40 of its 2600 symbols, is paid for.
    assert point.ebn0_db == pytest.approx(6 + 5.74 + 10 * math.log10(2600 / 2560), abs=0.02)
    assert point.frequency_hz < 1 and abs(point.snr_bias_db) < 1
    again = measure(Setting(over=4), snr_db=6, frames=7, seed=1)
    assert (again.frequency_hz, again.snr_bias_db) == (point.frequency_hz, point.snr_bias_db)


def test_nothing_comes_through_far_below_the_bound():
    point = measure(Setting(over=3), snr_db=-15, frames=3)
    assert point.fer == 1 and point.bound == pytest.approx(1, abs=1e-6)
    assert math.isnan(point.llr_scale) or point.acquired


def test_the_bound_is_that_of_the_tables():
    """Normal approximation for 256 in 512: FER 1e-1 at 0.67 dB, 1e-2 at 1.14 dB Eb/N0."""
    assert bound(0.67) == pytest.approx(0.1, rel=0.06)
    assert bound(1.14) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("by", [0.5, 1, 2])
def test_the_scale_of_llrs_is_found(by):
    """BPSK's LLRs, of mean m and variance 2 m, are true."""
    random = np.random.default_rng(2)
    true = 2 + 2 * random.standard_normal(40000)
    assert llr_scale(by * true) == pytest.approx(1 / by, rel=0.04)
    assert math.isnan(llr_scale(np.ones(10)))


def test_bandwidth_of_what_is_known():
    random = np.random.default_rng(3)
    noise = IqChain([Noise(snr_db=0)]).process(np.zeros(80000, np.complex64))
    assert occupied_bandwidth(noise, MODEM_RATE) == pytest.approx(0.99 * MODEM_RATE, rel=0.01)
    tone = np.exp(2j * np.pi * random.random() * np.arange(80000))
    assert occupied_bandwidth(tone, MODEM_RATE) < 10


def test_the_table_of_modes(capsys):
    assert main(["modem", "modes", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert (rows[0]["mode"], rows[0]["symbol_rate"], rows[0]["bits"]) == ("bpsk", 2000, 592)
    for row in rows:
        # A root-raised cosine has 99 % of its power in little more than the symbol rate.
        assert row["symbol_rate"] < row["bandwidth_hz"] < 1.2 * row["symbol_rate"]
        assert 2 < row["papr_db"] < row["peak_db"] < 8
        assert 0 < row["overhead_db"] < 1


def test_paths_by_name():
    for name in PATHS:
        assert [e.name for e in path(name, 3)][-1] == "noise"
    names = [e.name for e in path("watterson-good", 3, 50, 10, cheap=True)]
    assert names[:4] == ["watterson", "frequency", "clock", "noise"]
    with pytest.raises(ParameterError, match="path must be one of awgn"):
        path("fog", 0)


def test_systems_by_name():
    assert System("bpsk/4").mode == ("bpsk", 4) and not System("bpsk/4").peer
    assert System("bpsk/4").label == "bpsk, spread over 4"
    for wrong in ("psk", "bpsk/3", "bpsk/x", "700F"):
        with pytest.raises(ParameterError):
            System(wrong)


# FreeDV


def test_baseband_and_back_with_the_noise_of_one_side():
    """A signal keeps its ratio to the noise in its band on the way through a transceiver."""
    time = np.arange(80000) / MODEM_RATE
    real = np.cos(2 * np.pi * 1700 * time)
    baseband = freedv.to_baseband(real)
    assert np.mean(np.abs(baseband) ** 2) == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(freedv.to_real(baseband), real, atol=1e-4)
    noise = freedv.to_real(IqChain([Noise(snr_db=10)]).process(0 * baseband))
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    in_3_khz = 2 * spectrum[: len(spectrum) * 3 // 4].sum() / len(noise) ** 2
    assert np.mean(real**2) / in_3_khz == pytest.approx(10, rel=0.03)


@needs_freedv
def test_freedv_works_down_to_the_levels_that_it_is_known_for():
    """700D down to -2 dB, 700E to +1 dB: most packets come, and few 4 dB below."""
    for name, lowest in (("700D", -2.0), ("700E", 1.0)):
        setting = Setting(over=40, offset_hz=10, ppm=0)
        near, below = (measure_peer(name, setting, lowest + step, 40, 2) for step in (1, -4))
        assert near.fer < 0.3 and below.fer > 0.7
        assert near.frames == round(40 * 0.32 / freedv.FreeDv(name).packet_seconds)


@needs_freedv
def test_freedv_speech_comes_back(sample):
    from voicelink.link_sim.modem.speech import hear

    audio, packets, wrong = hear(System("700E"), sample, "awgn", 30, np.random.SeedSequence(1))
    assert len(audio) == len(sample) and wrong == 0
    assert packets == math.ceil(len(sample) / 640)
    power, said = (np.convolve(np.abs(x), np.ones(400), "valid") for x in (audio, sample))
    assert np.corrcoef(power, said)[0, 1] > 0.8


def test_freedv_without_its_library_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(freedv.ctypes.util, "find_library", lambda name: None)
    assert main(["modem", "curve", "--freedv", "700D", "--path", "awgn:0", "--frames", "1"]) == 2
    assert "apt-get install libcodec2-1.0" in capsys.readouterr().err


# The command


def test_the_command_writes_its_results(tmp_path, capsys):
    files = [tmp_path / name for name in ("c.csv", "c.json", "c.png")]
    curve = ["modem", "curve", "--path", "awgn:4:8:4,watterson-good:12", "--over", "2"]
    options = [f"--{f.suffix[1:].replace('png', 'picture')}={f}" for f in files]
    assert main([*curve, "--frames", "2", *options]) == 0
    assert "FER" in capsys.readouterr().out
    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    assert [(row["path"], row["snr_db"]) for row in rows] == [
        ("awgn", "4.0"), ("awgn", "8.0"), ("watterson-good", "12.0"),
    ]  # fmt: skip
    assert [row["frames"] for row in json.loads(files[1].read_text())] == [2, 2, 2]
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_a_picture_has_the_bound_of_the_models_payload(tmp_path):
    file = tmp_path / "curve.svg"
    curve = ["modem", "curve", "--model", "voice-profile", "--path", "awgn:0", "--over", "1"]
    assert main([*curve, "--frames", "1", "--picture", str(file)]) == 0
    text = file.read_text()
    assert "bound, 128 bits in 256" in text and "Eb/N0 at 400 bit/s, dB" in text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("curve --mode psk", "mode must be one of bpsk"),
        ("curve --path mist", "--path must be one of awgn, watterson-good"),
        ("curve --path awgn:3:1:1", "FIRST:LAST:STEP or one level in dB, rising, not '3:1:1'"),
        ("curve --path awgn:x", "FIRST:LAST:STEP or one level"),
        ("curve --frames 0", "--frames must be a number of at least 1"),
        ("curve --csv -", "--csv must be a file"),
        ("speech --systems ,", "--systems must name one mode at least"),
        ("noise --hours 0", "--hours must be a number from 0.001"),
    ],
)
def test_what_the_command_cannot_use_is_one_line(command, words, capsys):
    assert main(["modem", *command.split()]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert words in said.err
