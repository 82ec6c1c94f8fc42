"""The recogniser that training listens with learns from PocketSphinx's reading of the corpus."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tiny import SIZES

torch = pytest.importorskip("torch", reason="needs the extra `training`")
pytest.importorskip("pocketsphinx", reason="needs the extra `eval`")
pytest.importorskip("parselmouth", reason="needs the extra `eval`")

from voicelink.models.errors import ParameterError  # noqa: E402
from voicelink.models.training import train_listener as command  # noqa: E402
from voicelink.models.training.listener import (  # noqa: E402
    Listener,
    load_listener,
    unlike_phones,
)
from voicelink.models.training.phones import PHONES, UNKNOWN, label  # noqa: E402
from voicelink.models.training.train import train  # noqa: E402

CODEC = {
    "model": "tiny", "seed": 1, "sizes": SIZES, "clip_superframes": 2, "batch": 2,
    "weights": {"made": 1}, "validate_every": 100, "checkpoint_every": 2, "ema": 0.9,
    "stages": [
        {
            "name": "spoken", "steps": 2, "rate": 0.003, "final_rate": 0.001, "damage": 0.3,
            "adversarial": 0, "phonemes": 0.5,
        }
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def cache(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus' cache, with a recogniser that has learned for some steps, by the command."""
    folder = tmp_path_factory.mktemp("cache")
    config = folder / "listener.yaml"
    config.write_text(
        "{seed: 1, hours: 1, weights: {made: 1}, clip_superframes: 4, batch: 8, steps: 30, "
        "rate: 0.003, validate_every: 30}"
    )
    command.main(["--config", str(config), "--speech", str(corpus), "--cache", str(folder)])
    return folder


def test_speech_is_labelled_by_what_pocketsphinx_hears_at_a_time(sample: np.ndarray) -> None:
    at = np.arange(300) / 100
    classes = label(sample[:24000], at)
    assert set(classes) <= set(range(len(PHONES))) and len(set(classes)) > 10
    # A phone lasts: most of its neighbours in time are of its class.
    assert (classes[1:] == classes[:-1]).mean() > 0.7
    assert (label(np.zeros(8000, np.float32), at) == UNKNOWN).all()


def test_only_what_was_listened_to_has_labels(cache: Path) -> None:
    phones = np.load(cache / "phones.npy")
    rows = list(csv.DictReader((cache / "phones.csv").read_text().splitlines()))
    known = phones != UNKNOWN
    assert 0 < sum(int(r["samples"]) for r in rows) / 80 - known.sum() < 4 * len(rows)


def test_it_learns(corpus: Path, cache: Path) -> None:
    from voicelink.models.training.corpus import read_folder

    recordings = command.labelled(read_folder(corpus / "dev"))
    torch.manual_seed(0)
    assert command.score(load_listener(cache), recordings) > 2 * command.score(
        Listener(), recordings
    )


def test_the_same_phones_are_alike_and_others_are_not(cache: Path, sample: np.ndarray) -> None:
    listener = load_listener(cache)
    said = torch.from_numpy(sample[:40000].reshape(4, 10000))
    louder = unlike_phones(listener, 2 * said, said)
    noisier = unlike_phones(listener, said + 0.002 * torch.randn(4, 10000), said)
    others = unlike_phones(listener, said.roll(1, 0), said)
    assert 0 <= louder < 1e-3 < noisier < 0.5 * others


def test_a_codec_learns_to_be_heard_alike(corpus: Path, cache: Path, tmp_path: Path) -> None:
    run = train(CODEC, corpus, cache, tmp_path, "cpu", None)
    assert run.step == 2
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert float(rows[-1]["phonemes"]) > 0
    assert all(weights.grad is None for weights in run.listener.parameters())


def test_a_missing_recogniser_is_named_with_the_command_that_makes_it(
    corpus: Path, cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError, match="train_listener"):
        load_listener(tmp_path)
