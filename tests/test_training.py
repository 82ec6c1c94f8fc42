"""Training: a tiny model learns for some steps, goes on from where it was, and is exported."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tiny import CARD, SIZES

torch = pytest.importorskip("torch", reason="needs the extra `training`")

from voicelink.models import codec2  # noqa: E402
from voicelink.models.codec import SpeechDecoder, SpeechEncoder, code  # noqa: E402
from voicelink.models.errors import ParameterError  # noqa: E402
from voicelink.models.sizes import LATENTS, SUPERFRAME_SAMPLES  # noqa: E402
from voicelink.models.training.damage import damage  # noqa: E402
from voicelink.models.training.export import export, load_run, released_weights  # noqa: E402
from voicelink.models.training.losses import (  # noqa: E402
    Cepstra,
    Intelligibility,
    Loudness,
    SpectralLoss,
    pitch_loss,
)
from voicelink.models.training.networks import (  # noqa: E402
    Decoder,
    DecoderStep,
    Encoder,
    EncoderStep,
    Sizes,
    Source,
    States,
    quantise,
)
from voicelink.models.training.train import Codec, train  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, of its exporter


def config(*steps: int) -> dict:
    stage = {
        "rate": 0.003,
        "final_rate": 0.001,
        "damage": 0.3,
        "judges_first": 1,
        "judged_samples": 2000,
    }
    return {
        "model": "tiny",
        "seed": 1,
        "sizes": SIZES,
        "clip_superframes": 2,
        "batch": 2,
        "weights": {"made": 1},
        "validate_every": sum(steps),
        "checkpoint_every": 2,
        "ema": 0.9,
        "stages": [
            stage | {"name": name, "steps": n, "adversarial": k, "freeze": frozen}
            for k, (name, n, frozen) in enumerate(
                zip(("spectra", "voice"), steps, (["decoder.breath"], []), strict=True)
            )
        ],
    }


def test_training_stops_and_goes_on_and_is_exported(corpus: Path, tmp_path: Path) -> None:
    cache, run = tmp_path / "cache", tmp_path / "run"
    train(config(2, 2), corpus, cache, run, "cpu", None)
    finished = train(config(2, 4), corpus, cache, run, "cpu", None)
    assert finished.step == 6
    rows = list(csv.DictReader((run / "log.csv").open()))
    assert [int(r["step"]) for r in rows] == [2, 4, 6]
    assert rows[-1]["stage"] == "voice" and float(rows[-1]["estoi"]) > -1
    assert all(np.isfinite(float(r["spectral"])) for r in rows)

    model = tmp_path / "tiny"
    codec = load_run(run / "checkpoint.pt")
    export(codec, model, CARD)
    audio = np.random.default_rng(2).normal(0, 0.1, 9000).astype(np.float32)
    assert np.isfinite(code(audio, model)).all()
    # The graph, stepped by superframes, says what the network says of the whole.
    encoder = SpeechEncoder(model)
    levels = quantise(codec.encoder(torch.from_numpy(audio[:7680])[None], States(None)))
    bits = np.unpackbits(np.frombuffer(encoder.encode(audio), np.uint8)).reshape(-1, 2)
    equal = levels.detach().numpy().reshape(-1) == 2 * bits[:, 0] + bits[:, 1]
    assert equal.mean() > 0.99


def test_a_generator_learns_from_the_features_of_another_codec(
    corpus: Path, tmp_path: Path
) -> None:
    """It starts from a codec's decoder; only its first layer hears something else."""
    if codec2.absent():
        pytest.skip(f"needs {codec2.absent()}")
    cache, run, model = (tmp_path / name for name in ("cache", "run", "tiny"))
    torch.manual_seed(0)
    start = Codec(Sizes(**SIZES))
    torch.save({"average": start.state_dict()}, tmp_path / "start.pt")
    settings = config(1, 1) | {"features": "codec2"}
    settings["stages"][0] |= {"damage": 1, "loudness": 0.2}
    train(settings, corpus, cache, run, "cpu", str(tmp_path / "start.pt"))
    generator = load_run(run / "checkpoint.pt")
    assert generator.decoder.embed.in_features == 2 * codec2.FEATURES
    kept, new = start.decoder.head.weight, generator.decoder.head.weight
    assert 0 < (kept - new).abs().max() < 0.01
    export(generator, model, CARD | {"engine": "codec2"})
    assert sorted(path.name for path in model.iterdir()) == ["card.yaml", "decoder.onnx"]
    audio = np.random.default_rng(2).normal(0, 0.1, 9000).astype(np.float32)
    spoken = code(audio, model)
    assert spoken.shape == audio.shape and np.isfinite(spoken).all()


def test_checkpoints_are_averaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codecs, files = [], []
    for seed in range(2):
        torch.manual_seed(seed)
        codecs.append(Codec(Sizes(**SIZES)))
        for weights in codecs[-1].parameters():  # an export has equal ones but once
            weights.data += 0.01 * torch.randn(weights.shape)
        files.append(tmp_path / f"{seed}.pt")
        torch.save({"average": codecs[-1].state_dict(), "sizes": SIZES}, files[-1])
    mean = load_run(*files)
    for a, b, both in zip(*(c.parameters() for c in (*codecs, mean)), strict=True):
        assert torch.allclose((a + b) / 2, both)
    levels = torch.zeros(1, 8, LATENTS)
    assert torch.isfinite(mean.decoder(levels, levels + 1, States(None))).all()
    monkeypatch.setattr("voicelink.models.training.export.RELEASED", tmp_path)
    export(mean, tmp_path / "released", CARD)
    both = load_run(files[0], "released")
    for a, b, c in zip(codecs[0].parameters(), mean.parameters(), both.parameters(), strict=True):
        assert torch.allclose((a + b) / 2, c, atol=1e-3)
    with pytest.raises(ParameterError, match="released must be a checkpoint"):
        load_run("released")
    monkeypatch.undo()
    with pytest.raises(ParameterError, match="neural-800 must have the networks of"):
        load_run(files[0], "neural-800")  # which is larger
    with pytest.raises(ParameterError, match="must be a checkpoint or the id"):
        load_run(files[0], "neural-8000")


def test_an_export_that_fails_its_check_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "card.yaml").write_text("the old one")

    def differs(codec: Codec, written: Path) -> dict:
        assert (written / "decoder.onnx").exists()
        raise ValueError("the export differs")

    monkeypatch.setattr("voicelink.models.training.export.check", differs)
    with pytest.raises(ValueError, match="differs"):
        export(Codec(Sizes(**SIZES)), folder, CARD)
    assert (folder / "card.yaml").read_text() == "the old one"
    assert list(tmp_path.rglob("*")) == [folder, folder / "card.yaml"]


def test_a_released_models_weights_are_a_start() -> None:
    weights = released_weights("neural-800")
    codec = Codec(Sizes())
    missing, unexpected = codec.load_state_dict(weights, strict=False)
    assert unexpected == [] and all("fourier" in name for name in missing)  # constants
    rng = np.random.default_rng(3)
    audio = rng.normal(0, 0.05, 5 * SUPERFRAME_SAMPLES).astype(np.float32)
    encoder, decoder = SpeechEncoder(), SpeechDecoder()
    wanted = decoder.decode(encoder.encode(audio) + encoder.flush())[decoder.delay :]
    got = codec.eval().code(audio)
    error = np.sqrt(np.mean((got - wanted[: len(got)]) ** 2) / np.mean(got**2))
    assert error < 0.1


def test_whole_clips_and_single_superframes_agree() -> None:
    torch.manual_seed(0)
    encoder = Encoder(Sizes(**SIZES)).eval()
    audio = torch.randn(1, 3 * SUPERFRAME_SAMPLES) * 0.1
    whole = quantise(encoder(audio, States(None)))
    step = EncoderStep(encoder)
    states = [torch.zeros(1, *s) for s in encoder.state_shapes()]
    parts = []
    for piece in audio.split(SUPERFRAME_SAMPLES, dim=1):
        levels, *states = step(piece, *states)
        parts.append(levels)
    assert (torch.cat(parts, dim=1) == whole).float().mean() > 0.999


def test_decoder_speaks_whole_clips_and_single_superframes_alike() -> None:
    torch.manual_seed(0)
    decoder = Decoder(Sizes(**SIZES)).eval()
    latents = torch.rand(1, 24, LATENTS) * 2 - 1
    sure = torch.ones_like(latents)
    whole = decoder(latents, sure, States(None))
    step = DecoderStep(decoder)
    states = [torch.zeros(1, *s) for s in decoder.state_shapes()]
    parts = []
    for piece in latents.split(8, dim=1):
        audio, *states = step(piece, sure[:, :8], *states)
        parts.append(audio)
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-3 * float(whole.abs().max()))


def test_the_source_is_harmonics_of_its_pitch() -> None:
    """At a steady 125 Hz every fifth bin, 25 Hz wide, is a harmonic at full level."""
    re, im = Source()(torch.full((1, 20), 125.0), States(None))
    level = torch.sqrt(re**2 + im**2)[0, 8]
    assert torch.allclose(level[5:150:5], torch.ones(29), atol=0.02)
    assert (level[7:150:5] < 0.2).all()
    assert (level[155:] < 0.2).all()  # nothing near half the sampling rate


def test_pitch_loss_counts_voiced_frames_only() -> None:
    pitch = torch.tensor([[110.0, 220.0, 0.0, 0.0]])
    sure = torch.tensor([[20.0, 20.0, -20.0, -20.0]])
    right = torch.tensor([[1.0, 2.0, 0.3, 2.9]])
    assert pitch_loss(right, sure, pitch) < 1e-6
    assert pitch_loss(right + 0.5, sure, pitch) == pytest.approx(0.5, abs=1e-6)
    assert pitch_loss(right, -sure, pitch) == pytest.approx(2, abs=1e-3)


def test_the_loss_hears_a_difference_at_any_level() -> None:
    loss = SpectralLoss()
    torch.manual_seed(0)
    a, b = torch.randn(2, 8000) * 0.1, torch.randn(2, 8000) * 0.1
    assert loss(a, a) < 1e-4 < loss(b, a)
    assert loss(b / 30, a / 30) == pytest.approx(float(loss(b, a)), rel=0.05)
    assert torch.isfinite(loss(torch.zeros(2, 8000), torch.zeros(2, 8000)))


def test_loudness_minds_what_is_added_more_than_what_is_missing(sample: np.ndarray) -> None:
    loss = Loudness()
    speech = torch.from_numpy(sample[:24000])[None]
    assert loss(speech, speech) < 0.1 and loss(1.02 * speech, speech) < 0.1  # nobody hears that
    more, less = loss(2 * speech, speech), loss(speech / 2, speech)
    assert 0.5 < less < more
    assert loss(2 * speech / 30, speech / 30) == pytest.approx(float(more), rel=1e-3)
    generator = torch.Generator().manual_seed(0)
    hiss = 0.02 * torch.randn(speech.shape, generator=generator)
    assert loss(speech + hiss, speech) > 2 * loss(speech + hiss / 10, speech)
    silent = torch.zeros(1, 8000, requires_grad=True)
    loss(silent, torch.zeros(1, 8000)).backward()
    assert torch.isfinite(silent.grad).all()


def test_cepstra_mind_pauses_and_no_level(sample: np.ndarray) -> None:
    loss = Cepstra()
    speech = torch.from_numpy(sample[:24000])[None]
    assert loss(speech, speech) == 0
    assert loss(speech / 2, speech) < 0.1  # but for the noise of 16-bit samples
    generator = torch.Generator().manual_seed(0)
    hiss = 1e-3 * torch.randn(speech.shape, generator=generator)
    rms = torch.nn.functional.avg_pool1d(speech.square(), 401, 1, 200).sqrt()
    pauses = rms < 0.01
    assert 0.1 < pauses.float().mean() < 0.5
    # The same hiss over words is hidden by them.
    between, over = (loss(speech + hiss * where, speech) for where in (pauses, ~pauses))
    assert between > 1.3 * over > 0.1
    silent = torch.zeros(1, 8000, requires_grad=True)
    loss(silent, torch.zeros(1, 8000)).backward()
    assert torch.isfinite(silent.grad).all()


def test_the_loss_of_intelligibility_is_what_estoi_leaves(sample: np.ndarray) -> None:
    """Against the field's own implementation, of which it is a differentiable form."""
    import pystoi

    loss = Intelligibility()
    clean = sample[:80000]
    rng = np.random.default_rng(0)
    for level in (0.003, 0.03):
        noisy = clean + level * rng.standard_normal(len(clean)).astype(np.float32)
        pair = torch.from_numpy(noisy)[None], torch.from_numpy(clean)[None]
        measured = pystoi.stoi(clean, noisy, 8000, extended=True)
        assert 1 - float(loss(*pair)) == pytest.approx(measured, abs=0.08)
        assert float(loss(pair[0] / 30, pair[1] / 30)) == pytest.approx(
            float(loss(*pair)), abs=0.01
        )
    assert loss(pair[1], pair[1]) < 1e-3
    silent = torch.zeros(2, 8000, requires_grad=True)
    loss(silent, torch.zeros(2, 8000)).backward()
    assert torch.isfinite(silent.grad).all()


def test_damage_touches_its_share_and_says_so() -> None:
    generator = torch.Generator().manual_seed(0)
    level = torch.randint(0, 4, (400, 16, 16), generator=generator).float()
    mean, reliability = damage(level, 0.5, generator)
    whole = ((mean - (2 * level - 3) / 3).abs() < 1e-6).flatten(1).all(1)
    assert 0.4 < whole.float().mean() < 0.65
    assert (reliability[whole] > 0.99).all()
    assert reliability.min() >= 0 and reliability.max() <= 1 and mean.abs().max() <= 1
    untouched, _ = damage(level, 0.0, generator)
    assert torch.allclose(untouched, (2 * level - 3) / 3)
