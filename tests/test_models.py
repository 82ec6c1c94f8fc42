"""What every released model keeps to, whatever is inside: sizes, streaming, damage, its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from voicelink.models.card import RELEASED, card, card_of_number, released
from voicelink.models.codec import SpeechDecoder, SpeechEncoder, coded
from voicelink.models.errors import FormatError, ParameterError
from voicelink.models.evaluation.align import delay
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES
from voicelink.models.training.page import page

SECONDS = 5
"""Of the sample that go through every model."""


@pytest.fixture(scope="module")
def speech(sample: np.ndarray) -> np.ndarray:
    return sample[: SECONDS * SAMPLE_RATE]


def stream(model: str, audio: np.ndarray) -> bytes:
    encoder = SpeechEncoder(model)
    return encoder.encode(audio) + encoder.flush()


def test_the_rate_is_what_the_card_says(model: str, speech: np.ndarray) -> None:
    found = card(model)
    superframes = -(-(len(speech) + found.delay) // SUPERFRAME_SAMPLES)
    assert len(stream(model, speech)) == superframes * found.payload_bytes
    assert found.bit_rate <= 800 and found.voice_bytes <= 64


def test_any_chunks_give_the_whole_files_output(model: str, speech: np.ndarray) -> None:
    whole = stream(model, speech)
    encoder, decoder = SpeechEncoder(model), SpeechDecoder(model)
    cuts = np.sort(np.random.default_rng(3).integers(0, len(speech), 9))
    got = b"".join(encoder.encode(piece) for piece in np.split(speech, cuts)) + encoder.flush()
    assert got == whole
    size = decoder.card.payload_bytes
    pieces = [decoder.decode(whole[i : i + size]) for i in range(0, len(whole), size)]
    assert {len(piece) for piece in pieces} == {SUPERFRAME_SAMPLES}
    np.testing.assert_array_equal(np.concatenate(pieces), SpeechDecoder(model).decode(whole))
    decoder.reset()
    np.testing.assert_array_equal(decoder.decode(whole), np.concatenate(pieces))
    assert encoder.encode(speech) + encoder.flush() == whole


def test_the_delay_is_what_the_card_says(model: str, speech: np.ndarray) -> None:
    decoded, _, _ = coded(speech, model)
    assert len(decoded) == len(speech)
    assert abs(delay(speech, decoded)) <= 0.02 * SAMPLE_RATE
    loud = np.sqrt(np.mean(decoded**2) / np.mean(speech**2))
    assert 0.3 < loud < 3


def test_what_comes_in_cannot_stop_a_decoder(model: str) -> None:
    found, rng = card(model), np.random.default_rng(5)
    decoder = SpeechDecoder(model)
    shape = (6, found.payload_bits)
    for llrs in (
        rng.normal(0, 30, shape),
        rng.normal(0, 1, shape),
        np.zeros(shape),
        np.full(shape, np.inf),
        np.full(shape, np.nan),
        llrs_of(rng.bytes(6 * found.payload_bytes), found.payload_bits),
    ):
        audio = decoder.decode_llrs(llrs)
        assert audio.shape == (6 * SUPERFRAME_SAMPLES,) and audio.dtype == np.float32
        assert np.isfinite(audio).all() and np.abs(audio).max() <= 1
    with pytest.raises(FormatError, match=f"multiple of {found.payload_bytes} bytes"):
        decoder.decode(bytes(found.payload_bytes + 1))
    with pytest.raises(FormatError, match=f"{found.payload_bits}"):
        decoder.decode_llrs(np.zeros((1, found.payload_bits + 1)))


def test_what_is_lost_for_long_falls_silent_or_stays_low(model: str, speech: np.ndarray) -> None:
    decoder = SpeechDecoder(model)
    llrs = llrs_of(stream(model, speech), decoder.card.payload_bits)
    said = decoder.decode_llrs(llrs)
    gone = decoder.decode_llrs(np.zeros((12, decoder.card.payload_bits)))
    assert np.sqrt(np.mean(gone[-SUPERFRAME_SAMPLES:] ** 2)) < np.sqrt(np.mean(said**2))
    # And what comes behind is understood as before.
    after = decoder.decode_llrs(llrs)[-2 * SAMPLE_RATE :]
    assert np.corrcoef(_envelope(after), _envelope(said[-2 * SAMPLE_RATE :]))[0, 1] > 0.9


def _envelope(audio: np.ndarray) -> np.ndarray:
    frames = audio[: len(audio) // 160 * 160].reshape(-1, 160)
    return np.log(np.mean(frames**2, axis=1) + 1e-6)


def test_a_voice_is_taken_by_models_that_send_one(model: str, speech: np.ndarray) -> None:
    found = card(model)
    if not found.voice_bytes:
        with pytest.raises(ParameterError, match="does not send it apart"):
            SpeechDecoder(model).set_voice(b"0123")
        assert coded(speech, model)[2] == b"" and SpeechEncoder(model).voice is None
        return
    with pytest.raises(ParameterError, match=f"voice must be {found.voice_bytes} bytes"):
        SpeechEncoder(model, voice=b"0123")
    encoder = SpeechEncoder(model)
    encoder.encode(np.tile(speech, 2))
    assert len(encoder.voice) == found.voice_bytes
    assert SpeechEncoder(model, voice=encoder.voice).voice == encoder.voice


@pytest.mark.parametrize("name", released())
def test_a_card_is_whole(name: str) -> None:
    found = card(name)
    assert found.id == name and card_of_number(found.number).id == name
    assert all(s["licence"] and s["credit"] for s in found.text["trained_on"])
    assert found.text["limits"] and "quality" in found.text
    files = {f: found.file(f) for f in found.text["files"]}
    assert sum(map(len, files.values())) <= 10e6
    for file, content in files.items():
        assert len(content) == found.text["files"][file]["bytes"]


@pytest.mark.parametrize("name", released())
def test_a_page_is_that_of_its_card(name: str) -> None:
    folder = Path(RELEASED / name)
    pictures = sorted(path.name for path in folder.glob("*.png"))
    found = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf-8"))
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text == page(found, pictures)
    assert "| codec2-700C |" in text
