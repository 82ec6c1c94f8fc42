"""Two codecs beside each other: how sure a difference is."""

import json
import math

import numpy as np
import pytest

from voicelink.models.errors import ParameterError
from voicelink.models.evaluation import versus as module
from voicelink.models.evaluation.versus import versus


def test_a_codec_is_no_better_than_itself():
    values = np.random.default_rng(0).uniform(1, 2, 20)
    found = versus(values, values)
    assert (found.first, found.recordings) == (found.second, 20)
    assert found.difference == (0, 0)
    assert found.ratio == (1, 1)


def test_intervals_are_those_of_the_mean_of_differences():
    """Against what the central limit theorem says of many recordings."""
    rng = np.random.default_rng(1)
    second = rng.normal(50, 8, 400)
    first = second - rng.normal(3, 2, 400)
    found = versus(first, second)
    away = first - second
    half = 1.96 * away.std(ddof=1) / 20
    assert found.difference == pytest.approx((away.mean() - half, away.mean() + half), abs=0.03)
    assert found.ratio[0] < first.mean() / second.mean() < found.ratio[1] < 1


def test_pairs_tell_more_than_two_means():
    """Recordings differ by far more than the codecs do, which does not matter."""
    rng = np.random.default_rng(2)
    second = rng.normal(50, 20, 30)
    low, high = versus(second - rng.normal(2, 1, 30), second).difference
    assert -3 < low < high < -1


def test_recordings_that_lack_a_value_are_left_out():
    found = versus(np.array([1, math.nan, 3, 5]), np.array([2, 2, math.nan, 6]))
    assert (found.first, found.second, found.recordings) == (3, 4, 2)
    with pytest.raises(ParameterError, match="2 at least, not 1"):
        versus(np.array([1, math.nan]), np.array([1.0, 2.0]))
    with pytest.raises(ParameterError, match="speakers with both values must be 2"):
        versus(np.array([1.0, 2.0]), np.array([1.0, 2.0]), ["one", "one"])


def test_there_is_no_ratio_to_nothing():
    for second in ([0.0, 0.0, 0.0], [0.0, 0.0, 1.0]):
        low, high = versus(np.array([1.0, 2.0, 3.0]), np.array(second)).ratio
        assert math.isnan(low) and math.isnan(high)


def test_recordings_of_one_speaker_tell_less():
    """Sixteen speakers, to each of whom a codec is better or worse in all of four recordings."""
    rng = np.random.default_rng(3)
    away = np.repeat(rng.normal(0, 1, 16), 4)
    second = rng.normal(50, 8, 64)
    speakers = [f"{i // 4}" for i in range(64)]
    wide, narrow = (
        versus(second + away, second, names).difference for names in (speakers, [""] * 64)
    )
    assert wide[1] - wide[0] > 1.6 * (narrow[1] - narrow[0])  # twice, but for chance


@pytest.fixture
def results(tmp_path):
    rows = [
        {
            "codec": codec,
            "file": f"{i}.wav",
            "speaker": "",
            "values": {"words": value * (i + 1), "none": None},
        }
        for codec, value in (("a", 1.0), ("b", 2.0))
        for i in range(4)
    ]
    measures = {
        "words": {"label": "word err.", "better": "lower", "unit": "%"},
        "none": {"label": "None", "better": "higher", "unit": ""},
    }
    path = tmp_path / "eval.json"
    path.write_text(json.dumps({"codecs": {"a": {}, "b": {}}, "measures": measures, "rows": rows}))
    return path


def test_command_prints_a_table(results, capsys):
    assert module.main([str(results), "a", "b"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| word err. % (lower) | 2.500 | 5.000 |")
    assert "0.500 to 0.500 | 4 |" in lines[2]
    assert lines[3] == "| None | - | - | - | - | - |"
    assert "None: speakers with both values must be 2 at least, not 0" in lines
    assert "where the speaker is not known, each recording counts as somebody else's" in lines


@pytest.mark.parametrize(
    ("content", "codec", "said"),
    [
        (None, "b", "cannot read"),
        ("no JSON", "b", "must be what voicelink eval --json wrote"),
        ("[]", "b", "must be what voicelink eval --json wrote"),
        ("", "c", "codec must be one of a, b"),
    ],
)
def test_bad_input_gets_one_line(results, capsys, content, codec, said):
    if content is None:
        results.unlink()
    elif content:
        results.write_text(content)
    assert module.main([str(results), "a", codec]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
