"""The released codec at run time: what it keeps of speech, streaming, damage, bad input."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pystoi
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.blocks.audio import read_audio
from voicelink.models.card import RELEASED, card, card_of_number
from voicelink.models.codec import SpeechDecoder, SpeechEncoder, code
from voicelink.models.errors import FormatError, ModelError, ParameterError
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import PAYLOAD_BITS, PAYLOAD_BYTES, SAMPLE_RATE, SUPERFRAME_SAMPLES


def estoi(said: np.ndarray, heard: np.ndarray) -> float:
    return pystoi.stoi(said, heard, SAMPLE_RATE, extended=True)


@pytest.fixture(scope="module")
def payload(sample: np.ndarray) -> bytes:
    encoder = SpeechEncoder()
    return encoder.encode(sample) + encoder.flush()


@pytest.fixture(scope="module")
def speech(payload: bytes) -> np.ndarray:
    return SpeechDecoder().decode(payload)


def test_the_sample_stays_understandable(sample: np.ndarray) -> None:
    assert estoi(sample, code(sample)) > 0.6


def test_real_voices_beat_codec2_at_three_times_the_rate(dev_speech: Path) -> None:
    """Codec 2 at 2400 b/s has an ESTOI of .736 on all of them, MELPe at 1200 b/s .760."""
    recordings = [read_audio(p) for p in sorted(dev_speech.glob("*.flac"))]
    assert len(recordings) == 30
    assert np.mean([estoi(r, code(r)) for r in recordings]) > 0.760


def test_the_rate_is_exact(sample: np.ndarray, payload: bytes) -> None:
    delay = SpeechDecoder().delay
    superframes = -(-(len(sample) + delay) // SUPERFRAME_SAMPLES)
    assert len(payload) == PAYLOAD_BYTES * superframes


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 9000), min_size=1, max_size=6))
def test_chunks_of_any_size_give_the_whole_file(chunks: list[int]) -> None:
    audio = np.random.default_rng(1).normal(0, 0.1, 12000).astype(np.float32)
    whole = SpeechEncoder()
    wanted = whole.encode(audio) + whole.flush()
    encoder, decoder = SpeechEncoder(), SpeechDecoder()
    edges = np.minimum(np.cumsum([0, *chunks]), len(audio))
    pieces = [audio[a:b] for a, b in itertools.pairwise(edges)]
    got = b"".join(encoder.encode(p) for p in [*pieces, audio[edges[-1] :]]) + encoder.flush()
    assert got == wanted
    stepped = [decoder.decode(got[i : i + 32]) for i in range(0, len(got), 32)]
    np.testing.assert_array_equal(np.concatenate(stepped), SpeechDecoder().decode(wanted))


def test_flush_and_reset_begin_anew(sample: np.ndarray, payload: bytes) -> None:
    encoder, decoder = SpeechEncoder(), SpeechDecoder()
    encoder.encode(sample[:5000])
    encoder.flush()
    assert encoder.encode(sample) + encoder.flush() == payload
    first = decoder.decode(payload[:96])
    decoder.reset()
    np.testing.assert_array_equal(decoder.decode(payload[:96]), first)


def test_two_codecs_do_not_share_state(sample: np.ndarray) -> None:
    one, other = SpeechEncoder(), SpeechEncoder()
    a = one.encode(sample[:SUPERFRAME_SAMPLES])
    other.encode(sample[4000:9000])
    assert (
        one.encode(sample[SUPERFRAME_SAMPLES : 2 * SUPERFRAME_SAMPLES])
        == (SpeechEncoder().encode(sample[: 2 * SUPERFRAME_SAMPLES])[len(a) :])
    )


def test_a_lost_superframe_is_filled_and_forgotten(
    sample: np.ndarray, payload: bytes, speech: np.ndarray
) -> None:
    llrs = llrs_of(payload)
    lost = 8
    llrs[lost] = 0
    heard = SpeechDecoder().decode_llrs(llrs)
    begin, end = lost * SUPERFRAME_SAMPLES, (lost + 1) * SUPERFRAME_SAMPLES
    np.testing.assert_array_equal(heard[:begin], speech[:begin])
    gap = heard[begin:end]
    assert np.isfinite(gap).all()
    # Neither a bang nor, right behind the last good superframe, a hole.
    assert np.abs(gap).max() < 1.5 * np.abs(speech).max()
    # A second later all is as good as without; the phase of the voice, which runs on, is another.
    late, delay = end + SAMPLE_RATE, SpeechDecoder().delay
    said = sample[late - delay :]
    as_good = [estoi(said, x[late:][: len(said)]) for x in (heard, speech)]
    assert as_good[0] == pytest.approx(as_good[1], abs=0.02)


def test_soft_bits_serve_better_than_the_same_bits_decided(
    sample: np.ndarray, payload: bytes
) -> None:
    """At a bit error rate of 8 %, likelihoods keep more of the speech than decisions do."""
    rng = np.random.default_rng(7)
    sign = np.sign(llrs_of(payload))
    amplitude = 1.405  # Q(1.405) = 0.08
    received = amplitude * sign + rng.standard_normal(sign.shape)
    soft = SpeechDecoder().decode_llrs(2 * amplitude * received)
    hard = SpeechDecoder().decode_llrs(np.sign(received) * 20)
    delay = SpeechDecoder().delay
    score = [estoi(sample, x[delay:][: len(sample)]) for x in (soft, hard)]
    assert score[0] > score[1] + 0.02


def test_silence_stays_quiet() -> None:
    out = code(np.zeros(4 * SAMPLE_RATE, np.float32))
    assert np.sqrt(np.mean(out[SAMPLE_RATE:] ** 2)) < 0.003


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=200))
def test_random_payloads_decode_or_are_refused(content: bytes) -> None:
    decoder = SpeechDecoder()
    if len(content) % PAYLOAD_BYTES:
        with pytest.raises(FormatError):
            decoder.decode(content)
    else:
        audio = decoder.decode(content)
        assert audio.shape == (len(content) // PAYLOAD_BYTES * SUPERFRAME_SAMPLES,)
        assert np.isfinite(audio).all() and np.abs(audio).max(initial=0) <= 1


def test_llrs_that_are_no_numbers_count_as_unknown() -> None:
    broken = SpeechDecoder().decode_llrs(np.full((2, PAYLOAD_BITS), np.nan))
    np.testing.assert_array_equal(broken, SpeechDecoder().decode_llrs(np.zeros((2, PAYLOAD_BITS))))


@pytest.mark.parametrize(
    ("audio", "said"),
    [
        (np.array([0.0, np.nan]), "sample 1 is nan"),
        (np.array([np.inf]), "sample 0 is inf"),
        (np.zeros((2, 2)), "of shape \\(2, 2\\)"),
        (np.zeros(10, np.int16), "not int16"),
    ],
)
def test_audio_that_is_none_is_refused_and_nothing_taken_in(audio: np.ndarray, said: str) -> None:
    encoder = SpeechEncoder()
    with pytest.raises(ParameterError, match=said):
        encoder.encode(audio)
    quiet = np.zeros(SUPERFRAME_SAMPLES, np.float32)
    assert encoder.encode(quiet) == SpeechEncoder().encode(quiet)


def test_graphs_use_standard_operators_only() -> None:
    for path in RELEASED.glob("*/*.onnx"):
        graph = onnx.load(path)
        onnx.checker.check_model(graph)
        assert {i.domain for i in graph.opset_import} <= {"", "ai.onnx"}


def test_unknown_models_are_named_with_near_matches() -> None:
    with pytest.raises(ParameterError, match="did you mean neural-800"):
        card("neural-80")
    with pytest.raises(ModelError, match="no model here has the number 15"):
        card_of_number(15)


@pytest.fixture
def own_model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RELEASED / "neural-800", tmp_path / "mine"))


def test_a_folder_serves_as_a_model(own_model: Path, payload: bytes, speech: np.ndarray) -> None:
    np.testing.assert_array_equal(SpeechDecoder(own_model).decode(payload), speech)


def test_a_damaged_model_file_is_found_out(own_model: Path) -> None:
    path = own_model / "decoder.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged or another version"):
        SpeechDecoder(own_model)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["payload"].update(version=9), "its payload is version 9"),
        (lambda c: c.pop("files"), "cannot read the model card"),
        (lambda c: c.update(number="many"), "cannot read the model card"),
        (lambda c: c.update(number=16), "number must be a number from 1 to 15"),
        (lambda c: c.update(delay_samples=-5), "delay_samples must be"),
    ],
)
def test_cards_that_do_not_fit_are_refused(own_model: Path, change, said: str) -> None:
    text = yaml.safe_load((own_model / "card.yaml").read_text())
    change(text)
    (own_model / "card.yaml").write_text(yaml.safe_dump(text))
    with pytest.raises(ModelError, match=said):
        card(own_model)


def test_a_missing_model_file_is_named(own_model: Path) -> None:
    (own_model / "encoder.onnx").unlink()
    with pytest.raises(ModelError, match=r"encoder\.onnx"):
        SpeechEncoder(own_model)


def test_nothing_is_reported_to_anybody(tmp_path):
    """ONNX Runtime would leave an identity of the device in the user's folder, and send it."""
    told = {k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "CI")}
    script = (
        "import numpy as np\n"
        "from voicelink.models.codec import SpeechEncoder\n"
        "SpeechEncoder().encode(np.zeros(5120, np.float32))"
    )
    environment = told | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=environment)
    assert list(tmp_path.rglob("*")) == []
