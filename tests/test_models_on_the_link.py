"""Every released model over the link: what is decoded is what was said, at its own rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graph import run_graph

from voicelink.blocks.bitstream import BitstreamHeader
from voicelink.blocks.status import Status
from voicelink.link_sim.channels.chain import ChannelChain
from voicelink.link_sim.channels.compose import channels_from
from voicelink.link_sim.simulation import simulate
from voicelink.models.card import DEFAULT, card, released
from voicelink.models.codec import coded
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS

VOICE = "voice-profile"


@pytest.fixture(scope="module")
def speech(sample: np.ndarray) -> np.ndarray:
    return sample[SAMPLE_RATE : 3 * SAMPLE_RATE]


def test_a_link_without_errors_is_the_codec_bit_for_bit(model: str, speech: np.ndarray) -> None:
    """Whatever a model's delay: sound comes out where it went in."""
    found = card(model)
    voice = bytes(range(found.voice_bytes)) or None
    channel = channels_from(["awgn:ebn0_db=7"])
    result = simulate(speech, ChannelChain(channel, seed=1), "half", model, voice=voice)
    assert set(result.statuses) <= {Status.CLEAN, Status.CORRECTED}
    np.testing.assert_array_equal(result.audio, coded(speech, model, voice)[0])
    report = result.report
    assert report["model"] == model
    assert report["rates"]["on_air"] == pytest.approx(2 * (found.bit_rate + 125))
    assert report["latency_ms"]["mouth_to_ear"] > 1000 * (0.32 + found.delay / SAMPLE_RATE)


def test_lost_frames_are_concealed(model: str, speech: np.ndarray) -> None:
    chain = ChannelChain(channels_from(["loss:probability=0.5"]), seed=3)
    result = simulate(speech, chain, "checked", model)
    assert np.isfinite(result.audio).all() and len(result.audio) == len(speech)
    assert result.statuses.count(Status.CONCEALED) >= 2


def test_what_failed_is_soft_only_where_the_model_is_understood(speech: np.ndarray) -> None:
    """The same noise: latents that are half known still speak, indexes of codebooks do not."""
    statuses = {}
    for name in (DEFAULT, "parametric-800"):
        chain = ChannelChain(channels_from(["awgn:ebn0_db=0"]), seed=1)
        statuses[name] = set(simulate(speech, chain, "half", name).statuses)
    assert statuses == {DEFAULT: {Status.SOFT}, "parametric-800": {Status.CONCEALED}}


@pytest.mark.parametrize("model", [name for name in released() if name != DEFAULT], indirect=True)
def test_the_commands_know_the_model(model: str, speech_file: Path, voicelink, tmp_path) -> None:
    heard, signal = tmp_path / "heard.wav", tmp_path / "signal.wav"
    status, out, err = voicelink("sim", speech_file, heard, "--model", model)
    assert status == 0 and model in out, err
    status, _, err = voicelink("modulate", speech_file, signal, "--model", model)
    assert status == 0, err
    width = 1.2 * (48 + 2 * (card(model).payload_bits + 40)) / SUPERFRAME_SECONDS
    assert f"{width:.0f} Hz wide" in err
    status, _, err = voicelink("demodulate", signal, heard, "--model", model)
    assert status == 0, err
    assert "clean" in err and "concealed" not in err


@pytest.fixture(scope="module")
def speech_file(speech: np.ndarray, tmp_path_factory) -> Path:
    from voicelink.blocks.audio import write_audio

    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    write_audio(path, speech)
    return path


def test_a_voice_from_a_file(sample_path: Path, voicelink, tmp_path: Path) -> None:
    """Taken from a recording, sent in front of the speech; and by GNU Radio's blocks."""
    voice, heard = tmp_path / "voice", tmp_path / "heard.wav"
    status, _, err = voicelink("models", "voice", sample_path, voice)
    assert status == 0, err
    report = tmp_path / "report.json"
    status, _, err = voicelink(
        "sim", sample_path, heard, "--model", VOICE, "--voice", voice, "--json", report
    )
    assert status == 0, err
    assert '"voice": ' in report.read_text()
    for wrong, reason in (
        (["--voice", tmp_path / "none"], "cannot read"),
        (["--voice", sample_path], "must hold a voice of 1 to 64 bytes"),
        (["--voice", voice, "--model", "neural-800"], "does not send it apart"),
        (["--voice", voice, "--profile", "plain"], "a voice needs a profile with a header"),
    ):
        status, _, err = voicelink("sim", sample_path, heard, "--model", VOICE, *wrong)
        assert status == 2 and reason in err

    found = run_graph("block_graphs.py", "voice_over", VOICE, str(voice))
    assert found["payloads"] == [[voice.read_bytes().hex(), False, 16]] * 3
    # Two frames of the voice in front of three of speech.
    assert found["frames"] == [[number, 42] for number in range(5)]
    assert found["played"] == [[number, "clean"] for number in (2, 3, 4)]
    assert found["samples"] == 3 * 2560
    assert (found["counts"]["voice"], found["errors"]) == (2, 0)


def test_a_bitstream_has_the_voice_in_it(sample_path: Path, voicelink, tmp_path: Path) -> None:
    coded_file = tmp_path / "coded.vln"
    assert voicelink("encode", sample_path, coded_file, "--model", VOICE)[0] == 0
    header = BitstreamHeader.from_bytes(coded_file.read_bytes())
    assert header == BitstreamHeader(card(VOICE).number, card(VOICE).voice_bytes)
