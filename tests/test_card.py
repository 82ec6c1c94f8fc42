"""What a model's card must be, and how a model and its variants are named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from voicelink.models.card import RELEASED, card
from voicelink.models.errors import ModelError, ParameterError


@pytest.fixture
def own_card(tmp_path: Path):
    """A model's folder with a card that was changed."""

    def change(model: str, **values: object) -> Path:
        folder = tmp_path / "mine"
        folder.mkdir()
        text = yaml.safe_load((RELEASED / model / "card.yaml").read_text(encoding="utf-8"))
        (folder / "card.yaml").write_text(yaml.safe_dump(text | values), encoding="utf-8")
        return folder

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"payload": {"version": 1, "bits": 8.5}}, "bits must be a whole number, not 8.5"),
        ({"payload": {"version": 1, "bits": "256"}}, "bits must be a whole number, not '256'"),
        ({"payload": {"version": 1, "bits": True}}, "bits must be a number of at least 8"),
        ({"number": 1.5}, "number must be a whole number, not 1.5"),
        ({"delay_samples": 0.5}, "delay_samples must be a whole number, not 0.5"),
        ({"voice": {"bytes": 23.9}}, "voice must be a whole number, not 23.9"),
        ({"engine": "neurl"}, "engine must be one of .*did you mean neural"),
    ],
)
def test_numbers_are_whole(change: dict, said: str, own_card) -> None:
    """In one line that names the file, and of this project's words only."""
    folder = own_card("voice-profile", **change)
    with pytest.raises(ModelError, match=f"cannot read the model card .*mine/card.yaml: {said}"):
        card(folder)


def test_any_yaml_is_a_card_or_refused(tmp_path: Path) -> None:
    for content in ("", "- a", "text", "a: [", "id: x", "&a [*a]", "[" * 5000):
        (tmp_path / "card.yaml").write_text(content)
        with pytest.raises(ModelError, match="cannot read the model card") as caught:
            card(tmp_path)
        assert "\n" not in str(caught.value)


def test_a_file_that_the_card_does_not_name_is_missed(own_card) -> None:
    found = card(own_card("neural-800", files={}))
    with pytest.raises(ModelError, match=r"its card names no file encoder\.onnx"):
        found.file("encoder.onnx")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("neural-800:", r"one of neural-800, not 'neural-800:'"),
        ("neural-800:x", r"one of neural-800, not 'neural-800:x'"),
        ("vae-digits:", r"one of vae-digits, vae-digits:griffin-lim, not 'vae-digits:'"),
        (":plain", r"one of .*neural-800.*, not ''"),
        ("", r"one of .*neural-800.*, not ''"),
    ],
)
def test_a_variant_is_one_that_there_is(name: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        card(name)


def test_an_id_is_the_released_model_s_whatever_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording that came with such folders does not choose what is loaded."""
    for name in ("vae-digits", "parametric-800:plain"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.yaml").write_text("id: somebody's")
    monkeypatch.chdir(tmp_path)
    assert card("vae-digits").is_released and card("parametric-800:plain").variant == "plain"
    assert card("vae-digits").folder == RELEASED / "vae-digits"
    with pytest.raises(ModelError):
        card("./vae-digits")


def test_a_folder_is_named_with_a_variant_too(tmp_path: Path) -> None:
    folder = tmp_path / "on:12" / "mine"
    folder.mkdir(parents=True)
    with pytest.raises(ParameterError, match=f"a folder with a card.yaml, not {folder}"):
        card(folder)
    shutil.copy(RELEASED / "parametric-800" / "card.yaml", folder)
    found = card(f"{folder}:plain")
    assert found.name == "parametric-800:plain" and not found.is_released
    assert card(found.place) == found
    with pytest.raises(ParameterError, match="one of parametric-800, parametric-800:plain, not"):
        card(f"{folder}:")
