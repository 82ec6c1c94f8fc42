"""Word errors: what a recogniser with a small vocabulary understands of words that are known."""

import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicelink.link_sim.cli import main
from voicelink.link_sim.recordings import read_transcripts
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.evaluation.words import bigrams, transcripts, word_error, words_of

needs_recogniser = pytest.mark.skipif(
    bool(MEASURES["words"].absent()), reason=MEASURES["words"].absent() or ""
)


@pytest.fixture(scope="module")
def speech(sample: np.ndarray) -> np.ndarray:
    """The first turn of the bundled sample."""
    return sample[: int(4.3 * 8000)]


@pytest.fixture(scope="module")
def text(sample_path: Path) -> str:
    """What is said in it."""
    first, *_ = sample_path.with_name("words.txt").read_text().splitlines()
    return first.partition(": ")[2]


def test_words_are_told_from_punctuation():
    assert words_of("\u201cDon\u2019t,\u201d he said: 3 times; twenty-one!") == (
        *("don't", "he", "said", "3", "times", "twenty", "one"),
    )
    assert words_of("na\u00efve caf\u00e9, o\u02bcclock") == ("naive", "cafe", "o'clock")
    assert words_of(" - ... _") == ()


def test_recordings_without_words_have_no_transcript():
    found = transcripts({"a": "Over.", "b": "", "c": "Go ahead, over.", "d": "OVER"})
    assert found.keys() == {"a", "c", "d"}
    assert found["a"].words == ("over",)
    # What one may expect is what is said in any, each sentence once.
    assert found["a"].language == found["c"].language == (("over",), ("go", "ahead", "over"))


def chances(arpa: str):
    """P(second | first) of a file in ARPA's format, read as its definition says."""
    single, pairs, back = {}, defaultdict(dict), {}
    for line in arpa.splitlines():
        match line.split():
            case [chance, word, fall_back]:
                try:
                    single[word], back[word] = 10 ** float(chance), 10 ** float(fall_back)
                except ValueError:
                    pairs[word][fall_back] = 10 ** float(chance)
    for line in arpa.partition("\\2-grams:")[2].splitlines():
        if len(parts := line.split()) == 3:
            pairs[parts[1]][parts[2]] = 10 ** float(parts[0])

    def chance(first: str, second: str) -> float:
        return pairs[first].get(second, back[first] * single[second])

    return single, chance


@pytest.mark.parametrize(
    "said",
    [
        ["go ahead over", "over", "i read you well go ahead over", "do you read me over"],
        ["over"],
        ["over over over"],
    ],
)
def test_chances_of_the_next_word_add_up_to_one(said):
    sentences = [words_of(text) for text in said]
    single, chance = chances(bigrams(sentences))
    words = [word for word in single if word != "<s>"]
    assert sum(single[word] for word in words) == pytest.approx(1, abs=1e-4)
    for first in single.keys() - {"</s>"}:
        assert sum(chance(first, second) for second in words) == pytest.approx(1, abs=1e-3)


def test_a_discount_makes_what_is_said_less_expected():
    said = [words_of("go ahead over"), words_of("read me over")]
    expected = [chances(bigrams(said, discount))[1]("go", "ahead") for discount in (0.1, 0.5, 0.9)]
    assert expected == pytest.approx([0.9, 0.5, 0.1], abs=1e-4)


def test_a_pair_that_was_said_is_expected_more_than_one_that_was_not():
    _, chance = chances(bigrams([words_of("go ahead over"), words_of("read me over")]))
    assert chance("go", "ahead") > 3 * chance("go", "me") > 0


@needs_recogniser
def test_words_are_heard_until_there_is_too_much_noise(speech, text):
    transcript = transcripts({"speech": text, "other": "The wind is strong."})["speech"]
    noise = np.random.default_rng(1).normal(0, 1, len(speech)).astype(np.float32)
    assert word_error(transcript, speech) == 0
    assert word_error(transcript, np.clip(speech + 0.3 * noise, -1, 1)) > 50


@needs_recogniser
def test_silence_says_no_word(text):
    transcript = transcripts({"speech": text})["speech"]
    assert word_error(transcript, np.zeros(16000, np.float32)) == 100


@needs_recogniser
def test_other_words_are_errors(speech, text):
    """The errors are those of the transcript, not of what is expected."""
    found = transcripts({"speech": text, "other": "The wind is strong."})
    assert word_error(found["other"], speech) > 100


@needs_recogniser
def test_a_measure_without_a_transcript_has_no_value(speech, text):
    measure = MEASURES["words"]
    assert math.isnan(measure(speech, speech))
    assert measure(speech, speech, transcripts({"speech": text})["speech"]) == 0


@pytest.fixture
def folder(tmp_path, speech, text) -> Path:
    """The turn with its transcript, and its beginning without."""
    folder = tmp_path / "speech"
    folder.mkdir()
    soundfile.write(folder / "a.flac", speech, 8000)
    soundfile.write(folder / "b.flac", speech[:16000], 8000)
    (folder / "manifest.tsv").write_text("file\tspeaker\na.flac\tslt\nb.flac\tslt\n")
    (tmp_path / "said.tsv").write_text(f"file\ttext\na.flac\t{text} Xyzzyx.\n")
    return folder


def test_transcripts_are_read_as_a_spreadsheet_writes_them(folder, tmp_path):
    path = tmp_path / "sheet.tsv"
    path.write_bytes(
        b'\xef\xbb\xbfFile\t"Text"\r\n"a.flac"\t"He said ""over"", he did."\r\n\r\n'
        b'b.flac \t"Over," he said.\r\n'
    )
    found = read_transcripts(folder, path)
    assert found["a.flac"].words == ("he", "said", "over", "he", "did")
    assert found["b.flac"].words == ("over", "he", "said")


def test_what_is_expected_does_not_depend_on_the_limit(folder, tmp_path):
    (folder / "manifest.tsv").write_text("file\ttext\na.flac\tOver.\nb.flac\tGo ahead.\n")
    found = read_transcripts(folder, tmp_path / "said.tsv", limit=1)
    assert found.keys() == {"a.flac"}
    assert found["a.flac"] == read_transcripts(folder / "a.flac", tmp_path / "said.tsv")["a.flac"]
    # Those of the file go before the manifest's.
    assert found["a.flac"].words[:2] == ("control", "this")
    assert found["a.flac"].language[1] == ("go", "ahead")


@needs_recogniser
class TestCommand:
    def test_takes_transcripts_of_a_file_or_of_the_manifest(self, folder, tmp_path, capsys, text):
        arguments = ["eval", str(folder), "--codecs", "original", "--jobs", "1", "--json", "-"]
        given = [*arguments, "--measures", "words"]
        assert main([*given, "--transcripts", str(tmp_path / "said.tsv")]) == 0
        said = capsys.readouterr()
        found = json.loads(said.out)
        values = [row["values"]["words"] for row in found["rows"]]
        assert values[1] is None
        # The last word is in no dictionary.
        assert values[0] == pytest.approx(100 / 12, abs=0.01)
        assert "so never heard: xyzzyx" in said.err
        assert found["unheard"] == ["xyzzyx"]

        (folder / "manifest.tsv").write_text(f"file\ttext\na.flac\t{text}\nb.flac\t\n")
        assert main(given) == 0
        assert json.loads(capsys.readouterr().out)["rows"][0]["values"]["words"] == 0

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "cannot read"),
            ("file\twords\na.flac\tOver.\n", "must have the columns file and text"),
            ("file\ttext\nc.flac\tOver.\n", "at least, as a.flac, but is of c.flac"),
            ("name\ttext\na.flac\tOver.\n", "and is 'name text'"),
            ("file text\na.flac Over.\n", "and is 'file text'"),
            ("file\ttext\na.flac\t...\n", "must say what is said in a recording of"),
            ("file\ttext\na.flac\tOver.\na.flac\tOut.\n", "line 3 names a.flac again"),
            ("file\ttext\n\tOver.\n", "line 2 has no file"),
            ("", "the first line must name columns"),
        ],
    )
    def test_bad_transcripts_get_one_line(self, folder, tmp_path, capsys, content, said):
        path = tmp_path / "transcripts.tsv"
        if content is not None:
            path.write_text(content)
        output = tmp_path / "out.csv"
        arguments = ["eval", str(folder), "--codecs", "original", "--measures", "words"]
        assert main([*arguments, "--transcripts", str(path), "--csv", str(output)]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
        assert not output.exists()

    def test_words_of_another_language_are_not_measurable(self, folder, tmp_path, capsys):
        path = tmp_path / "transcripts.tsv"
        path.write_text("file\ttext\na.flac\tXyzzyx qwrtzp.\n", encoding="utf-8-sig")
        arguments = ["eval", str(folder), "--codecs", "original", "--measures", "words"]
        assert main([*arguments, "--transcripts", str(path), "--json", "-"]) == 0
        said = capsys.readouterr()
        assert {row["values"]["words"] for row in json.loads(said.out)["rows"]} == {None}
        assert "so never heard: qwrtzp, xyzzyx" in said.err

    @pytest.mark.parametrize("discount", ["0", "1", "nan"])
    def test_a_discount_is_a_share(self, folder, capsys, discount):
        assert main(["eval", str(folder), "--discount", discount]) == 2
        assert "--discount must be a number from 0.1 to 0.99" in capsys.readouterr().err

    def test_words_want_transcripts(self, folder, capsys):
        assert main(["eval", str(folder), "--measures", "estoi,words"]) == 2
        assert "--transcripts FILE, or a column text" in capsys.readouterr().err

    def test_transcripts_are_not_written_over(self, folder, tmp_path, capsys):
        path = tmp_path / "said.tsv"
        before = path.read_text()
        arguments = ["eval", str(folder), "--codecs", "original", "--transcripts", str(path)]
        assert main([*arguments, "--csv", str(path)]) == 2
        assert "is the input" in capsys.readouterr().err
        assert path.read_text() == before


def test_damage_does_not_write_over_transcripts(folder, tmp_path, capsys):
    from voicelink.link_sim import damage

    path = tmp_path / "said.tsv"
    before = path.read_text()
    arguments = [str(folder), "--transcripts", str(path), "--json", str(path)]
    assert damage.main(arguments) == 2
    assert "is the input" in capsys.readouterr().err
    assert path.read_text() == before


@needs_recogniser
def test_damage_measures_words_where_they_are_known(folder, tmp_path, monkeypatch):
    from voicelink.link_sim import damage, damage_results

    monkeypatch.setitem(damage_results.LEVELS, "errors", (0.4,))
    output = tmp_path / "damage.json"
    arguments = [str(folder), "--only", "errors", "--limit", "1", "--jobs", "1"]
    arguments += ["--measures", "words", "--transcripts", str(tmp_path / "said.tsv")]
    assert damage.main([*arguments, "--json", str(output)]) == 0
    curves = json.loads(output.read_text())["curves"]
    hard = next(c for c in curves if (c["link"], c["receiver"]) == ("neural-800", "hard"))
    errors = [point["values"]["words"]["mean"] for point in hard["points"]]
    assert errors[0] < 30 < 60 < errors[1]
