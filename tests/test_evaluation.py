"""Evaluation of codecs: delays found, measures, peers, results and their tables."""

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicelink.link_sim import benchmark
from voicelink.link_sim.cli import main
from voicelink.models.card import card
from voicelink.models.errors import FormatError, ParameterError, VoiceLinkError
from voicelink.models.evaluation import tables
from voicelink.models.evaluation.align import cut, delay
from voicelink.models.evaluation.conditions import Condition, active_power
from voicelink.models.evaluation.evaluate import Recording, Results, Row, evaluate
from voicelink.models.evaluation.manifest import read_manifest
from voicelink.models.evaluation.measures import MEASURES, WITHOUT_TRANSCRIPTS, Measure
from voicelink.models.evaluation.peers import (
    Codec,
    Coded,
    CommandCodec,
    FixedFrames,
    Model,
    Original,
    codecs,
    ogg_packets,
)
from voicelink.models.evaluation.shared import kept


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    audio, rate = soundfile.read(benchmark.SAMPLE, dtype="float32")
    assert rate == 8000
    return audio[: 6 * rate]


def vocoded(audio: np.ndarray) -> np.ndarray:
    """The short-time magnitudes of speech with random phases: no waveform is left to match."""
    rng = np.random.default_rng(3)
    frame, hop = 160, 40
    result = np.zeros(len(audio) + frame)
    window = np.hanning(frame)
    for start in range(0, len(audio) - frame, hop):
        spectrum = np.abs(np.fft.rfft(audio[start : start + frame] * window))
        phases = np.exp(2j * np.pi * rng.random(len(spectrum)))
        result[start : start + frame] += np.fft.irfft(spectrum * phases, frame) * window
    return result[: len(audio)].astype(np.float32)


def shifted(audio: np.ndarray, lag: int) -> np.ndarray:
    if lag < 0:
        return audio[-lag:]
    return np.concatenate([np.zeros(lag, np.float32), audio])


class TestDelay:
    @pytest.mark.parametrize("lag", [-180, 0, 37, 160, 1051, 2560])
    def test_finds_the_lag_of_the_same_waveform(self, speech, lag):
        assert abs(delay(speech, 0.5 * shifted(speech, lag)) - lag) <= 8

    @pytest.mark.parametrize("lag", [0, 154, 553, 1051])
    def test_finds_the_lag_of_speech_without_its_waveform(self, speech, lag):
        decoded = shifted(vocoded(speech), lag)
        assert abs(delay(speech, decoded) - lag) <= 24  # 3 ms

    def test_is_zero_where_nothing_can_be_found(self, speech):
        assert delay(speech, np.zeros(8000, np.float32)) == 0
        assert delay(speech, speech[:100]) == 0

    def test_cut_leaves_what_overlaps(self, speech):
        for lag in (-100, 0, 100):
            reference, decoded = cut(speech, shifted(speech, lag), lag)
            assert np.array_equal(reference, decoded)
            assert len(reference) >= len(speech) - 100

    def test_cut_wants_an_overlap(self, speech):
        with pytest.raises(ParameterError, match="lag must leave"):
            cut(speech, speech[:50], 80)


BEST = {
    "estoi": 1,
    "stoi": 1,
    "phonemes": 0,
    "pesq": 4.549,
    "visqol": 4.7,
    "similarity": 1,
    "mcd": 0,
    "pitch": 0,
    "voicing": 0,
}
"""What a recording gets against itself."""


@pytest.mark.parametrize("name", sorted(WITHOUT_TRANSCRIPTS.keys() - {"pitch"}))
def test_each_measure_prefers_the_less_damaged(speech, name):
    measure = MEASURES[name]
    if measure.absent():
        pytest.skip(measure.absent())
    speech = speech[:40000]
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, len(speech)).astype(np.float32)
    # A little noise does a synthetic voice no harm where it is judged without its original.
    scales = (0, 0.1) if name.startswith("dnsmos") else (0, 0.003, 0.1)
    ordered = [measure(speech, np.clip(speech + scale * noise, -1, 1)) for scale in scales]
    assert ordered == sorted(ordered, reverse=measure.better == "higher")
    assert len(set(ordered)) == len(scales)
    if name in BEST:
        assert ordered[0] == pytest.approx(BEST[name], abs=0.15 if name == "visqol" else 1e-3)


def test_pitch_and_voicing_errors_are_shares_of_frames():
    """Of 4 s of a buzz at 110 Hz the third is coded an octave too high, the last as noise."""
    pitch, voicing = MEASURES["pitch"], MEASURES["voicing"]
    if pitch.absent():
        pytest.skip(pitch.absent())
    time = np.arange(32000) / 8000
    buzz, high = (
        (0.2 * (((f * time) % 1) - 0.5) * np.ones(32000)).astype(np.float32) for f in (110, 220)
    )
    noise = np.random.default_rng(0).normal(0, 0.1, 32000).astype(np.float32)
    coded = np.concatenate([buzz[:16000], high[16000:24000], noise[24000:]])
    assert pitch(buzz, coded) == pytest.approx(100 / 3, abs=3)
    assert voicing(buzz, coded) == pytest.approx(25, abs=3)
    assert pitch(buzz, buzz) == voicing(buzz, buzz) == 0


def test_mel_cepstral_distance_is_that_of_the_spectra_in_db():
    """Noise through a filter with a smooth response: its RMS in mel bands, its mean left out."""
    librosa, signal = pytest.importorskip("librosa"), pytest.importorskip("scipy.signal")
    distance = MEASURES["mcd"]
    noise = np.random.default_rng(0).normal(0, 0.05, 40000)
    edges = librosa.mel_frequencies(26, fmin=0, fmax=4000)
    _, response = signal.freqz([1, -0.5], worN=edges[1:-1], fs=8000)
    decibels = 20 * np.log10(np.abs(response))
    found = distance(noise, signal.lfilter([1, -0.5], 1, noise))
    assert found == pytest.approx(decibels.std(), rel=0.02)
    assert distance(noise, 0.1 * noise) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", WITHOUT_TRANSCRIPTS)
def test_a_measure_says_when_it_cannot_measure(speech, name):
    measure = MEASURES[name]
    if measure.absent():
        pytest.skip(measure.absent())
    silence = np.zeros(8000, np.float32)
    assert math.isnan(measure(silence, speech[:8000]))
    for length in (1, 100, 800):
        assert math.isnan(measure(speech[4000 : 4000 + length], speech[4000 : 4000 + length]))


@pytest.mark.parametrize("name", WITHOUT_TRANSCRIPTS)
def test_speech_of_which_nothing_is_heard_is_worst_or_not_measurable(speech, name):
    measure = MEASURES[name]
    if measure.absent():
        pytest.skip(measure.absent())
    value = measure(speech, np.zeros_like(speech))
    if name == "phonemes":  # every one is missing
        assert value == 100
        return
    worst = {"estoi": 0.05, "stoi": 0.3, "pesq": 1.5}.get(name, 0)
    assert math.isnan(value) or value < worst


def test_another_voice_is_less_similar(sample):
    """In the sample a woman speaks until 4 s and from 10 s to 14 s, and a man from 14 s on."""
    similarity = MEASURES["similarity"]
    if similarity.absent():
        pytest.skip(similarity.absent())
    woman, again, man = (sample[8000 * t : 8000 * (t + 4)] for t in (0, 10, 14))
    assert similarity(woman, again) > similarity(woman, man) + 0.2


def test_what_is_found_in_a_recording_is_kept(speech):
    calls = []

    @kept(2)
    def loudest(audio):
        calls.append(len(audio))
        return float(np.abs(audio).max())

    for part in (speech, 2 * speech, speech, 3 * speech, speech.copy()):
        assert loudest(part) == np.abs(part).max()
    assert len(calls) == 3


def test_a_measure_wants_equal_lengths(speech):
    with pytest.raises(ParameterError, match="equally long"):
        MEASURES["estoi"](speech, speech[:-1])


def test_an_absent_library_is_named(speech):
    measure = Measure("clarity", "Clarity", "higher", "", "clarity_of_speech", lambda r, d: 1.0)
    assert "clarity_of_speech" in measure.absent()
    assert "pip install '.[eval]'" in measure.absent()
    with pytest.raises(VoiceLinkError, match="clarity_of_speech"):
        measure(speech, speech)


def test_a_library_that_does_not_import_counts_as_absent(tmp_path, monkeypatch):
    (tmp_path / "compiled_for_another.py").write_text("raise ImportError('built\\nfor numpy 1')")
    monkeypatch.syspath_prepend(tmp_path)
    measure = Measure("m", "M", "higher", "", "compiled_for_another", lambda r, d: 1.0)
    assert measure.absent().endswith("(built for numpy 1)")


class TestPeers:
    @pytest.mark.parametrize("name", codecs())
    def test_codes_speech_at_its_bit_rate(self, speech, name):
        codec = codecs()[name]
        if codec.absent():
            pytest.skip(codec.absent())
        coded = codec.code(speech)
        assert coded.audio.dtype == np.float32
        assert np.abs(coded.audio).max() > 0.05
        # What is left out is at most a frame and the delay.
        assert abs(len(coded.audio) - len(speech)) <= 8 * (codec.frame_ms + 100)
        if codec.frame_ms:
            # A voice that goes ahead once is spent besides, and does not belong to the rate.
            ahead = 8 * card(name).voice_bytes if isinstance(codec, Model) else 0
            rate = (coded.bits - ahead) / coded.frames / codec.frame_ms * 1000
            variable = name.startswith("opus")
            assert rate == pytest.approx(codec.bit_rate, rel=0.15 if variable else 1e-9)

    def test_names_the_package_of_an_absent_codec(self):
        codec = CommandCodec(
            "nothing", 1000, 20, ("no-such-enc",), ("no-such-dec",), "nothing-tools", len
        )
        assert codec.absent() == (
            "nothing needs no-such-enc and no-such-dec: apt install nothing-tools"
        )

    def test_a_program_that_fails_is_named_with_what_it_said(self, speech):
        failing = ("sh", "-c", "echo no such mode >&2; exit 3")
        codec = CommandCodec("broken", 1000, 20, failing, failing, "none", FixedFrames(8, 1))
        with pytest.raises(VoiceLinkError, match="broken: sh failed: no such mode"):
            codec.code(speech)

    def test_counts_ogg_packets_across_pages(self):
        def page(lacing: list[int]) -> bytes:
            head = b"OggS" + bytes(22) + bytes([len(lacing)])
            return head + bytes(lacing) + bytes(sum(lacing))

        # The second packet fills two lacing values, the third goes on in the next page.
        assert ogg_packets(page([19, 255, 3, 255]) + page([10, 7])) == [19, 258, 265, 7]
        assert ogg_packets(b"no Ogg file") == []


@dataclass(frozen=True)
class Quiet(Codec):
    """A stand-in for a codec: half the level, a delay, a frame of 10 ms and 8 bits."""

    name: str = "quiet"
    bit_rate: int = 800
    frame_ms: float = 10.0
    removed_ms: float = 2.0
    lag: int = 400

    def absent(self) -> None:
        return None

    def code(self, audio: np.ndarray) -> Coded:
        frames = len(audio) // 80
        return Coded(0.5 * shifted(audio, self.lag), 8 * frames, frames)


@dataclass(frozen=True)
class Level:
    """The ratio of levels, as a measure's function."""

    def __call__(self, reference: np.ndarray, decoded: np.ndarray) -> float:
        return float(np.abs(decoded).sum() / np.abs(reference).sum())


LEVEL = Measure("level", "Level", "higher", "", "numpy", Level())


@pytest.fixture(scope="module")
def recordings(speech) -> list[Recording]:
    parts = np.array_split(speech, 3)
    return [
        Recording(f"{index}.wav", part, sex, speaker)
        for index, (part, sex, speaker) in enumerate(zip(parts, "FMF", "abb", strict=True))
    ]


@pytest.fixture(scope="module")
def results(recordings):
    return evaluate([Original(), Quiet()], recordings, [LEVEL])


class TestResults:
    def test_cut_the_median_lag_before_measuring(self, results):
        assert results.lags_ms["quiet"] == pytest.approx(50, abs=1)
        assert results.delays_ms["quiet"] == pytest.approx(62, abs=1)
        assert results.mean("quiet", "level").value == pytest.approx(0.5, abs=0.01)
        assert results.mean("original", "level").value == 1

    def test_bit_rate_is_what_was_spent(self, results):
        assert results.bit_rate("quiet") == pytest.approx(800)
        assert results.bit_rate("original") == pytest.approx(128000)

    def test_standard_error(self, recordings):
        values = iter([1.0, 2.0, math.nan] * 2)
        measure = Measure("drawn", "Drawn", "higher", "", "numpy", lambda r, d: next(values))
        results = evaluate([Original()], [*recordings, *recordings[:1]], [measure])
        mean = results.mean("original", "drawn")
        # 1, 2, 1: the standard deviation is 1 / sqrt(3), and the NaN is left out.
        assert (mean.value, mean.count) == (pytest.approx(4 / 3), 3)
        assert mean.error == pytest.approx(1 / 3)
        assert any("not measurable in 1 of 4" in note for note in tables.notes(results))

    def test_men_and_women_apart(self, results):
        assert results.groups() == ["all", "men", "women", "worst"]
        assert [row.file for row in results.of("quiet", "women")] == ["0.wav", "2.wav"]
        assert results.mean("quiet", "level", "men").count == 1

    @pytest.mark.parametrize(("better", "expected"), [("higher", (0.5 + 0.1) / 2), ("lower", 0.8)])
    def test_worst_of_each_speaker(self, better, expected):
        """Three recordings of a (one not measurable), one of b, one of nobody known."""
        measure = Measure("m", "M", better, "", "numpy", Level())
        values = {"a1": ("a", 0.9), "a2": ("a", 0.5), "a3": ("a", math.nan)}
        values |= {"b1": ("b", 0.1), "x1": ("", 0.0)}
        if better == "lower":
            values["b1"] = ("b", 0.7)
        rows = [
            Row("codec", file, "", speaker, 1.0, 800, 0.0, 0.0, {"m": value})
            for file, (speaker, value) in values.items()
        ]
        results = Results(rows, ["codec"], [measure], {"codec": 0}, {"codec": 0})
        assert results.groups() == ["all", "worst"]
        worst = results.mean("codec", "m", "worst")
        assert (worst.value, worst.count) == (pytest.approx(expected), 2)
        assert "Each speaker's worst recording: 2 of 4" in tables.text(results)
        alone = Results(rows[3:], ["codec"], [measure], {"codec": 0}, {"codec": 0})
        assert alone.groups() == ["all"]

    def test_codecs_hear_more_than_is_measured(self, speech):
        """The delay costs nothing of the recording's end, though the codec does not flush."""
        lengths = []
        measure = Measure(
            "length", "Length", "higher", "", "numpy", lambda r, d: lengths.append(len(r)) or 0.0
        )
        evaluate([Quiet(), Original()], [Recording("one", speech)], [measure])
        assert lengths == [len(speech)] * 2

    def test_processes_give_what_one_gives(self, recordings, results):
        again = evaluate([Original(), Quiet()], recordings, [LEVEL], jobs=2)
        assert [row.values for row in again.rows] == [row.values for row in results.rows]
        assert again.lags_ms == results.lags_ms

    def test_progress_reaches_its_end(self, recordings):
        seen = []
        evaluate([Quiet()], recordings, [LEVEL], progress=lambda *step: seen.append(step))
        assert seen == [(n, 6, "quiet") for n in range(1, 7)]

    def test_what_is_absent_is_left_out_and_named(self, recordings):
        gone = CommandCodec("gone", 9, 20, ("no-such-enc",), ("no-such-dec",), "gone", len)
        missing = Measure("missing", "Missing", "higher", "", "no_such_module", Level())
        results = evaluate([gone, Quiet()], recordings, [LEVEL, missing])
        assert results.codecs == ["quiet"]
        assert len(results.absent) == 2
        for text in (tables.text(results), tables.markdown(results), tables.to_json(results)):
            assert "apt install gone" in text
            assert "no_such_module" in text
        with pytest.raises(ParameterError, match="codecs must be one at least that is here"):
            evaluate([gone], recordings, [LEVEL])
        with pytest.raises(ParameterError, match="measures must be one at least that is here"):
            evaluate([Quiet()], recordings, [missing])
        with pytest.raises(ParameterError, match="recordings must be one at least"):
            evaluate([Quiet()], [], [LEVEL])


class TestTables:
    def test_text_and_markdown_have_means_and_errors(self, results):
        for text in (tables.text(results), tables.markdown(results)):
            assert "All recordings: 3, 0.1 minutes" in text
            assert "Women: 2" in text
            quiet = next(line for line in text.splitlines() if "quiet" in line)
            assert "0.50 ±0.0" in quiet
            assert "800" in quiet

    def test_csv_has_each_recording(self, results):
        rows = list(csv.DictReader(io.StringIO(tables.to_csv(results))))
        assert len(rows) == 6
        assert {row["sex"] for row in rows} == {"F", "M"}
        assert {row["speaker"] for row in rows} == {"a", "b"}
        assert {row["condition"] for row in rows} == {"as recorded"}
        assert float(rows[-1]["level"]) == pytest.approx(0.5, abs=0.01)

    def test_json_has_no_nan(self, recordings):
        measure = Measure("never", "Never", "lower", "", "numpy", lambda r, d: math.nan)
        document = json.loads(tables.to_json(evaluate([Quiet()], recordings, [measure])))
        assert document["rows"][0]["values"] == {"never": None}
        group = document["codecs"]["quiet"]["groups"]["women"]["never"]
        assert group == {"mean": None, "error": None, "count": 0}

    def test_many_measures_are_shown_in_two_tables(self, results, recordings):
        measures = [
            Measure(f"m{i}", f"M{i} err.", "lower", "", "numpy", Level(), topic=topic)
            for i, topic in enumerate(["speech"] * 6 + ["voice"] * 7)
        ]
        text = tables.text(evaluate([Quiet()], recordings, measures))
        assert text.count("quiet") == 2 * len(results.groups())
        for measure in measures:
            assert text.count(f" {measure.label.split()[0]} ") == len(results.groups())
        assert max(map(len, text.splitlines())) <= 130


@pytest.fixture(scope="module")
def noises():
    rng = np.random.default_rng(5)
    # Shorter than the recordings, and of other levels.
    return {
        name: (scale * rng.normal(0, 1, length)).astype(np.float32)
        for name, scale, length in (("low", 0.001, 9000), ("high", 0.2, 30000))
    }


class TestCondition:
    def test_noise_is_as_loud_as_asked(self, recordings, noises):
        condition = Condition(snr=10, noises=noises)
        for number, recording in enumerate(recordings):
            noisy = condition.applied(recording, number)
            assert np.array_equal(noisy.audio, recording.audio)
            added = noisy.heard.astype(np.float64) - noisy.audio
            ratio = active_power(noisy.audio) / np.mean(added**2)
            assert 10 * math.log10(ratio) == pytest.approx(10, abs=0.05)

    def test_pauses_do_not_count_as_speech(self, speech):
        loud = speech[4000:12000]
        apart = np.concatenate([loud, np.zeros(80000, np.float32)])
        assert active_power(apart) == pytest.approx(active_power(loud))
        assert active_power(np.zeros(8000)) == active_power(loud[:10]) == 0

    def test_noise_is_drawn_by_seed_and_number(self, recordings, noises):
        one = Condition(snr=0, noises=noises, seed=1)
        heard = one.applied(recordings[0], 0).heard
        assert np.array_equal(heard, one.applied(recordings[0], 0).heard)
        assert not np.array_equal(heard, one.applied(recordings[0], 1).heard)
        other = Condition(snr=0, noises=noises, seed=2)
        assert not np.array_equal(heard, other.applied(recordings[0], 0).heard)

    def test_level_is_as_asked(self, recordings):
        for recording in recordings:
            audio = Condition(level=-30).applied(recording, 0).audio
            rms = math.sqrt(np.mean(audio.astype(np.float64) ** 2))
            assert 20 * math.log10(rms) == pytest.approx(-30, abs=0.01)
            assert np.corrcoef(audio, recording.audio)[0, 1] > 0.9999

    def test_silence_stays_silence(self, noises):
        silent = Recording("silent", np.zeros(8000, np.float32))
        result = Condition(-30, 10, noises).applied(silent, 0)
        assert not result.audio.any()
        assert not result.heard.any()

    def test_codecs_hear_it_and_are_measured_against_the_speech(self, recordings, noises):
        condition = Condition(-30, 0, noises)
        results = evaluate([Original()], recordings, [LEVEL], condition=condition)
        # The level is in both; the noise, as strong as the speech, in what is measured alone.
        assert results.mean("original", "level").value > 1.3
        again = evaluate([Original()], recordings, [LEVEL], condition=Condition(-30))
        assert again.mean("original", "level").value == 1
        said = "level -30 dBFS, noise at 0 dB SNR"
        assert f"3, 0.1 minutes ({said})" in tables.text(results)
        assert f"3, 0.1 minutes ({said})" in tables.markdown(results)
        assert said in tables.to_csv(results)
        document = json.loads(tables.to_json(results))
        assert document["condition"] == said
        assert document["input"] == {"level": -30, "snr": 0, "noises": ["low", "high"], "seed": 0}

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"level": 1}, "level must be a number from -80 to 0"),
            ({"snr": 100, "noises": {"n": np.ones(9)}}, "snr must be a number from -20 to 80"),
            ({"snr": 10}, "snr and noises must be given together"),
            ({"noises": {"n": np.ones(9)}}, "snr and noises must be given together"),
            ({"snr": 10, "noises": {"n": np.zeros(9)}}, "n is silent"),
            ({"seed": -1}, "seed must be a number from 0"),
        ],
    )
    def test_wants_what_makes_sense(self, settings, said):
        with pytest.raises(ParameterError, match=said):
            Condition(**settings)


class TestManifest:
    def test_is_optional(self, tmp_path):
        assert read_manifest(tmp_path) == {}

    def test_gives_the_sex(self, tmp_path):
        (tmp_path / "manifest.tsv").write_text("file\tsex\na.wav\tF\n")
        assert read_manifest(tmp_path)["a.wav"]["sex"] == "F"

    @pytest.mark.parametrize("content", [b"name\tsex\na.wav\tF\n", b"\xff\xfe\x00file"])
    def test_another_file_is_refused(self, tmp_path, content):
        (tmp_path / "manifest.tsv").write_bytes(content)
        with pytest.raises(FormatError, match=r"manifest\.tsv"):
            read_manifest(tmp_path)


@pytest.fixture
def folder(tmp_path, speech) -> Path:
    folder = tmp_path / "speech"
    folder.mkdir()
    soundfile.write(folder / "one.wav", speech[:24000], 8000)
    soundfile.write(folder / "two.flac", np.stack([speech[:40000]] * 2, 1), 16000)
    (folder / "manifest.tsv").write_text("file\tsex\none.wav\tF\ntwo.flac\tM\n")
    return folder


class TestCommand:
    def test_writes_table_and_files(self, folder, tmp_path, capsys):
        outputs = [tmp_path / name for name in ("a.csv", "a.json", "a.md")]
        arguments = ["eval", str(folder), "--codecs", "original", "--measures", "estoi"]
        for option, path in zip(("--csv", "--json", "--markdown"), outputs, strict=True):
            arguments += [option, str(path)]
        assert main([*arguments, "--jobs", "1"]) == 0
        assert "Women: 1" in capsys.readouterr().out
        assert outputs[0].read_text().count("\n") == 3
        assert json.loads(outputs[1].read_text())["rows"][1]["sex"] == "M"
        assert "| original |" in outputs[2].read_text()
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.json", "a.md", "speech"]

    def test_json_on_standard_output_stands_alone(self, folder, capsys):
        arguments = ["eval", str(folder), "--codecs", "original", "--measures", "estoi"]
        assert main([*arguments, "--jobs", "1", "--limit", "1", "--json", "-"]) == 0
        document = json.loads(capsys.readouterr().out)
        estoi = document["codecs"]["original"]["groups"]["all"]["estoi"]
        assert estoi == {"mean": pytest.approx(1), "error": None, "count": 1}

    def test_conditions(self, folder, tmp_path, capsys):
        noise = np.random.default_rng(0).normal(0, 0.1, 8000)
        soundfile.write(tmp_path / "hum.wav", noise, 8000)
        arguments = ["eval", str(folder), "--codecs", "original", "--measures", "estoi"]
        arguments += ["--jobs", "1", "--limit", "1", "--json", "-"]
        values = []
        for snr in ("30", "0"):
            condition = ["--noise", str(tmp_path / "hum.wav"), "--snr", snr, "--level", "-30"]
            assert main([*arguments, *condition, "--seed", "3"]) == 0
            document = json.loads(capsys.readouterr().out)
            assert document["input"]["noises"] == ["hum.wav"]
            assert document["input"]["seed"] == 3
            values.append(document["codecs"]["original"]["groups"]["all"]["estoi"]["mean"])
        assert 0.99 > values[0] > values[1] + 0.1

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--level", "3"], "--level must be a number from -80 to 0, not 3.0"),
            (["--level", "nan"], "--level must be a number from -80 to 0"),
            (["--snr", "10"], "--snr must come with --noise"),
            (["--noise", "two.flac"], "--noise must come with --snr"),
            (["--noise", "nowhere", "--snr", "10"], "cannot read the folder nowhere"),
            (["--noise", "nowhere", "--snr", "inf"], "--snr must be a number from -20 to 80"),
            (["--seed", "-1"], "--seed must be a number from 0"),
            (["--codecs", "codec2-700"], "codec2-700C"),
            (["--codecs", ","], "--codecs must name one"),
            (["--measures", "pesk"], "did you mean pesq"),
            (["--jobs", "0"], "--jobs must be a number from 1 to 256, not 0"),
            (["--limit", "0"], "--limit must be a number of at least 1, not 0"),
            (["--csv", "-"], "only --json takes -"),
            (["--csv", "no/such/folder/a.csv"], "no/such/folder/a.csv"),
        ],
    )
    def test_bad_options_get_one_line(self, folder, capsys, options, said):
        assert main(["eval", str(folder), *options]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1

    @pytest.mark.parametrize("kind", ["missing", "empty", "no-audio"])
    def test_bad_folders_get_one_line_and_leave_no_file(self, tmp_path, capsys, kind):
        folder = tmp_path / kind
        if kind != "missing":
            folder.mkdir()
        if kind == "no-audio":
            (folder / "a.wav").write_text("not audio")
        output = tmp_path / "a.csv"
        assert main(["eval", str(folder), "--csv", str(output), "--codecs", "original"]) == 2
        error = capsys.readouterr().err
        assert kind in error
        assert error.count("\n") == 1
        assert not output.exists()
