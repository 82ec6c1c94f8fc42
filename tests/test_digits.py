"""vae-digits: blocks of three payloads, what a link does to them, new digits, and how well digits
are recognised behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED

from voicelink.link_sim.cli import main
from voicelink.models.card import card
from voicelink.models.codec import SpeechDecoder, SpeechEncoder, code
from voicelink.models.digits import generate
from voicelink.models.digits.griffin_lim import GriffinLim
from voicelink.models.digits.layout import EXTREMUM_STEP, LATENT_BITS, Layout, share_out
from voicelink.models.digits.sizes import (
    BINS,
    BLOCK,
    COLUMNS,
    DELAY,
    INDEX_BITS,
    LATENTS,
    OVERLAP,
    PARTS,
)
from voicelink.models.digits.spectrogram import columns, decibels, magnitudes, normalise
from voicelink.models.engines.vae import Decoder, Place
from voicelink.models.errors import ParameterError
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import PAYLOAD_BITS, SAMPLE_RATE, SUPERFRAME_SAMPLES

MODEL = "vae-digits"
VARIANTS = [MODEL, f"{MODEL}:griffin-lim"]
FSDD = SHARED / "speech" / "fsdd"


@pytest.fixture(scope="module")
def layout() -> Layout:
    rng = np.random.default_rng(1)
    deviation = np.exp(rng.normal(0, 1, LATENTS))
    bits = share_out(deviation**2, np.full(LATENTS, 0.01))
    return Layout(bits, rng.normal(0, 1, LATENTS), deviation)


@pytest.fixture(scope="module")
def words() -> np.ndarray:
    """Four blocks of something like vowels, with pauses: a buzz whose pitch and colour move."""
    time = np.arange(4 * BLOCK) / SAMPLE_RATE
    buzz = sum(
        np.sin(2 * np.pi * k * (120 * time + 3 * np.sin(3 * time))) / (1 + abs(k - 6)) ** 0.7
        for k in range(1, 24)
    )
    return (0.05 * buzz * (np.sin(2 * np.pi * 1.1 * time) > -0.2)).astype(np.float32)


def stream(audio: np.ndarray) -> bytes:
    encoder = SpeechEncoder(MODEL)
    return encoder.encode(audio) + encoder.flush()


def rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=float))))


# --- the bits of a block


def test_a_block_is_three_payloads_of_256_bits_in_960_ms(words: np.ndarray) -> None:
    assert BLOCK == 7680 == PARTS * SUPERFRAME_SAMPLES and COLUMNS * 120 == BLOCK
    payload = stream(words)
    blocks = -(-(len(words) + DELAY) // SUPERFRAME_SAMPLES)
    assert len(payload) == 32 * blocks
    bits = llrs_of(payload) < 0
    index = 2 * bits[:, 0] + bits[:, 1]
    assert index.tolist() == [k % 3 for k in range(len(index))]
    assert card(MODEL).bit_rate == 800


def test_every_bit_has_one_place(layout: Layout) -> None:
    place, latent, bit = layout.places
    assert layout.bits.sum() == LATENT_BITS == len(place) == len(set(place.tolist()))
    used = set(place.tolist())
    for part in range(PARTS):
        assert not used & set(range(part * PAYLOAD_BITS, part * PAYLOAD_BITS + INDEX_BITS))
    # The latents that a lost payload takes with it are a third of all, the important ones too.
    for order in (slice(None), np.argsort(-layout.bits)[:30]):
        parts = [place[latent == each] // PAYLOAD_BITS for each in np.arange(LATENTS)[order]]
        first = np.bincount([p[0] for p in parts if len(p)], minlength=PARTS)
        assert first.min() > 0.8 * first.max()
    assert np.array_equal(np.bincount(latent, minlength=LATENTS), layout.bits)
    assert (bit < layout.bits[latent]).all()


def test_bits_go_where_the_latents_need_them() -> None:
    variance = np.geomspace(1e-3, 100, LATENTS)
    bits = share_out(variance, np.full(LATENTS, 0.05))
    assert bits.sum() == LATENT_BITS and bits.max() <= 8
    assert (np.diff(bits) >= 0).all() and bits[0] < bits[-1]
    # Six decibels more are a bit more, as long as there are bits.
    middle = (bits > 1) & (bits < 8)
    slope = np.polyfit(0.5 * np.log2(variance[middle]), bits[middle], 1)[0]
    assert slope == pytest.approx(1, abs=0.1)


def test_what_is_packed_comes_back(layout: Layout) -> None:
    rng = np.random.default_rng(2)
    wanted = layout.mean + layout.deviation * rng.normal(0, 1, LATENTS)
    llrs = llrs_of(b"".join(layout.pack(wanted, -71.3, -12.6)))
    found = layout.latents(llrs)
    assert np.array_equal(found, layout.values[np.arange(LATENTS), layout.levels(wanted)])
    error = np.abs(found - wanted) / layout.deviation
    assert np.median(error) < 0.1
    for (value, deviation), right in zip(layout.extrema(llrs), (-71.3, -12.6), strict=True):
        assert abs(value - right) <= EXTREMUM_STEP and deviation == 0


def test_a_lost_payload_costs_a_third_of_the_latents_and_no_extremum(layout: Layout) -> None:
    wanted = layout.mean + layout.deviation
    whole = llrs_of(b"".join(layout.pack(wanted, -80, -20)))
    for part in range(PARTS):
        llrs = whole.copy()
        llrs[part] = 0
        lost = layout.latents(llrs) != layout.latents(whole)
        assert 0.25 < lost.mean() < 0.42
        np.testing.assert_allclose(layout.latents(llrs)[lost], layout.mean[lost], atol=1e-5)
        assert layout.extrema(llrs) == layout.extrema(whole)


def test_likelihoods_give_expectations(layout: Layout) -> None:
    rng = np.random.default_rng(3)
    wanted = layout.mean + layout.deviation * rng.normal(0, 1, (20, LATENTS))
    hard = soft = 0.0
    for each in wanted:
        sent = llrs_of(b"".join(layout.pack(each, -70, -10))) / 20
        received = sent * 4 + rng.normal(0, 8**0.5, sent.shape)  # LLRs of BPSK at 3 dB
        soft += np.sum(((layout.latents(received) - each) / layout.deviation) ** 2)
        decided = np.where(received > 0, 20, -20)
        hard += np.sum(((layout.latents(decided) - each) / layout.deviation) ** 2)
    assert soft < 0.7 * hard


def test_the_place_in_a_block_is_kept_against_errors_and_found_anew() -> None:
    def first_bits(index: int) -> np.ndarray:
        return np.array([-20.0 if index >> 1 else 20.0, -20.0 if index & 1 else 20.0])

    place = Place()
    assert [place.step(first_bits(k % 3)) for k in range(6)] == [True] * 6
    assert place.step(first_bits(2)) and place.index == 0  # a wrong bit, against the count
    assert place.step(np.zeros(2)) and place.index == 1  # a lost one
    assert place.step(first_bits(3)) and place.index == 2
    for k in range(8):  # another station, elsewhere in its block
        place.step(first_bits((k + 1) % 3))
    assert place.index == 2
    late = Place()
    assert not late.step(first_bits(1)) and late.index == 1


# --- sound


@pytest.mark.parametrize("model", VARIANTS)
def test_a_late_listener_hears_from_the_next_block(model: str, words: np.ndarray) -> None:
    payload = stream(words)
    whole = SpeechDecoder(model).decode(payload)
    late = SpeechDecoder(model).decode(payload[32:])  # the first payload was missed
    assert not late[:SUPERFRAME_SAMPLES].any()
    second = slice(2 * BLOCK, 3 * BLOCK)
    shifted = late[second.start - SUPERFRAME_SAMPLES : second.stop - SUPERFRAME_SAMPLES]
    a, b = columns(np.pad(whole[second], (OVERLAP, 0))), columns(np.pad(shifted, (OVERLAP, 0)))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("model", VARIANTS)
def test_losses_do_not_make_it_louder(model: str, words: np.ndarray) -> None:
    llrs = llrs_of(stream(words))
    whole = SpeechDecoder(model).decode_llrs(llrs)
    third, block = llrs.copy(), llrs.copy()
    third[4] = 0  # one of the second block's
    block[3:6] = 0  # all of them
    heard = slice(5 * SUPERFRAME_SAMPLES + OVERLAP, 8 * SUPERFRAME_SAMPLES)
    assert 0.3 < rms(SpeechDecoder(model).decode_llrs(third)[heard]) / rms(whole[heard]) < 2
    gone = SpeechDecoder(model).decode_llrs(block)
    assert rms(gone[heard]) < 0.5 * rms(whole[heard])
    assert rms(gone[heard.stop - SUPERFRAME_SAMPLES : heard.stop]) < 0.02 * rms(whole)


def test_an_extremum_that_is_not_known_leans_on_the_last_one(words: np.ndarray) -> None:
    llrs = llrs_of(stream(words))
    doubtful = llrs.copy()
    doubtful[3:6, INDEX_BITS : INDEX_BITS + 16] *= 0.01
    whole = SpeechDecoder(MODEL).decode_llrs(llrs)
    found = SpeechDecoder(MODEL).decode_llrs(doubtful)
    heard = slice(5 * SUPERFRAME_SAMPLES + OVERLAP, 8 * SUPERFRAME_SAMPLES)
    assert 0.3 < rms(found[heard]) / rms(whole[heard]) < 3


def test_griffin_lim_comes_closer_with_each_round(words: np.ndarray) -> None:
    audio = np.pad(words, (OVERLAP, 0))
    blocks = [columns(audio[b * BLOCK : (b + 1) * BLOCK + OVERLAP]) for b in range(4)]
    away = []
    for rounds in (1, 5, 25, 100):
        method = GriffinLim(rounds)
        said = np.concatenate([method.step(block) for block in blocks])
        found, wanted = columns(said), np.concatenate(blocks, axis=1)[:, : len(said) // 120 - 3]
        away.append(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
        method.reset()
        assert np.array_equal(method.step(blocks[0]), said[:BLOCK])
    assert away == sorted(away, reverse=True) and away[-1] < 0.3 * away[0]


def test_a_spectrogram_within_0_and_1_gives_its_decibels_back(words: np.ndarray) -> None:
    found = columns(np.pad(words, (OVERLAP, 0))[: BLOCK + OVERLAP])
    normal, bottom, top = normalise(found)
    assert normal.shape == (BINS, COLUMNS) and normal.min() == 0 and normal.max() == 1
    loud = found > 10 ** ((top - 59) / 20)
    again = magnitudes(decibels(normal, bottom, top), bottom)
    np.testing.assert_allclose(again[loud], found[loud], rtol=1e-3)
    assert np.isfinite(normalise(np.zeros((BINS, COLUMNS), np.float32))[0]).all()


# --- new digits


def test_generation_is_repeated_by_its_seed(tmp_path: Path) -> None:
    model = card(MODEL)
    first, again, other = (generate.draw(model, 3, seed) for seed in (4, 4, 5))
    assert np.array_equal(first, again) and not np.allclose(first, other)
    audio, spectrogram = generate.speak(model, first[0])
    assert np.array_equal(audio, generate.speak(model, first[0])[0])
    assert audio.shape == (BLOCK,) and rms(audio) > 0.001 and np.abs(audio).max() <= 1
    assert spectrogram.shape == (BINS, COLUMNS)
    prior = generate.draw(model, 200, way="prior", warmth=1)
    assert prior.std() == pytest.approx(1, abs=0.02)
    way = generate.between(model, 3, 7, 5)
    np.testing.assert_allclose(way[2], (way[0] + way[4]) / 2, atol=1e-5)


def test_the_command_writes_digits_and_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "new"
    command = ["models", "generate", "vae-digits", "-n", "2", "--seed", "3", "--out", str(out)]
    assert main(command) == 0
    names = ["001.wav", "002.wav", "spectrograms.png"]
    assert sorted(p.name for p in out.iterdir()) == names
    first = (out / "001.wav").read_bytes()
    assert main(command) == 0 and (out / "001.wav").read_bytes() == first


def test_fewer_digits_take_the_place_of_more(tmp_path: Path, voicelink) -> None:
    """The folder holds what the last run said, and what others put there."""
    pytest.importorskip("matplotlib")
    for count in ("3", "1"):
        for other in ("notes.wav", "2024.wav", "000.wav"):
            (tmp_path / other).write_bytes(b"")
        voicelink("models", "generate", "-n", count, "--out", tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "000.wav", "001.wav", "2024.wav", "notes.wav", "spectrograms.png",
    ]  # fmt: skip


def test_recordings_of_others_are_not_replaced(tmp_path: Path, refused) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "001.wav").write_bytes(b"somebody's")
    message = refused("models", "generate", "-n", "1", "--out", tmp_path)
    assert "--out" in message and "001.wav is not of this command" in message
    assert (tmp_path / "001.wav").read_bytes() == b"somebody's"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_picture_says_which_file_and_what_is_heard(
    tmp_path: Path, voicelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    told = []
    monkeypatch.setattr(generate, "picture", lambda path, *rest: told.append(rest))
    voicelink("models", "generate", "--digit", "0", "--warmth", "0", "-n", "20", "--out", tmp_path)
    ((spectrograms, titles, title),) = told
    assert len(spectrograms) == 16
    assert titles == [f"{number:03}.wav, heard: 0" for number in range(1, 17)]
    assert title == "vae-digits, seed 0: the first 16 of 20"
    assert len(list(tmp_path.glob("*.wav"))) == 20


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("neural-800", "neural-800 generates nothing; vae-digits does"),
        ("-n 0", "--count must be a number from 1 to 1000, not 0"),
        ("--between 3 7 -n 1", "--count must be a number from 2 to 1000, not 1"),
        ("--between 3 11", "--between must be a number from 0 to 9, not 11"),
        ("--between 3 7 --warmth 1", "--between must stand without --digit, --prior and --warmth"),
        ("--digit 10", "--digit must be a number from 0 to 9, not 10"),
        ("--digit 1 --prior", "--digit must stand without --prior"),
        ("--warmth 3", "--warmth must be a number from 0 to 2, not 3"),
        ("--seed -1", "--seed must be a number from 0"),
        ("--out file", "--out: cannot make file: File exists"),
        ("--out file/new", "--out: cannot make file/new: Not a directory"),
    ],
)
def test_what_cannot_be_generated_is_told_by_the_names_of_options(
    line: str, said: str, refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    assert said in refused("models", "generate", *line.split())
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_cannot_be_drawn_is_said() -> None:
    model = card(MODEL)
    with pytest.raises(ParameterError, match="digit must be a number from 0 to 9, not 10"):
        generate.draw(model, 1, digit=10)
    with pytest.raises(ParameterError, match="left open"):
        generate.draw(model, 1, digit=1, way="prior")
    with pytest.raises(ParameterError, match="way must be one of"):
        generate.draw(model, 1, way="posterior")


# --- recognition, and learning


def test_a_held_out_speakers_digits_are_recognised() -> None:
    if not FSDD.is_dir():
        pytest.skip("needs ../shared/speech/fsdd")
    from voicelink.models.digits.data import held_out, read_digits
    from voicelink.models.digits.recognise import accuracy, recognise, through

    digits = held_out(read_digits(FSDD / "theo"))[::8]
    said = np.array([d.digit for d in digits])
    for codec, least in (("original", 0.8), (MODEL, 0.5)):
        heard = recognise(through(codec, d.audio) for d in digits)
        assert accuracy(said, heard).share >= least, codec


def test_an_autoencoder_learns(words: np.ndarray) -> None:
    pytest.importorskip("torch")
    from voicelink.models.digits.data import Digit
    from voicelink.models.digits.training.networks import Sizes
    from voicelink.models.digits.training.train_autoencoder import alone, batch, train

    digits = [Digit(k, "someone", words[k * 2000 : k * 2000 + 4000]) for k in range(8)]
    assert batch(digits, 3, np.random.default_rng(0)).shape == (3, 1, BINS, COLUMNS)
    assert alone(digits).shape == (8, 1, BINS, COLUMNS)
    sizes = Sizes(channels=(2, 4, 4, 4, 4))
    _, few = train(digits, sizes, 2, 4, seed=1)
    _, more = train(digits, sizes, 40, 4, seed=1)
    assert more["rmse"] < few["rmse"]
    assert more["nats"] > 0


def test_codes_of_one_digit_differ_from_codes_of_another(words: np.ndarray) -> None:
    """The decoder follows what it is sent: two digits do not come out as one."""
    model = card(MODEL)
    decoder = Decoder(model, 1)
    one, other = (generate.draw(model, 1, 0, digit=d, warmth=0)[0] for d in (1, 6))
    a, b = decoder.decoded(one, -72, -12), decoder.decoded(other, -72, -12)
    assert np.abs(a - b).mean() > 2
    assert code(words[:100], MODEL).shape == (100,)
