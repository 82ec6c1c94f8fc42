"""The threshold between a frame that is heard softly and one that is concealed."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from voicelink.blocks.audio import write_audio
from voicelink.blocks.link import LinkDecoder, LinkEncoder
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.snr import symbol_statistics
from voicelink.blocks.status import Status
from voicelink.blocks.sync_word import SYNC_BITS, SYNC_SYMBOLS
from voicelink.link_sim import calibrate
from voicelink.link_sim.calibrate import Class, Sample, classes, noise_reliabilities, threshold
from voicelink.link_sim.damaged_speech import NeuralLink, listen
from voicelink.link_sim.fer import awgn_llrs
from voicelink.models.card import RELIABLE_FROM
from voicelink.models.evaluation.evaluate import Recording
from voicelink.models.evaluation.measures import MEASURES


@pytest.mark.parametrize("profile", ["half", "third"])
def test_noise_is_concealed(profile: str) -> None:
    """White noise where a frame is expected, demodulated as FrameSync does it."""
    decoder = LinkDecoder(profile)
    noise = np.random.default_rng(1).standard_normal((200, SYNC_BITS + decoder.profile.bits))
    llrs = [symbol_statistics(n, SYNC_SYMBOLS).llr(n[SYNC_BITS:]) for n in noise]
    frames = decoder.decode_many(np.stack(llrs))
    assert sum(frame.status is not Status.CONCEALED for frame in frames) <= 2
    # Without a sync word to measure the level by, noise looks more like a signal.
    sure, blind = (noise_reliabilities(profile, 100, 1, blind) for blind in (False, True))
    assert np.mean(sure) < np.mean(blind)
    assert np.mean(blind >= RELIABLE_FROM) < 0.2


@pytest.mark.parametrize(("profile", "ebn0"), [("half", -0.5), ("third", -0.5)])
def test_speech_that_can_be_understood_is_not(profile: str, ebn0: float) -> None:
    """ESTOI is 0.45 to 0.5 there in a stretch of bad frames, with `neural-800`."""
    rng = np.random.default_rng(2)
    bits = LinkEncoder(profile).encode_many(rng.integers(0, 256, (100, 32), dtype=np.uint8))
    llrs = awgn_llrs(bits, ebn0 + 10 * np.log10(256 / bits.shape[1]), rng)
    frames = LinkDecoder(profile).decode_many(llrs)
    assert sum(frame.status is Status.CONCEALED for frame in frames) < 10


def test_what_is_known_of_a_hopeless_frame_fills_a_short_gap(sample: np.ndarray) -> None:
    """Better than what is made of nothing where every fourth frame is gone."""
    seed = np.random.SeedSequence(3)
    bad = NeuralLink().noisy_frames(sample, "half", -3.5, seed)
    good = NeuralLink().noisy_frames(sample, "half", 10, seed)
    assert np.mean([frame.status is Status.CONCEALED for frame in bad]) > 0.9
    estoi = MEASURES["estoi"]

    def heard(instead: list) -> float:
        receiver = Receiver("half", first=0, follow=False)
        mixed = [instead[i] if i % 4 == 1 else frame for i, frame in enumerate(good)]
        return estoi(sample, listen(receiver, mixed)[: len(sample)])

    assert heard(bad) > heard([None] * len(bad)) + 0.02


@pytest.mark.parametrize(
    ("model", "worth"),
    [("neural-800", 0.1), ("parametric-800", 0.05), ("codec2-700c-neural", 0.03)],
    indirect=["model"],
)
def test_samples_get_better_with_the_signal(model: str, worth: float, sample: np.ndarray) -> None:
    recording = Recording("sample", sample[: 6 * 8000])
    weak, strong = (
        calibrate.samples_of(NeuralLink(model), recording, 0, "half", ebn0, 0) for ebn0 in (-6, 0)
    )

    def mean(samples: list[Sample], name: str) -> float:
        return float(np.nanmean([getattr(each, name) for each in samples]))

    for name in ("reliability", "stretch", "soft"):
        assert mean(weak, name) + 0.05 < mean(strong, name), name
    assert mean(strong, "soft") > mean(strong, "stretch")
    assert mean(strong, "soft") > mean(strong, "concealed") + worth
    assert all(math.isfinite(s.soft) == math.isfinite(s.concealed) for s in weak + strong)


def test_classes_sort_samples_by_reliability() -> None:
    samples = [
        Sample("half", 0, 0.32, 0.4, 0.6, 0.2),
        Sample("half", 0, 0.34, 0.5, math.nan, math.nan),
        Sample("half", 0, 0.7, math.nan, 0.8, 0.3),
    ]
    found = classes(samples, np.array([0.02, 0.12]), np.array([0.12, 0.31, 0.33, 0.9]))
    by_low = {each.low: each for each in found}
    assert sum(each.frames for each in found) == 3
    assert by_low[0.3].stretch == pytest.approx(0.45)
    assert (by_low[0.3].soft, by_low[0.3].concealed) == (0.6, 0.2)
    assert (by_low[0.1].noise, by_low[0.3].blind) == (0.5, 0.75)
    assert math.isnan(by_low[0.6].stretch)


def test_threshold_is_where_understanding_begins_and_noise_ends() -> None:
    def made(stretch: list[float], noise: list[float], concealed: float = 0.2) -> list[Class]:
        return [
            Class(0.1 * i, 0.1 * (i + 1), 9, s, 0.5, concealed, n, n)
            for i, (s, n) in enumerate(zip(stretch, noise, strict=True))
        ]

    understood, quiet = [0.2, 0.3, 0.41, 0.5], [1, 0.5, 0.005, 0]
    assert threshold(made(understood, quiet)) == pytest.approx(0.2)
    assert threshold(made([0.2, 0.3, 0.39, 0.5], quiet)) == pytest.approx(0.3)
    assert threshold(made(understood, [1, 0.5, 0.2, 0])) == pytest.approx(0.3)
    assert math.isnan(threshold(made(understood, quiet, concealed=0.6)))


def test_command(tmp_path: Path, sample: np.ndarray, capsys, monkeypatch) -> None:
    monkeypatch.setattr(calibrate, "EBN0", {"half": (-4, 0.5)})
    write_audio(tmp_path / "said.wav", sample[: 2 * 8000])
    result = tmp_path / "c.json"
    assert calibrate.main([str(tmp_path), "--noise", "20", "--json", str(result)]) == 0
    out = capsys.readouterr().out
    assert f"threshold: {RELIABLE_FROM:g} in use" in out and "| half | -4 |" in out
    document = json.loads(result.read_text())
    assert document["threshold"]["in_use"] == RELIABLE_FROM
    assert {frame["ebn0"] for frame in document["frames"]} == {-4, 0.5}
    assert sum(each["frames"] for each in document["classes"]) == len(document["frames"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--noise", "0"], "--noise must be"),
        (["--limit", "0"], "--limit must be"),
        (["--model", "none"], "model must be one of"),
        (["--model", "vae-digits"], "vae-digits codes several superframes together"),
        (["--model", "voice-profile"], "voice-profile sends the speaker's voice in place of some"),
        ([], "must hold audio files"),
    ],
)
def test_bad_input_is_refused_in_one_line(options, said, tmp_path, capsys) -> None:
    assert calibrate.main([str(tmp_path), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err
