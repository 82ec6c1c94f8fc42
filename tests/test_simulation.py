"""The whole link in accelerated time: what each channel does to it, and that runs repeat."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voicelink.link_sim.channels import ChannelChain, channels_from, scenario_names
from voicelink.link_sim.picture import MATPLOTLIB, check_matplotlib, draw
from voicelink.link_sim.score import score
from voicelink.link_sim.simulation import Simulation, simulate
from voicelink.link_sim.summary import summary
from voicelink.models.codec import code
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.measures import MEASURES


def run(audio: np.ndarray, spec, seed: int = 0, **options) -> Simulation:
    return simulate(audio, ChannelChain(channels_from(spec), seed), **options)


@pytest.mark.parametrize("profile", ["plain", "checked", "half", "third"])
def test_a_clean_link_is_the_codec_alone(profile: str, sample: np.ndarray) -> None:
    result = run(sample, [], profile=profile)
    np.testing.assert_array_equal(result.audio, code(sample))
    frames = result.report["superframes"]
    assert frames["clean"] == frames["sent"]
    gross = {"plain": 800, "checked": 925, "half": 1850, "third": 2775}
    rates = result.report["rates"]
    assert rates["on_air"] == pytest.approx(gross[profile])
    assert rates["payload"] == pytest.approx(800)
    assert rates["gross"] == pytest.approx(gross[profile])


@pytest.mark.parametrize("spread", [1, 4])
def test_rates_are_those_of_the_link_however_short_the_speech(spread: int) -> None:
    report = run(np.full(10, 0.1, np.float32), [], profile="half", spread=spread).report
    assert report["rates"]["payload"] == 800
    # One superframe, which spreading makes four packets of.
    assert report["rates"]["gross"] == pytest.approx(spread * report["rates"]["on_air"])
    assert f"payload 800 bit/s, on the air {report['rates']['on_air']:.0f} bit/s" in summary(report)
    assert ("before and behind the speech" in summary(report)) == (spread > 1)


def test_the_same_seed_gives_the_same_run(sample: np.ndarray) -> None:
    spec = ["loss:probability=0.2", "awgn:ebn0_db=1.5", "jitter:deviation=0.1"]
    one, same, other = (run(sample, spec, seed, profile="half") for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.audio, same.audio)
    for result in (one, same, other):
        del result.report["cpu"]
    assert one.report == same.report
    assert one.report != other.report


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_accounts_for_every_superframe(name: str, sample: np.ndarray) -> None:
    result = run(sample, name, profile="half")
    frames = result.report["superframes"]
    states = ("clean", "corrected", "soft", "concealed")
    assert sum(frames[s] for s in states) == frames["sent"] == len(result.statuses)
    assert len(result.audio) == len(sample)
    assert np.isfinite(result.audio).all()


def test_800_bits_a_second_carry_the_plain_profile_and_not_the_checked_one(
    sample: np.ndarray,
) -> None:
    channel = ["bandwidth:rate=800,queue_packets=3"]
    plain = run(sample, channel, profile="plain").report
    assert plain["superframes"]["clean"] == plain["superframes"]["sent"]
    assert plain["latency_ms"]["channel_max"] == pytest.approx(320)
    checked = run(sample, channel, profile="checked").report
    assert checked["packets"]["late"] + checked["channel"][0]["lost"] > 10


def test_what_comes_after_its_moment_is_late_unless_the_buffer_waits(sample: np.ndarray) -> None:
    channel = ["jitter:deviation=0.3"]
    hasty = run(sample, channel, buffer=0.05).report
    patient = run(sample, channel, buffer=1.5).report
    assert hasty["packets"]["late"] > 5 > patient["packets"]["late"] == 0
    assert patient["latency_ms"]["mouth_to_ear"] > hasty["latency_ms"]["mouth_to_ear"]


def test_doubled_packets_are_counted_and_harmless(sample: np.ndarray) -> None:
    report = run(sample, ["duplicate:probability=1"]).report
    assert report["packets"]["duplicate"] == report["packets"]["sent"]
    assert report["superframes"]["clean"] == report["superframes"]["sent"]


def test_error_correction_earns_its_bits(sample: np.ndarray) -> None:
    """The same energy for each payload bit, with and without coding."""
    heard = {
        profile: score(sample, run(sample, ["awgn:ebn0_db=3"], profile=profile).audio)["estoi"]
        for profile in ("checked", "half")
    }
    assert heard["half"] > heard["checked"]


def test_a_channel_that_lets_nothing_through_gives_silence(sample: np.ndarray) -> None:
    result = run(sample, ["loss:probability=1"])
    assert result.report["superframes"]["concealed"] == result.report["superframes"]["sent"]
    assert np.abs(result.audio[len(sample) // 2 :]).max() == 0


def test_an_empty_recording_is_one_superframe_of_silence() -> None:
    result = run(np.zeros(0, np.float32), [])
    assert len(result.audio) == 0
    assert result.report["superframes"]["sent"] == 1


def test_the_summary_tells_all_that_was_counted(sample: np.ndarray) -> None:
    report = run(sample, "lossy-ip", seed=3).report
    text = summary(report)
    for key in ("clean", "corrected", "soft", "concealed", "late", "duplicate"):
        assert key in text
    assert "payload 800 bit/s, on the air 925 bit/s" in text


def test_the_summary_says_that_late_packets_count_for_the_channel_only(sample: np.ndarray) -> None:
    # The modem is too slow for this profile: packets wait, and most come too late to be played.
    report = run(sample, "satellite-800", profile="checked").report
    assert report["packets"]["late"]
    assert report["latency_ms"]["channel_mean"] > report["latency_ms"]["mouth_to_ear"]
    assert "at most, late packets too; mouth to ear" in summary(report)
    assert "for what was in time" in summary(report)
    report = run(sample, "satellite-800", profile="plain").report
    assert not report["packets"]["late"] and "late packets too" not in summary(report)


def test_a_measure_that_cannot_be_had_is_none_and_is_not_talked_about(
    sample: np.ndarray, monkeypatch
) -> None:
    absent = replace(MEASURES["pesq"], library="no_such_library", modules=())
    monkeypatch.setitem(MEASURES, "pesq", absent)
    quality = score(sample, sample)
    assert quality["pesq"] is None and quality["estoi"] > 0.99
    report = run(sample, []).report
    text = summary(report | {"quality": quality})
    assert "pesq" not in text and "estoi" in text
    nothing = score(sample[:10], sample[:10])
    assert set(nothing.values()) == {None}
    assert "not measured (too little speech" in summary(report | {"quality": nothing})


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_picture_is_drawn(ending: str, tmp_path, sample: np.ndarray) -> None:
    result = run(sample, "bursty")
    path = tmp_path / f"link.{ending}"
    draw(path, sample, result.audio, result.statuses, "title")
    assert path.stat().st_size > 10_000
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_picture_of_no_known_format_is_refused(tmp_path, sample: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="must end with"):
        draw(tmp_path / "link.xyz", sample, sample, [], "title")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", ["3.6.3", "2.0"])
def test_a_matplotlib_that_is_too_old_is_named(version: str, monkeypatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    said = rf"matplotlib 3.7 or later, not {version}: pip install '.\[report\]'"
    with pytest.raises(ParameterError, match=said):
        check_matplotlib("report")


def test_every_extra_asks_for_a_matplotlib_that_can_draw() -> None:
    settings = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    asked = re.findall(r'"matplotlib([^"]*)"', settings)
    assert set(asked) == {">=" + ".".join(map(str, MATPLOTLIB))}
    # demo, report, test, and training, whose course is drawn
    assert len(asked) == 4


def test_a_buffer_out_of_range_is_refused(sample: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="buffer must be a number from 0 to 15, not -1"):
        run(sample, [], buffer=-1)
