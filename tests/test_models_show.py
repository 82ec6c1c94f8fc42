"""`voicelink models show`: what a person wants to know of a model, and its whole card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from voicelink.models.card import card, released


def test_a_model_is_shown_in_short_and_whole(voicelink, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    status, out, _ = voicelink("models", "show", "neural-800")
    lines = out.splitlines()
    assert status == 0 and len(lines) <= 25
    # The page's place is as long as it is.
    assert max(len(line) for line in lines if not line.startswith("page")) <= 100
    said = " ".join(out.split())
    for words in (
        "neural-800: Speech at 800 bit/s", "256 bits in 320 ms: 800 bit/s", "30 ms, beside",
        "licence GPL-3.0", "LibriSpeech", "ESTOI 0.8", "multiply-adds", "README.md", "--yaml",
    ):  # fmt: skip
        assert words in said
    whole = yaml.safe_load(voicelink("models", "show", "neural-800", "--yaml")[1])
    assert whole == card().text
    assert json.loads(voicelink("models", "show", "neural-800", "--json")[1]) == whole


def test_a_variant_is_shown_as_one(voicelink, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    found = card("parametric-800:plain")
    out = voicelink("models", "show", found.name)[1]
    first, second, *_ = out.splitlines()
    assert first.split(None, 1) == ["model", f"{found.name}: {found.text['variants']['plain']}"]
    assert second.startswith("a variant of") and found.text["title"] in second
    # Its own quality; what it costs was measured of the other.
    assert f"ESTOI {found.text['quality']['measures'][found.name]['estoi']:.3f}" in out
    assert "CPU-seconds" not in out
    out = voicelink("models", "show", found.id)[1]
    assert "CPU-seconds" in out and found.name in out


def test_all_that_delays_a_model_is_shown(voicelink) -> None:
    """The autoencoder's blocks are three superframes long: their end is waited for."""
    assert "1325 ms, beside the 320 ms" in voicelink("models", "show", "vae-digits")[1]


def test_a_card_with_little_in_it_is_shown_or_refused(tmp_path: Path, refused, voicelink) -> None:
    text = {
        "id": "own", "number": 9, "title": "My own", "licence": "CC0", "files": {},
        "delay_samples": 240, "payload": {"version": 1, "bits": 256},
    }  # fmt: skip
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(text))
    status, out, _ = voicelink("models", "show", tmp_path)
    assert status == 0 and "own: My own" in out and "quality" not in out
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(text | {"trained_on": [{"hours": 3}]}))
    assert "--yaml shows it as it is" in refused("models", "show", tmp_path)
    assert "hours: 3" in voicelink("models", "show", tmp_path, "--yaml")[1]


@pytest.mark.parametrize("name", released())
def test_every_released_model_says_what_it_is_and_how_good(name: str, voicelink) -> None:
    status, out, _ = voicelink("models", "show", name)
    heads = {line[:13].strip() for line in out.splitlines()}
    wanted = {"model", "payload", "delay", "size", "licence", "learned from", "quality", "costs"}
    assert status == 0 and wanted <= heads
