"""A voice that is sent once: how it is told, what it holds, and how a decoder comes to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pystoi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelink.blocks.audio import read_audio
from voicelink.models.card import card
from voicelink.models.codec import SpeechDecoder, SpeechEncoder, coded
from voicelink.models.errors import ParameterError
from voicelink.models.evaluation.evaluate import Recording
from voicelink.models.evaluation.voices import main, others
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES
from voicelink.models.voice import (
    SUPERFRAMES,
    Collected,
    bears_speech,
    pack_voice,
    voice_levels,
    voice_of,
    voice_values,
    voices_in,
)

MODEL = "voice-profile"
TWO = 2 * SUPERFRAME_SAMPLES


@pytest.fixture(scope="module")
def voice(sample: np.ndarray) -> bytes:
    return voice_of(sample, MODEL)


@pytest.fixture(scope="module")
def payload(sample: np.ndarray) -> bytes:
    encoder = SpeechEncoder(MODEL)
    return encoder.encode(sample[: 6 * SAMPLE_RATE])


@pytest.fixture(scope="module")
def recordings(dev_speech: Path) -> dict[str, list[np.ndarray]]:
    """Of people with three recordings and more."""
    found: dict[str, list[np.ndarray]] = {}
    for path in sorted(dev_speech.glob("vctk_*.flac")):
        found.setdefault(path.stem.split("_")[1], []).append(read_audio(path))
    assert len(found) == 4 and min(map(len, found.values())) >= 3
    return found


def said_in(voice: bytes | None, payload: bytes) -> np.ndarray:
    decoder = SpeechDecoder(MODEL)
    decoder.set_voice(voice)
    return decoder.decode(payload)


def test_half_of_the_bits_and_a_voice_of_24_bytes(payload: bytes, voice: bytes) -> None:
    found = card(MODEL)
    assert (found.payload_bits, found.bit_rate, found.voice_bytes) == (128, 400, 24)
    assert len(payload) % 16 == 0 and len(voice) == 24


@given(st.lists(st.integers(0, 15), min_size=2, max_size=64).filter(lambda x: len(x) % 2 == 0))
def test_a_voice_is_two_values_a_byte_the_first_one_high(levels: list[int]) -> None:
    voice = pack_voice(np.array(levels))
    assert voice_levels(voice).tolist() == levels
    assert voice[0] == 16 * levels[0] + levels[1]
    values = voice_values(voice)
    np.testing.assert_allclose(values, np.array(levels) / 7.5 - 1, atol=1e-6)


def test_speech_is_what_is_loud_and_has_a_pitch(sample: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    superframes = sample[: len(sample) // 2560 * 2560].reshape(-1, 2560)
    assert np.mean([bears_speech(each) for each in superframes]) > 0.6
    assert not bears_speech(np.zeros(2560, np.float32))
    noises = rng.normal(0, 0.1, (50, 2560)).astype(np.float32)
    assert not any(bears_speech(each) for each in noises)
    assert not any(bears_speech(each * 1e-3) for each in superframes)


def test_pauses_do_not_count(sample: np.ndarray) -> None:
    """Ten superframes of speech make a voice, whatever is between them."""
    pause = np.zeros(SUPERFRAME_SAMPLES, np.float32)
    plain, slow = Collected(), Collected()
    for each in sample[: 40 * 2560].reshape(-1, 2560):
        speech = plain.take(each)
        assert slow.take(pause) is None
        again = slow.take(each)
        if speech is not None:
            break
    assert len(speech) == SUPERFRAMES * SUPERFRAME_SAMPLES
    np.testing.assert_array_equal(speech, again)


def test_much_speech_is_cut_and_little_repeated(sample: np.ndarray) -> None:
    assert len(voices_in(sample[: 5 * 2560])) == 1
    assert len(voices_in(np.tile(sample, 3))) > len(voices_in(sample)) > 1
    with pytest.raises(ParameterError, match="must hold a second of speech at least"):
        voice_of(np.zeros(30000, np.float32), MODEL)
    with pytest.raises(ParameterError, match="neural-800 does not"):
        voice_of(sample, "neural-800")


def test_the_encoder_knows_the_voice_after_some_seconds(sample: np.ndarray) -> None:
    encoder = SpeechEncoder(MODEL)
    known = []
    for each in sample[: len(sample) // 2560 * 2560].reshape(-1, 2560):
        encoder.encode(each)
        known.append(encoder.voice)
    first = next(i for i, each in enumerate(known) if each)
    assert SUPERFRAMES - 1 <= first < 2.5 * SUPERFRAMES
    assert set(known[:first]) == {None} and len(set(known[first:])) == 1
    # It has been told from another part than that of the whole recording, and is much the same.
    whole = voice_values(voice_of(sample, MODEL))
    assert np.abs(voice_values(known[-1]) - whole).mean() < 0.2
    at_once = SpeechEncoder(MODEL)
    at_once.encode(sample)
    assert at_once.voice == known[-1]


def test_one_persons_voices_are_more_alike_than_two_peoples(
    recordings: dict[str, list[np.ndarray]],
) -> None:
    names = [name for name, found in recordings.items() for _ in found]
    voices = [voice_values(voice_of(a, MODEL)) for found in recordings.values() for a in found]
    apart = np.array([[np.linalg.norm(a - b) for b in voices] for a in voices])
    same = np.array([[a == b for b in names] for a in names])
    np.fill_diagonal(apart, np.inf)
    nearest = [names[i] for i in apart.argmin(axis=1)]
    assert np.mean([a == b for a, b in zip(names, nearest, strict=True)]) >= 0.8
    np.fill_diagonal(same, False)
    others_apart = apart[np.isfinite(apart) & ~same].mean()
    assert apart[same].mean() < 0.7 * others_apart


def test_speech_is_understood_better_than_codec2s_at_three_times_the_rate(
    recordings: dict[str, list[np.ndarray]],
) -> None:
    """Codec 2 at 1300 b/s has an ESTOI of .663 on all of the validation speech. The voice is from
    another recording of the speaker."""
    scores = []
    for found in recordings.values():
        voice = voice_of(found[1], MODEL)
        decoded, _, sent = coded(found[0], MODEL, voice)
        assert sent == voice
        scores.append(pystoi.stoi(found[0], decoded, SAMPLE_RATE, extended=True))
    assert np.mean(scores) > 0.663


def test_the_speech_comes_in_the_voice_that_is_set(
    recordings: dict[str, list[np.ndarray]],
) -> None:
    """What a man says comes in a woman's voice where that is set, as told by the network that told
    hers, and in his own where his is."""
    woman, man = recordings["p225"], recordings["p226"]
    encoder = SpeechEncoder(MODEL)
    payload = encoder.encode(man[0]) + encoder.flush()
    set_to = {name: voice_of(found[1], MODEL) for name, found in (("f", woman), ("m", man))}
    for name, voice in set_to.items():
        heard = voice_values(voice_of(said_in(voice, payload), MODEL))
        apart = {k: np.linalg.norm(heard - voice_values(v)) for k, v in set_to.items()}
        assert min(apart, key=apart.get) == name


def test_a_voice_arrives_within_two_superframes_without_a_click(
    payload: bytes, voice: bytes
) -> None:
    size = 16
    begin = len(payload) // size // 2
    decoder = SpeechDecoder(MODEL)
    parts = [decoder.decode(payload[: begin * size])]
    decoder.set_voice(voice)
    parts.append(decoder.decode(payload[begin * size :]))
    arriving, neutral = np.concatenate(parts), said_in(None, payload)
    at = begin * SUPERFRAME_SAMPLES
    np.testing.assert_array_equal(arriving[:at], neutral[:at])
    assert np.abs(arriving[at:] - neutral[at:]).max() > 0.01
    # From sample to sample it moves no faster than where a voice speaks all along.
    known = said_in(voice, payload)
    around = slice(at - 400, at + TWO + 400)
    fastest = max(np.abs(np.diff(x[around])).max() for x in (neutral, known))
    assert np.abs(np.diff(arriving[around])).max() < 1.5 * fastest
    # Set again, as when it is sent again, it changes nothing; and it can be left.
    decoder.set_voice(voice)
    decoder.set_voice(None)
    assert np.isfinite(decoder.decode(payload)).all()


def test_a_voice_that_is_known_speaks_from_the_start_and_after_a_reset(
    payload: bytes, voice: bytes
) -> None:
    decoder = SpeechDecoder(MODEL)
    decoder.set_voice(voice)
    first = decoder.decode(payload)
    decoder.reset()
    np.testing.assert_array_equal(decoder.decode(payload), first)
    decoder.set_voice(None)
    decoder.reset()
    np.testing.assert_array_equal(decoder.decode(payload), said_in(None, payload))


def test_any_bytes_are_a_voice(payload: bytes) -> None:
    rng = np.random.default_rng(1)
    decoder = SpeechDecoder(MODEL)
    for voice in (bytes(24), bytes(24 * [255]), *(rng.bytes(24) for _ in range(4))):
        decoder.set_voice(voice)
        audio = decoder.decode(payload[:160])
        assert np.isfinite(audio).all() and np.abs(audio).max() <= 1


def test_lost_superframes_are_filled_in_the_voice(payload: bytes, voice: bytes) -> None:
    llrs = llrs_of(payload, 128)
    whole = said_in(voice, payload)
    llrs[8] = 0
    decoder = SpeechDecoder(MODEL)
    decoder.set_voice(voice)
    heard = decoder.decode_llrs(llrs)
    lost = slice(8 * SUPERFRAME_SAMPLES, 9 * SUPERFRAME_SAMPLES)
    np.testing.assert_array_equal(heard[: lost.start], whole[: lost.start])
    assert np.abs(heard[lost]).max() < 1.5 * np.abs(whole).max()


def test_somebodys_other_recording_and_somebody_elses() -> None:
    audio = np.zeros(8)
    found = [Recording(str(i), audio, speaker=name) for i, name in enumerate("abbac")]
    same, other = others(found)
    assert same == {0: 3, 1: 2, 2: 1, 3: 0}
    assert other == {0: 1, 1: 3, 2: 3, 3: 4, 4: 0}


def test_the_comparison_refuses_what_it_cannot_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "must be a folder with recordings, but has none" in capsys.readouterr().err
    assert main([str(tmp_path), "--measures", "taste"]) == 2
    assert "--measures must be of estoi" in capsys.readouterr().err
