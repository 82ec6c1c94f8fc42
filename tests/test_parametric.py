"""The parametric codec: what it hears, its 256 bits, what open bits leave known, its voice."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.models import parametric
from voicelink.models.latents import CERTAIN, llrs_of
from voicelink.models.parametric.analysis import (
    CENTRES,
    DELAY,
    HOP,
    MIDDLE,
    PAST,
    POINTS,
    Parameters,
    analyse,
)
from voicelink.models.parametric.codec import (
    FEATURES,
    TONE,
    Encoder,
    features,
    filters,
    released,
    scaled,
)
from voicelink.models.parametric.labels import labelled, single_errors
from voicelink.models.parametric.pitch import LOWEST
from voicelink.models.parametric.quantiser import (
    LEVEL_STEP,
    PAYLOAD_BITS,
    TILT,
    VOICED,
    Known,
    Quantiser,
    envelope_of,
    level_of,
    search,
    shape_of,
)
from voicelink.models.parametric.synthesis import Synthesis
from voicelink.models.sizes import BIT_RATE, FRAMES, SAMPLE_RATE, SUPERFRAME_SAMPLES


@pytest.fixture(scope="module")
def speech(sample: np.ndarray) -> np.ndarray:
    return sample[: 20 * SUPERFRAME_SAMPLES]


@pytest.fixture(scope="module")
def payload(speech: np.ndarray) -> bytes:
    return Encoder().encode(speech)


def buzz(pitch: np.ndarray | float, superframes: int, level: float = 0.1) -> np.ndarray:
    """Harmonics of a pitch in Hz, falling off by 6 dB an octave, with the given RMS."""
    time = SUPERFRAME_SAMPLES * superframes
    pitch = np.broadcast_to(pitch, time)
    cycles = np.cumsum(pitch) / SAMPLE_RATE
    parts = [
        np.cos(2 * np.pi * k * cycles + k * k) / k * (k * pitch < 0.45 * SAMPLE_RATE)
        for k in range(1, 60)
    ]
    audio = np.sum(parts, axis=0)
    return (audio * (level / np.sqrt(np.mean(audio**2)))).astype(np.float32)


def spoken(known: Known) -> np.ndarray:
    synthesis = Synthesis()
    return np.concatenate([synthesis.step(one) for one in each(known)])


def each(known: Known) -> list[Known]:
    names = Known.__dataclass_fields__
    count = len(known.level)
    return [Known(*(getattr(known, n)[i : i + 1] for n in names)) for i in range(count)]


def exact(parameters: Parameters) -> Known:
    """As if nothing was lost on the way."""
    index, shape = shape_of(parameters.envelope)
    octaves = np.log2(np.maximum(parameters.pitch, LOWEST) / LOWEST)
    values = (level_of(index), shape, octaves, parameters.voicing)
    return Known(*values, *(np.ones_like(v, dtype=float) for v in values))


def test_a_superframe_has_256_bits_and_the_rate_is_800(speech: np.ndarray, payload: bytes) -> None:
    assert PAYLOAD_BITS == 256 == BIT_RATE * SUPERFRAME_SAMPLES // SAMPLE_RATE
    assert len(payload) == 32 * len(speech) // SUPERFRAME_SAMPLES
    assert parametric.PAYLOAD_BITS == PAYLOAD_BITS and parametric.FEATURES == FEATURES


@pytest.mark.parametrize("pitch", [63.0, 80.0, 111.0, 150.0, 222.2, 300.0, 444.0])
def test_the_pitch_of_a_steady_sound(pitch: float) -> None:
    found = analyse(buzz(pitch, 4))
    np.testing.assert_allclose(found.pitch[1:], pitch, rtol=0.005)
    assert found.voicing[1:].min() > 0.95


def test_the_pitch_of_a_sound_that_glides() -> None:
    time = np.arange(6 * SUPERFRAME_SAMPLES)
    pitch = 110 * 2 ** (0.8 * np.sin(2 * np.pi * time / SAMPLE_RATE / 1.3))
    found = analyse(buzz(pitch, 6)).pitch.reshape(-1)[POINTS:]
    wanted = pitch[POINTS * HOP + MIDDLE :: HOP][: len(found)]
    assert np.abs(np.log2(found / wanted)).max() < 0.03


def test_noise_and_silence_have_no_voice() -> None:
    rng = np.random.default_rng(0)
    noise = analyse(rng.normal(0, 0.1, 8 * SUPERFRAME_SAMPLES))
    assert np.mean(noise.voicing > VOICED) < 0.05
    silence = analyse(np.zeros(2 * SUPERFRAME_SAMPLES))
    assert not silence.voicing.any() and np.isfinite(silence.envelope).all()


def test_pitch_and_voicing_of_speech_are_those_of_praat(speech: np.ndarray) -> None:
    parselmouth = pytest.importorskip("parselmouth", reason="needs the extra `eval`")
    found = analyse(speech)
    sound = parselmouth.Sound(speech.astype(float), SAMPLE_RATE)
    theirs = sound.to_pitch_ac(time_step=0.01, pitch_floor=60, pitch_ceiling=450)
    at = (HOP * np.arange(POINTS * len(found.pitch)) + MIDDLE) / SAMPLE_RATE
    nearest = np.round((at - theirs.x1) / theirs.dx).astype(int)
    inside = (nearest >= 0) & (nearest < theirs.n_frames)
    wanted = theirs.selected_array["frequency"][nearest[inside]]
    pitch, voiced = found.pitch.reshape(-1)[inside], found.voicing.reshape(-1)[inside] > 0
    assert np.mean(voiced == (wanted > 0)) > 0.85
    both = voiced & (wanted > 0)
    assert both.sum() > 100
    away = np.abs(np.log2(pitch[both] / wanted[both]))
    assert np.mean(away > 0.25) < 0.03 and np.median(away) < 0.01


def test_the_envelope_is_the_power_density_wherever_the_harmonics_lie() -> None:
    """White noise of 0.1 is -20 dB in every band; a buzz has its power between its harmonics."""
    rng = np.random.default_rng(1)
    noise = analyse(rng.normal(0, 0.1, 20 * SUPERFRAME_SAMPLES)).envelope[1:]
    np.testing.assert_allclose(10 * np.log10(np.mean(10 ** (noise / 10), (0, 1))), -20, atol=0.5)
    for pitch in (100.0, 117.0, 140.0):
        found = analyse(buzz(pitch, 3)).envelope[1:].mean((0, 1))
        # Harmonic k has 1/k^2 of the power, one each `pitch` Hz.
        density = (1 / CENTRES**2) / np.sum(1 / np.arange(1, int(3600 / pitch) + 1) ** 2)
        wanted = 10 * np.log10(0.01 * density * pitch**2 * (SAMPLE_RATE / 2 / pitch))
        inside = (2 * pitch < CENTRES) & (CENTRES < 3300)
        assert np.abs(found - wanted)[inside].max() < 1.5


def test_no_window_reaches_beyond_the_superframe(speech: np.ndarray) -> None:
    """Superframe by superframe, with what came before it, is the same as all at once."""
    whole = analyse(speech)
    past = np.concatenate([np.zeros(PAST), speech])
    for i in (0, 3, 11):
        start = i * SUPERFRAME_SAMPLES
        audio = speech[start : start + SUPERFRAME_SAMPLES]
        one = analyse(audio, past[start : start + PAST])
        np.testing.assert_allclose(one.envelope[0], whole.envelope[i], atol=0.01)
        np.testing.assert_allclose(one.pitch[0], whole.pitch[i], rtol=1e-4)
        np.testing.assert_allclose(one.voicing[0], whole.voicing[i], atol=1e-4)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
@settings(max_examples=5, deadline=None)
def test_any_number_of_superframes_at_once_gives_the_same_payloads(counts: list[int]) -> None:
    audio = buzz(130.0, 6, 0.05)[: sum(counts) * SUPERFRAME_SAMPLES]
    encoder = Encoder()
    cuts = np.cumsum(counts) * SUPERFRAME_SAMPLES
    parts = [encoder.encode(part) for part in np.split(audio, cuts) if len(part)]
    assert b"".join(parts) == Encoder().encode(audio)


def test_level_and_shape_make_the_envelope(speech: np.ndarray) -> None:
    found = analyse(speech).envelope
    index, shape = shape_of(found)
    back = envelope_of(level_of(index), shape)
    loud = shape > -30
    np.testing.assert_allclose(back[loud], found[loud], atol=1e-3)
    # The loudest point is at the level, as near as its steps are.
    highest = 10 * np.log10(np.mean(10 ** ((found + TILT) / 10), axis=2).max(axis=1))
    assert np.abs(level_of(index) - highest).max() <= LEVEL_STEP / 2 + 1e-3


def test_what_is_quantised_comes_back_nearly_as_it_was(speech: np.ndarray, payload: bytes) -> None:
    parameters = analyse(speech)
    known = released().decode(llrs_of(payload))
    level, shape = shape_of(parameters.envelope)
    np.testing.assert_allclose(known.level, level_of(level), atol=1e-5)
    assert np.sqrt(np.mean((known.shape - shape) ** 2)) < 3.5
    voiced = parameters.voicing > 0
    octaves = np.log2(parameters.pitch[voiced] / LOWEST)
    assert np.mean(np.abs(known.pitch[voiced] - octaves)) < 0.06
    assert np.mean((known.voicing > VOICED) == voiced) > 0.95


def test_certain_bits_are_decoded_to_the_tables_rows() -> None:
    """The expectation over what certain bits leave open is the one codeword they name."""
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2, (3, PAYLOAD_BITS))
    codec = released()
    known = codec.decode(np.where(bits, -CERTAIN, CERTAIN))
    tables = codec.tables

    def index(item: int, start: int, stop: int) -> int:
        return int("".join(map(str, bits[item, start:stop])), 2)

    for i in range(3):
        assert known.level[i] == level_of(index(i, 0, 5))
        np.testing.assert_array_equal(known.voicing[i], tables["voicing"][index(i, 5, 15)])
        pitch = tables["pitch0"][index(i, 15, 24)] + tables["pitch1"][index(i, 24, 32)]
        np.testing.assert_allclose(known.pitch[i], pitch, atol=1e-6)
        for block in range(4):
            at = 32 + 56 * block
            rows = [tables[f"envelope{s}"][index(i, at + 8 * s, at + 8 * s + 8)] for s in range(7)]
            wanted = tables["basis"] @ np.sum(rows, axis=0) + tables["mean"]
            got = known.shape[i, 4 * block : 4 * block + 4].reshape(-1)
            np.testing.assert_allclose(got, wanted, atol=1e-3)
    for name in ("level", "shape", "pitch", "voicing"):
        np.testing.assert_allclose(getattr(known, f"{name}_reliability"), 1, atol=1e-3)


def test_open_bits_give_the_mean_of_what_they_may_be() -> None:
    rng = np.random.default_rng(3)
    bits = np.where(rng.integers(0, 2, PAYLOAD_BITS), -CERTAIN, CERTAIN)
    llrs = bits.copy()
    llrs[[5, 6, 40, 60]] = 0, 1, 0, -0.5
    codec = released()
    soft = codec.decode(llrs[None])
    mean, total = {}, 0
    for choice in range(16):
        hard, odds = bits.copy(), 1.0
        for k, place in enumerate((5, 6, 40, 60)):
            one = choice >> k & 1
            hard[place] = -CERTAIN if one else CERTAIN
            p = 1 / (1 + np.exp(llrs[place]))
            odds *= p if one else 1 - p
        for name in ("shape", "voicing", "pitch", "level"):
            value = getattr(codec.decode(hard[None]), name)
            mean[name] = mean.get(name, 0) + odds * value
        total += odds
    assert total == pytest.approx(1)
    for name, value in mean.items():
        np.testing.assert_allclose(getattr(soft, name), value, atol=1e-3)
    assert (soft.level_reliability == 1).all() and (soft.pitch_reliability > 0.999).all()
    assert soft.voicing_reliability.min() < 0.9 and soft.shape_reliability[0, :4].min() < 0.99
    np.testing.assert_allclose(soft.shape_reliability[0, 4:], 1, atol=1e-3)


def test_where_nothing_is_known_no_value_is_reliable() -> None:
    known = released().decode(np.zeros((1, PAYLOAD_BITS)))
    for name in ("level", "shape", "pitch", "voicing"):
        assert np.abs(getattr(known, f"{name}_reliability")).max() < 1e-3


def test_features_are_scaled_and_tell_pitch_and_voicing(payload: bytes) -> None:
    values, reliability = features(llrs_of(payload))
    count = FRAMES * len(payload) // 32
    assert values.shape == reliability.shape == (count, FEATURES)
    assert values.dtype == reliability.dtype == np.float32
    assert np.abs(values).max() < 2 and 0.2 < np.std(values) < 1
    np.testing.assert_allclose(reliability, 1, atol=1e-3)
    known = released().decode(llrs_of(payload))
    octaves, _ = TONE @ np.append(values[40], 1)
    pitch = LOWEST * 2 ** known.pitch.reshape(-1, 2)[40].mean()
    assert 55 * 2**octaves == pytest.approx(pitch, rel=1e-4)
    # A point counts as voiced where its mean logit is positive.
    logits = values @ TONE[1, :-1] + TONE[1, -1]
    np.testing.assert_array_equal(
        logits > 1e-4, known.voicing.reshape(-1, 2).mean(axis=1) > VOICED + 1e-5
    )


def test_filters_are_the_envelope_that_the_features_tell() -> None:
    """Of noise and of a buzz whose spectra are flat, at the four hops of a frame."""
    known = released().decode(llrs_of(np.random.default_rng(11).bytes(32)))
    known.shape[:] = np.linspace(-20, 0, POINTS)[None, :, None]
    values, _ = scaled(known)
    noise, pulses = np.split(filters() @ np.append(values[3], 1), 2, axis=1)
    density = envelope_of(known.level, known.shape)[0]
    window = np.hanning(321)[:-1]
    points = density[6], 0.75 * density[6] + 0.25 * density[7], None, density[7]
    for hop in (0, 1, 3):
        bins = CENTRES / 25
        got = 20 / np.log(10) * np.interp(bins, np.arange(161), noise[hop])
        energy = 10 * np.log10(np.sum(window**2))
        np.testing.assert_allclose(got, points[hop] + energy, atol=0.5)
    # The amplitude that gives harmonics the power density, and the peak that a window makes of it.
    pitch = LOWEST * 2 ** known.pitch[0, 6]
    ratio = np.sqrt(4 * pitch / SAMPLE_RATE) * np.sum(window) / 2 / np.sqrt(np.sum(window**2))
    np.testing.assert_allclose(np.exp(pulses[0] - noise[0]), ratio, rtol=1e-3)


def test_a_generator_begins_with_what_the_features_say() -> None:
    """Untrained, it speaks at the pitch and the level that it was given."""
    torch = pytest.importorskip("torch", reason="needs the extra `training`")
    from voicelink.models.training.trained import networks_of

    torch.manual_seed(0)
    sizes = {f"decoder_{name}": 8 for name in ("coarse", "fine")}
    net = networks_of({**sizes, "decoder_coarse_blocks": 1, "decoder_fine_blocks": 1}, "parametric")
    for values in net.decoder.head.parameters():
        torch.nn.init.zeros_(values)
    audio = buzz(140.0, 6, 0.05)
    with torch.inference_mode():
        said = net.decode(net.encode(audio))[2 * SUPERFRAME_SAMPLES :]
    np.testing.assert_allclose(analyse(said).pitch[1:], 140, rtol=0.03)
    assert np.std(said) == pytest.approx(0.05, rel=0.3)


def test_the_search_finds_better_sums_than_stage_by_stage() -> None:
    rng = np.random.default_rng(4)
    tables = [rng.normal(0, 0.6**i, (16, 6)).astype(np.float32) for i in range(4)]
    x = rng.normal(0, 1, (200, 6)).astype(np.float32)

    def error(survivors: int) -> float:
        index = search(x, tables, survivors=survivors)
        sums = sum(table[index[:, i]] for i, table in enumerate(tables))
        return float(np.mean((x - sums) ** 2))

    every = np.stack(np.meshgrid(*[np.arange(16)] * 4), axis=-1).reshape(-1, 4)
    sums = sum(table[every[:, i]] for i, table in enumerate(tables))
    best = np.mean(np.min(((x[:20, None] - sums) ** 2).mean(2), axis=1))
    first = search(x[:20], tables, survivors=4096)
    found = sum(table[first[:, i]] for i, table in enumerate(tables))
    assert np.mean((x[:20] - found) ** 2) == pytest.approx(best, rel=1e-4)
    assert error(16) < error(4) < error(1)


def test_labels_keep_alike_rows_near() -> None:
    rng = np.random.default_rng(5)
    table = rng.normal(0, 1, (64, 5)) * [4, 2, 1, 1, 0.5]
    ordered = labelled(table)
    np.testing.assert_array_equal(np.sort(ordered, axis=0), np.sort(table, axis=0))
    assert single_errors(ordered) < 0.75 * single_errors(table)
    line = rng.permutation(np.arange(32.0))[:, None]
    steps = np.diff(labelled(line)[:, 0])
    assert (steps == steps[0]).all() and abs(steps[0]) == 1


def test_the_released_tables_are_ordered_against_wrong_bits() -> None:
    rng = np.random.default_rng(6)
    for name, table in released().tables.items():
        if name not in ("mean", "basis"):
            assert single_errors(table) < 0.95 * single_errors(rng.permutation(table)), name


def test_the_plain_voice_keeps_pitch_and_level() -> None:
    for pitch, level in ((90.0, 0.1), (210.0, 0.02)):
        audio = buzz(pitch, 8, level)
        said = spoken(exact(analyse(audio)))
        assert said.dtype == np.float32 and len(said) == len(audio)
        middle = said[2 * SUPERFRAME_SAMPLES :]
        np.testing.assert_allclose(analyse(middle).pitch[1:], pitch, rtol=0.01)
        assert np.std(middle) == pytest.approx(level, rel=0.15)


def test_the_plain_voice_of_noise_is_noise_of_its_level() -> None:
    rng = np.random.default_rng(7)
    said = spoken(exact(analyse(rng.normal(0, 0.05, 12 * SUPERFRAME_SAMPLES))))
    found = analyse(said)
    assert np.mean(found.voicing[1:] > VOICED) < 0.1
    assert np.std(said[SUPERFRAME_SAMPLES:]) == pytest.approx(0.05, rel=0.15)


def test_the_plain_voice_lags_by_the_delay() -> None:
    """A burst of noise comes out where it went in, `DELAY` later."""
    audio = np.zeros(6 * SUPERFRAME_SAMPLES)
    start = 3 * SUPERFRAME_SAMPLES + 900
    audio[start : start + 1600] = np.random.default_rng(8).normal(0, 0.1, 1600)
    said = spoken(exact(analyse(audio)))
    time = np.arange(len(said))
    assert np.average(time, weights=said**2) - np.average(time, weights=audio**2) == pytest.approx(
        DELAY, abs=60
    )


def test_the_plain_voice_steps_as_it_runs_and_starts_again(payload: bytes) -> None:
    known = released().decode(llrs_of(payload))
    synthesis = Synthesis()
    first = np.concatenate([synthesis.step(one) for one in each(known)])
    synthesis.reset()
    again = np.concatenate([synthesis.step(one) for one in each(known)])
    np.testing.assert_array_equal(first, again)


def test_lost_superframes_die_away_and_cost_only_themselves(payload: bytes) -> None:
    llrs = llrs_of(payload)
    whole = spoken(released().decode(llrs))
    llrs[8:12] = 0
    gaps = spoken(released().decode(llrs))
    size = SUPERFRAME_SAMPLES
    np.testing.assert_array_equal(gaps[: 8 * size], whole[: 8 * size])
    assert np.std(gaps[8 * size : 9 * size]) > 0
    assert np.std(gaps[10 * size : 12 * size]) < 0.05 * np.std(whole)
    # The noise runs on alike; only the phase of the voice may differ.
    levels = [np.log(np.std(x[13 * size :].reshape(-1, HOP), axis=1)) for x in (gaps, whole)]
    assert np.corrcoef(*levels)[0, 1] > 0.95


def test_the_plain_voice_makes_more_of_likelihoods_than_of_decisions(
    payload: bytes, speech: np.ndarray
) -> None:
    """BPSK in noise, one bit in six wrong: what is not certain is guessed, not silent."""
    stoi = pytest.importorskip("pystoi", reason="needs the extra `demo`").stoi
    sent = np.sign(llrs_of(payload))
    received = sent + np.random.default_rng(1).normal(0, 1, sent.shape)
    assert np.mean(received * sent < 0) == pytest.approx(0.16, abs=0.01)

    def heard(llrs: np.ndarray) -> float:
        codec, voice = released(), Synthesis()
        audio = np.concatenate([voice.step(codec.decode(row[None])) for row in llrs])[DELAY:]
        return stoi(speech[: len(audio)], audio, SAMPLE_RATE, extended=True)

    assert heard(2 * received) > heard(CERTAIN * np.sign(received)) + 0.01


def test_whatever_comes_in_the_plain_voice_is_finite() -> None:
    rng = np.random.default_rng(9)
    llrs = np.concatenate(
        [
            llrs_of(rng.bytes(32 * 12)),
            rng.normal(0, 3, (6, PAYLOAD_BITS)),
            np.full((1, PAYLOAD_BITS), np.nan),
        ]
    )
    said = spoken(released().decode(llrs))
    assert np.isfinite(said).all() and np.abs(said).max() <= 1
    values, reliability = scaled(released().decode(llrs))
    assert np.isfinite(values).all() and reliability.min() >= 0 and reliability.max() <= 1


def test_codebooks_are_made_of_a_corpus(
    tmp_path: Path, sample: np.ndarray, capsys: pytest.CaptureFixture
) -> None:
    pytest.importorskip("sklearn", reason="needs the extra `training`")
    from voicelink.models.parametric.train import main
    from voicelink.models.training.corpus import Recording, write_index

    rng = np.random.default_rng(10)
    pieces = [np.roll(sample, int(rng.integers(len(sample)))) for _ in range(22)]
    length = len(sample)
    np.save(tmp_path / "speech.npy", np.round(np.concatenate(pieces) * 32767).astype(np.int16))
    rows = [Recording("made", "one", i * length, length) for i in range(len(pieces))]
    write_index(tmp_path / "index.csv", rows)
    out = tmp_path / "codebooks.npz"
    arguments = ["--speech", str(tmp_path), "--cache", str(tmp_path), "--out", str(out)]
    assert main([*arguments, "--superframes", "1150", "--seed", "1"]) == 0
    found = re.search(r"^shape_db (\S+)$", capsys.readouterr().out, re.MULTILINE)
    assert found and float(found[1]) < 3
    made = Quantiser.read(out.read_bytes())
    assert {n: t.shape for n, t in made.tables.items()} == {
        n: t.shape for n, t in released().tables.items()
    }
    payload = Encoder(made).encode(sample[: 5 * SUPERFRAME_SAMPLES])
    assert len(payload) == 5 * 32
