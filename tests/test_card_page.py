"""What was measured gets into a model's card, and the card becomes a page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from voicelink.models.card import RELEASED, card
from voicelink.models.training import quality
from voicelink.models.training.page import page


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the released model's folder, without its weights."""
    folder = tmp_path / "neural-800"
    folder.mkdir()
    for name in ("card.yaml", "training.csv"):
        shutil.copy(RELEASED / "neural-800" / name, folder)
    return folder


def mean(value: float | None) -> dict:
    return {"mean": value, "error": 0.01, "count": int(value is not None)}


def evaluation(estoi: float, condition: str | None) -> dict:
    groups = {"all": {"estoi": mean(estoi), "pesq": mean(None)}, "worst": {"estoi": mean(0.5)}}
    return {
        "condition": condition,
        "rows": [{"file": "a"}, {"file": "b"}, {"file": "a"}],
        "codecs": {
            "original": {"bit_rate": 128000.0, "groups": groups},
            "neural-800": {"bit_rate": 800.0, "groups": groups},
        },
    }


CURVES = {
    "measures": {"estoi": {}},
    "clean": {"neural-800": {"estoi": mean(0.8)}},
    "curves": [
        {
            "link": "neural-800",
            "damage": "errors",
            "receiver": "hard",
            "points": [
                {"level": x, "values": {"estoi": mean(y)}, "drops": {"estoi": mean(0.8 - y)}}
                for x, y in ((0.0, 0.8), (0.05, 0.7654))
            ],
        }
    ],
}

COST = {
    "model": "neural-800",
    "speech": "dev",
    "recordings": 2,
    "seconds": 8.4,
    "parts": [
        {"name": n, "parameters": 9, "multiply_adds": 1e8, "once": False}
        for n in ("encoder", "decoder")
    ],
    "forms": [{"name": "int8", "bytes": 5000000, "cpu": 0.0123, "estoi": 0.71, "pesq": None}],
    "usage": {"superframes": 7, "bits": [0.5, 1.0], "idle": 0, "latents": [1.5, 2.0]},
}


def test_what_was_measured_gets_into_card_and_page(model: Path, tmp_path: Path) -> None:
    files = {
        "eval": evaluation(0.8123, None),
        "condition": evaluation(0.6123, "noise at 10 dB"),
        "damage": CURVES,
        "cost": COST,
    }
    arguments = [str(model)]
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        arguments += [f"--{name}", str(tmp_path / f"{name}.json")]
    assert quality.main(arguments) == 0
    found = yaml.safe_load((model / "card.yaml").read_text())
    assert found["quality"]["recordings"] == 2
    assert found["quality"]["fewer_recordings"] == {"estoi": 1}
    assert found["quality"]["measures"] == {"neural-800": {"bit_rate": 800, "estoi": 0.812}}
    assert found["conditions"]["noise at 10 dB"]["neural-800"]["estoi"] == 0.612
    assert found["damage_recordings"] == {"estoi": 1}
    assert found["damage"][0]["estoi"][1][:2] == [0.05, 0.7654]
    assert found["cost"]["entropy"]["bits_least"] == 0.5
    text = (model / "README.md").read_text()
    assert "Means over 2 recordings (1 for ESTOI) of people" in text
    for figure in ("0.812", "0.612", "0.765", "5.00", "0.71", "100 M", "training.png"):
        assert figure in text
    assert (model / "training.png").stat().st_size > 10000


def test_cost_shows_what_a_model_has() -> None:
    """A voice network runs once, an encoder that is no network is told of, latents have 4 levels
    or are not told of."""
    decoder = {"name": "decoder", "multiply_adds": 1.7e8, "once": False}
    voice = {"name": "voice", "multiply_adds": 3.8e7, "once": True}
    use = {"superframes": 7, "bits": [0.0, 0.5, 1.0, 1.0], "idle": 1, "latents": None}
    found = COST | {"model": "own", "parts": [decoder, voice], "usage": use}
    text = card().text | {"id": "own", "parameters": {"decoder": 2_900_000, "voice": 150_000}}
    shown = page(text | {"cost": quality.cost(found, "own")}, []).partition("## Cost")[2]
    assert "evaluation.cost --model own`, over 2 recordings, 8 s, of `dev`." in shown
    assert "| decoder | 2.90 M | 170 M |" in shown and "| voice | 0.15 M | 38 M, once |" in shown
    assert "The encoder is no network" in shown
    assert "the least 0.000; of 4 bits 1 were always the same.\n" in shown
    assert "latents" not in shown
    found["usage"] = use | {"bits": 768 * [0.5]}
    shown = page(text | {"cost": quality.cost(found, "own")}, [])
    assert "of 768 bits of a block 1 were always the same.\n" in shown


def test_the_cost_of_another_model_is_refused(model: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "cost.json").write_text(json.dumps(COST | {"model": "vae-digits"}))
    before = (model / "card.yaml").read_bytes()
    assert quality.main([str(model), "--cost", str(tmp_path / "cost.json")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "they are of vae-digits, not of neural-800" in err
    assert (model / "card.yaml").read_bytes() == before


def test_what_is_not_given_stays(model: Path) -> None:
    before = yaml.safe_load((model / "card.yaml").read_text())
    assert quality.main([str(model)]) == 0
    assert yaml.safe_load((model / "card.yaml").read_text()) == before


def test_damage_is_shown_by_whatever_measures_there_are() -> None:
    found = yaml.safe_load((RELEASED / "neural-800" / "card.yaml").read_text())
    points = [[0.0, 0.9, 0.0], [0.05, 0.8, 0.1]]
    curve = {"link": "neural-800", "damage": "errors", "receiver": "hard", "stoi": points}
    curve |= {"phonemes": [[0.0, 48.118, 0.0], [0.05, 100.618, 52.5]]}
    counts = {"stoi": 3, "phonemes": 3}
    text = page(found | {"damage": [curve], "damage_recordings": counts}, [])
    # Each with the decimals of its measure.
    assert "| neural-800, hard: STOI | 0.900 | 0.800 |" in text
    assert "hard: phoneme err. % (lower) | 48.1 | 100.6 |" in text
    assert "bits wrong | 0 % | 5 % |" in text


@pytest.mark.parametrize("option", ["--eval", "--condition", "--damage", "--cost"])
@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot read"), ("x", "is no JSON"), ("{}", "must hold"), ("[1]", "must hold")],
)
def test_bad_results_are_refused_in_one_line(
    option: str, content: str | None, said: str, model: Path, tmp_path: Path, capsys
) -> None:
    file = tmp_path / "results.json"
    if content is not None:
        file.write_text(content)
    before = (model / "card.yaml").read_bytes()
    assert quality.main([str(model), option, str(file)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and option in err and said in err and str(file) in err
    assert (model / "card.yaml").read_bytes() == before


def test_a_folder_without_a_card_is_refused_in_one_line(tmp_path: Path, capsys) -> None:
    assert quality.main([str(tmp_path / "absent")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "absent" in err
