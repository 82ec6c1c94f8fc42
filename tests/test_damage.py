"""Curves of decoded speech over damaged links."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from voicelink.blocks.audio import write_audio
from voicelink.blocks.link import saturated
from voicelink.blocks.receiver import Receiver
from voicelink.blocks.status import Status
from voicelink.link_sim import damage
from voicelink.link_sim.channels import ChannelChain
from voicelink.link_sim.channels.awgn import Awgn
from voicelink.link_sim.damage_results import damage_curves, measured, to_json
from voicelink.link_sim.damaged_codec2 import (
    Codec2Link,
    concealment,
    lost_spans,
    with_bit_errors,
)
from voicelink.link_sim.damaged_speech import (
    Damage,
    NeuralLink,
    ebn0_of_error_rate,
    listen,
    trusted,
)
from voicelink.link_sim.recordings import read_recordings
from voicelink.link_sim.simulation import simulate
from voicelink.models.card import card
from voicelink.models.codec import SpeechDecoder, code
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.evaluate import Recording
from voicelink.models.evaluation.measures import MEASURES

ESTOI = MEASURES["estoi"]


@pytest.fixture(scope="module")
def speech(sample: np.ndarray) -> np.ndarray:
    return sample[: 4 * 8000]


def heard(speech: np.ndarray, kind: str, level: float, seed: int = 0, link=None) -> dict:
    damage = Damage(kind, level)
    return (link or NeuralLink()).hear(speech, damage, damage.seed(seed, 0))


def test_speech_over_an_undamaged_link_is_the_codec_alone(model: str, speech: np.ndarray) -> None:
    link = NeuralLink(model)
    assert link.name == model
    clean = code(speech, model)
    np.testing.assert_array_equal(link.clean(speech), clean)
    quiet = {}
    for kind, level in (("errors", 1e-15), ("loss", 0), ("half", 9)):
        quiet |= heard(speech, kind, level, link=link)
    assert set(quiet) == {"hard", "soft", "concealed", "dropped", "hard bits"}
    for each in quiet.values():
        assert each.failed == 0
        # A voice that goes apart is neutral without a header, and takes a superframe's place else.
        if not card(model).voice_bytes:
            np.testing.assert_array_equal(each.audio, clean)
    noisy = heard(speech, "third", 0.5, link=link)["dropped"]
    assert noisy.failed > 0
    assert ESTOI(speech, noisy.audio) < ESTOI(speech, quiet["dropped"].audio) - 0.05


def test_noise_is_per_bit_of_the_models_payload(speech: np.ndarray) -> None:
    """Eb/N0 of 3 dB: BPSK's LLRs are 4 Es/N0 on average, whatever the payload's share."""
    for model, size in (("neural-800", 256), ("voice-profile", 128)):
        link = NeuralLink(model)
        seed = np.random.SeedSequence(1)
        frames = link.noisy_frames(np.tile(speech, 3), "plain", 3, seed)
        llrs = np.abs([frame.payload_llr for frame in frames])
        assert llrs.shape[1] == size
        assert np.mean(llrs) == pytest.approx(4 * 10**0.3, rel=0.05)


def test_speech_suffers_more_from_more_damage(speech: np.ndarray) -> None:
    def estoi(kind: str, level: float, receiver: str) -> float:
        return ESTOI(speech, heard(speech, kind, level)[receiver].audio)

    for kind, levels, receiver in (
        ("errors", (0.001, 0.05, 0.2), "hard"),
        ("errors", (0.001, 0.05, 0.2), "soft"),
        ("loss", (0.05, 0.3, 0.7), "concealed"),
        ("half", (2.5, 1, -1), "soft"),
        ("third", (2, 0.5, -1), "dropped"),
    ):
        scores = [estoi(kind, level, receiver) for level in levels]
        assert scores[0] > scores[1] + 0.03 > scores[2] + 0.06, (kind, receiver, scores)


def test_soft_decisions_are_worth_something(speech: np.ndarray) -> None:
    noisy = heard(speech, "half", 0.5)
    scores = {name: ESTOI(speech, each.audio) for name, each in noisy.items()}
    assert scores["soft"] > scores["hard bits"] > scores["dropped"] + 0.1
    errors = heard(speech, "errors", 0.1)
    assert ESTOI(speech, errors["soft"].audio) > ESTOI(speech, errors["hard"].audio)


def test_the_error_rate_is_the_one_asked_for(speech: np.ndarray) -> None:
    """Hard and soft see the same noise, and Q(sqrt(2 Eb/N0)) of the bits are wrong."""
    assert ebn0_of_error_rate(0.02275013) == pytest.approx(10 * np.log10(2), abs=1e-5)
    for rate in (0.01, 0.1):
        chain = ChannelChain([Awgn(ebn0_db=ebn0_of_error_rate(rate))], 1)
        simulate(np.tile(speech, 4), chain, "plain")
        (stats,) = chain.stats()
        spread = np.sqrt(rate * (1 - rate) / stats["bits"])
        assert abs(stats["wrong"] / stats["bits"] - rate) < 4 * spread


def test_the_soft_receiver_is_the_product(speech: np.ndarray) -> None:
    """What is measured in batches is what `simulate` gives frame by frame."""
    point = Damage("half", 1.0)
    result = simulate(speech, ChannelChain([Awgn(ebn0_db=1.0)], point.seed(0, 0)), "half")
    soft = NeuralLink().hear(speech, point, point.seed(0, 0))["soft"]
    np.testing.assert_allclose(soft.audio, result.audio, atol=1e-6)
    assert soft.statuses == {s.value: result.statuses.count(s) for s in Status}


def test_hard_bits_are_what_the_code_decided(speech: np.ndarray) -> None:
    frames = NeuralLink().noisy_frames(speech, "half", 0.0, np.random.SeedSequence(1))
    failed = [frame for frame in frames if frame.header is None]
    assert failed
    for frame in failed:
        sure = trusted(frame)
        assert sure.status is Status.SOFT
        np.testing.assert_array_equal(sure.payload_llr, saturated(frame.payload_llr < 0))


def test_frames_that_do_not_come_are_concealed_in_their_place(speech: np.ndarray) -> None:
    frames = NeuralLink().noisy_frames(speech, "half", 9, np.random.SeedSequence(1))
    receiver = Receiver("half", first=0, follow=False)
    audio = listen(receiver, [None if i == 3 else frame for i, frame in enumerate(frames)])
    llrs = np.array([frame.payload_llr for frame in frames])
    llrs[3] = 0
    decoder = SpeechDecoder()
    np.testing.assert_array_equal(audio, decoder.decode_llrs(llrs)[decoder.delay :])
    assert receiver.counts.concealed == 1 and receiver.counts.soft == 0


def test_recordings_have_each_their_own_damage_and_the_seed_repeats_it() -> None:
    draws = {
        Damage(kind, level).seed(seed, recording).generate_state(1)[0]
        for kind, level in (("errors", 0.01), ("loss", 0.01), ("loss", 0.05), ("half", 0.05))
        for seed in (0, 1)
        for recording in (0, 1)
    }
    assert len(draws) == 16
    first, again = (Damage("half", 0.5).seed(3, 2).generate_state(4) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_pesq_of_next_to_nothing_is_no_figure(speech: np.ndarray) -> None:
    faint = np.where(np.arange(len(speech)) < 3000, speech, 0)
    assert not ESTOI.absent()
    values = measured(speech, faint, 0, [ESTOI, MEASURES["pesq"]])
    assert np.isnan(values["pesq"]) and np.isfinite(values["estoi"])
    assert np.isfinite(measured(speech, code(speech), 0, [MEASURES["pesq"]])["pesq"])


def test_curves_are_the_same_whoever_computes_them(sample: np.ndarray) -> None:
    recordings = [Recording("a", sample[:24000]), Recording("b", sample[40000:64000])]
    link = NeuralLink()
    one, two = (
        damage_curves([link], recordings, [ESTOI], ["loss"], seed=4, jobs=jobs) for jobs in (1, 2)
    )
    # But for the last digit: sums depend on where in memory an array begins.
    assert to_json(one) == to_json(two)
    assert [row.statuses for row in one.rows] == [row.statuses for row in two.rows]
    (curve,) = one.curves
    assert (curve.link, curve.kind, curve.receiver) == ("neural-800", "loss", "concealed")
    levels = one.levels(curve)
    assert levels == [0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4]
    assert one.drop(curve, 0, "estoi").value == 0 and one.failed(curve, 0) == 0
    assert one.drop(curve, 0.4, "estoi").value > 0.05
    clean = one.undamaged("neural-800", "estoi").value
    drop, mean = one.drop(curve, 0.4, "estoi").value, one.mean(curve, 0.4, "estoi").value
    assert clean - drop == pytest.approx(mean)
    other = damage_curves([link], recordings, [ESTOI], ["loss"], seed=5)
    assert other.rows != one.rows
    document = json.loads(to_json(one))
    points = document["curves"][0]["points"]
    assert [point["level"] for point in points] == levels
    assert points[-1]["statuses"]["concealed"] == pytest.approx(one.failed(curve, 0.4), abs=1e-5)


class TestCodec2:
    @pytest.fixture(params=["codec2-700C", "codec2-1300"])
    def link(self, request) -> Codec2Link:
        link = Codec2Link(request.param)
        if link.absent():
            pytest.skip(link.absent())
        return link

    def test_suffers_from_errors_and_losses(self, link: Codec2Link, speech: np.ndarray) -> None:
        clean = link.clean(speech)
        for each in (
            heard(speech, "errors", 0, link=link)["hard"],
            heard(speech, "loss", 0, link=link)["concealed"],
        ):
            np.testing.assert_array_equal(each.audio, clean)
        whole = ESTOI(speech, clean)
        wrong = heard(speech, "errors", 0.1, link=link)["hard"]
        lost = heard(speech, "loss", 0.3, link=link)["concealed"]
        assert ESTOI(speech, wrong.audio) < whole - 0.1
        assert ESTOI(speech, lost.audio) < whole - 0.01 * lost.failed
        assert lost.failed > 0

    def test_padding_is_not_speech(self, link: Codec2Link, speech: np.ndarray) -> None:
        count = link._codec.count
        coded = np.frombuffer(link._codec.encoded(speech), np.uint8).reshape(-1, count.size)
        bits = np.unpackbits(coded, axis=1)
        assert not bits[:, count.bits :].any() and bits[:, count.bits - 4 : count.bits].any()
        wrong = with_bit_errors(coded, count.bits, 1, np.random.default_rng(0))
        np.testing.assert_array_equal(
            np.unpackbits(wrong, axis=1) ^ bits,
            np.broadcast_to(np.arange(8 * count.size) < count.bits, bits.shape),
        )

    def test_loses_what_the_neural_link_loses(self, speech: np.ndarray) -> None:
        for kind in ("loss", "bursts"):
            point = Damage(kind, 0.3)
            lost = lost_spans(18, point, point.seed(0, 0))
            result = heard(speech, kind, 0.3)["concealed"]
            assert lost[: result.frames].sum() == result.failed == result.statuses["concealed"]
            assert lost.any()

    def test_repeats_twice_and_is_silent_then(self) -> None:
        source, muted = concealment(np.array([0, 1, 1, 1, 1, 0, 1], bool))
        assert source.tolist() == [0, 0, 0, 0, 0, 5, 5]
        assert muted.tolist() == [False, False, False, True, True, False, False]


def test_command(tmp_path: Path, sample: np.ndarray, capsys) -> None:
    pytest.importorskip("matplotlib")
    write_audio(tmp_path / "said.wav", sample[:24000])
    json_file, picture = tmp_path / "d.json", tmp_path / "d.png"
    options = ["--measures", "estoi", "--only", "errors,half", "--jobs", "1"]
    files = ["--json", str(json_file), "--picture", str(picture)]
    assert damage.main([str(tmp_path), *options, *files]) == 0
    out = capsys.readouterr().out
    assert "| neural-800 | soft | 10 |" in out and "| neural-800 | dropped | -0.5 |" in out
    found = {(c["link"], c["damage"]) for c in json.loads(json_file.read_text())["curves"]}
    assert {("neural-800", "errors"), ("neural-800", "half")} <= found
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--measures", "taste"], "--measures must be one of"),
        (["--only", "rain"], "--only must be one of errors"),
        (["--limit", "0"], "--limit must be"),
        (["--jobs", "0"], "--jobs must be"),
        (["--model", "none"], "model must be one of"),
        (["--model", "vae-digits:none"], "model must be one of"),
        (["--only", ","], "--only must name one at least"),
        (["--json", "/nowhere/x.json"], "cannot write"),
        (["--picture", "x.txt"], "must end with"),
    ],
)
def test_bad_input_is_refused_in_one_line(options, said, tmp_path, capsys) -> None:
    assert damage.main([str(tmp_path), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err


def test_a_model_that_cannot_run_here_is_refused(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("voicelink.models.codec2.absent", lambda: "the library libnone")
    assert damage.main([str(tmp_path), "--model", "codec2-700c-neural"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "needs the library libnone" in err


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="must hold audio files"):
        read_recordings(tmp_path)
    with pytest.raises(ParameterError, match="cannot read the folder"):
        read_recordings(tmp_path / "absent")
