"""The report of a sweep: its answer, its intervals, its page and its picture, bad input."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from sweep_results import read_table, write_sweep, write_table

from voicelink.link_sim.fer import wilson
from voicelink.link_sim.report import write_report
from voicelink.link_sim.report.interval import mean, share_of_errors
from voicelink.link_sim.report.limits import Criterion, criterion, limits
from voicelink.link_sim.report.results import read_results
from voicelink.link_sim.report.sound import LOUDNESS, data_uri, gain, headroom, mp3
from voicelink.link_sim.report.study import Series, Study
from voicelink.link_sim.report.timeline import MOST, timeline
from voicelink.link_sim.report.words import answer, delay_headline, headlines
from voicelink.models.errors import FormatError, ParameterError

EBN0 = "channel.awgn.ebn0_db"


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory, sample: np.ndarray) -> Path:
    """A sweep of two recordings over white noise, with a peer, its audio kept."""
    speech = {"woman": sample[:24000], "man": sample[40000:64000]}
    return write_sweep(
        tmp_path_factory.mktemp("sweeps") / "spoken",
        vary={EBN0: [0.0, 1.0, 2.0]}, codecs=("neural-800", "codec2-700C"), speech=speech,
        seeds=(1, 2), frames=60,
    )  # fmt: skip


def study_of(folder: Path) -> Study:
    return Study(read_results(folder))


def said(study: Study, understood: float = 0.6) -> list:
    wanted = criterion(study, understood)
    return answer(study, limits(study, wanted), wanted)


def reaching(*reaches: tuple[str, float]):
    """Error rates that are 0 up to a share of losses for each profile, and 0.5 beyond."""
    known = dict(reaches)
    return lambda profile, depth, at: 0.5 * (at["channel.loss.probability"] > known[profile])


# The answer


def test_the_answer_names_the_profile_that_reaches_furthest(tmp_path: Path) -> None:
    study = study_of(write_sweep(tmp_path / "sweep"))
    (sentence,) = said(study)
    # Half of the frames of "third" fail at 0.8 dB, and one in ten at 1.35 dB.
    where = re.fullmatch(r"down to an Eb/N0 of ([\d.]+) dB with profile third", sentence.reach)
    assert 1.2 <= float(where[1]) <= 1.5
    assert re.search(r"95 % interval 1\.\d to 1\.\d dB", sentence.note)


def test_a_share_is_better_when_it_is_small(tmp_path: Path) -> None:
    vary = {"channel.loss.probability": [0.0, 0.1, 0.2, 0.3]}
    fer = reaching(("half", 0.1), ("third", 0.2))
    study = study_of(write_sweep(tmp_path / "sweep", vary=vary, channel=[{"loss": {}}], fer=fer))
    (sentence,) = said(study)
    assert re.match(r"up to a loss of 2\d % with profile third", sentence.reach)


def test_a_sweep_that_ends_too_early_says_at_least(tmp_path: Path) -> None:
    vary = {"channel.loss.probability": [0.0, 0.1]}
    fer = reaching(("half", 0.1), ("third", 0.1))
    study = study_of(write_sweep(tmp_path / "sweep", vary=vary, channel=[{"loss": {}}], fer=fer))
    (sentence,) = said(study)
    assert sentence.reach == (
        "at least up to a loss of 10 %, where the sweep ends, with profile half and third"
    )
    assert "or beyond" in sentence.note


def test_where_the_error_rate_leaps_the_limit_is_not_read_between(tmp_path: Path) -> None:
    vary = {"channel.bandwidth.rate": [800.0, 900.0, 1000.0]}
    folder = write_sweep(
        tmp_path / "sweep", vary=vary, channel=[{"bandwidth": {}}], profiles=("checked",),
        fer=lambda profile, depth, at: float(at["channel.bandwidth.rate"] < 925),
    )  # fmt: skip
    (sentence,) = said(study_of(folder))
    assert sentence.reach == "down to a rate of 1000 b/s with profile checked"
    assert sentence.note == "the limit lies within 900 to 1000 b/s"


def test_a_link_that_never_does_says_so(tmp_path: Path) -> None:
    study = study_of(write_sweep(tmp_path / "sweep", vary={EBN0: [-3.0, -2.0]}))
    (sentence,) = said(study)
    assert sentence.reach == "not at any point of this sweep"
    assert "at -2 dB" in sentence.note


def test_speech_is_judged_by_its_intelligibility(spoken: Path) -> None:
    study = study_of(spoken)
    own, peer = said(study)
    assert own.who == "neural-800" and "third" in own.reach
    # The made-up peer has an ESTOI of .66 without errors, and needs a better link.
    assert peer.who == "codec2-700C"
    at = [float(re.search(r"of ([\d.]+) dB", s.reach)[1]) for s in (own, peer)]
    assert at[0] < at[1]
    # Nothing is as intelligible as that.
    assert {s.reach for s in said(study, understood=0.95)} == {"not at any point of this sweep"}


def test_one_run_has_no_interval(tmp_path: Path, sample: np.ndarray) -> None:
    folder = write_sweep(
        tmp_path / "sweep", speech={"one": sample[:8000]}, seeds=(1,), frames=40, profiles=("half",)
    )
    (sentence,) = said(study_of(folder))
    assert sentence.note.endswith("; from one run, so without an interval")


def test_profiles_that_cannot_be_told_apart_are_named(tmp_path: Path) -> None:
    def alike(profile, depth, at):
        return 0.02 if at[EBN0] >= 1 else 0.3

    study = study_of(write_sweep(tmp_path / "sweep", fer=alike, frames=200))
    (sentence,) = said(study)
    assert re.search("the intervals do not tell it from (half|third)", sentence.note)


def test_of_many_links_that_reach_the_end_the_best_and_the_lightest_are_named(
    tmp_path: Path,
) -> None:
    folder = write_sweep(
        tmp_path / "sweep", profiles=("checked", "half"), spreads=(1, 4), vary={EBN0: [8.0, 9.0]},
        fer=lambda profile, depth, at: 0.01 if (profile, depth) == ("half", 4) else 0.05,
    )  # fmt: skip
    study = study_of(folder)
    (sentence,) = said(study)
    assert sentence.reach.endswith("where the sweep ends, with all 4 links")
    assert "best there half over 4" in sentence.note
    assert "with the lowest rate on the air, 925 b/s, checked" in sentence.note
    wanted = criterion(study, 0.6)
    (line,) = headlines(study, limits(study, wanted), wanted).values()
    assert (
        line == "Usable at least down to an Eb/N0 of 8 dB with all 4 links, best with half over 4"
    )


def test_each_channel_has_its_own_answer(tmp_path: Path) -> None:
    vary = {
        "channel.gilbert-elliott.loss": [0.0, 0.1, 0.2, 0.3],
        "channel.gilbert-elliott.burst": [1.0, 3.0],
    }
    folder = write_sweep(
        tmp_path / "sweep", vary=vary, channel=[{"gilbert-elliott": {"loss": 0, "burst": 1}}],
        fer=lambda profile, depth, at: at["channel.gilbert-elliott.loss"]
        / at["channel.gilbert-elliott.burst"] ** 2,
    )  # fmt: skip
    study = study_of(folder)
    short, long = said(study)
    assert (short.condition, long.condition) == ("burst 1 packet", "burst 3 packets")
    assert "up to a loss of 1" in short.reach and "where the sweep ends" in long.reach


def test_where_no_number_is_swept_the_links_are_listed(tmp_path: Path) -> None:
    folder = write_sweep(
        tmp_path / "sweep", vary={EBN0: [2.0]}, profiles=("checked", "half", "third")
    )
    study = study_of(folder)
    (sentence,) = said(study)
    assert study.x is None
    assert sentence.reach == "with profile third" or sentence.reach.endswith("half and third")
    assert "checked 100 % of the frames failing" in sentence.note


def test_delay_in_one_line(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", delay=0.1, vary={EBN0: [2.0, 4.0]})
    assert delay_headline(study_of(folder)).endswith("half 100 ms, third 100 ms")


# Its intervals


def test_wilson_over_the_frames_of_all_runs_without_those_of_peers(spoken: Path) -> None:
    study = study_of(spoken)
    line = study.series((), "fer")[0]
    points = study.at(line, 1.0)
    assert {p.codec for p in points} == {"neural-800"}
    estimate = share_of_errors(points)
    assert estimate.count == 2 * 2 * 60  # recordings, seeds, frames
    assert estimate.value == sum(p.errors for p in points) / estimate.count
    assert estimate.low < estimate.value < estimate.high


def test_the_interval_holds_where_frames_fail_in_bursts() -> None:
    """Bursts of twenty, of which Wilson's interval of independent frames knows nothing."""
    random = np.random.default_rng(4)
    held = independent = 0
    for _ in range(400):
        bursts = random.random((8, 20)) < 0.2
        runs = [SimpleNamespace(frames=400, errors=20 * int(run.sum())) for run in bursts]
        found = share_of_errors(runs)
        held += found.low <= 0.2 <= found.high
        low, high = wilson(20 * int(bursts.sum()), 3200)
        independent += low <= 0.2 <= high
    assert held > 0.88 * 400 and independent < 0.5 * 400
    # Of one run nobody knows, and neither where none or all failed.
    assert (share_of_errors(runs[:1]).low, share_of_errors(runs[:1]).high) == pytest.approx(
        wilson(runs[0].errors, 400)
    )
    assert share_of_errors([SimpleNamespace(frames=9, errors=0)] * 2).high == wilson(0, 18)[1]


def test_student_over_recordings_and_over_seeds_where_there_is_one(spoken: Path) -> None:
    stats = pytest.importorskip("scipy.stats")
    study = study_of(spoken)
    points = study.at(Series(study.links[0], "neural-800", ()), 1.0)
    means = [
        np.mean([p.measures["estoi"] for p in points if p.speech == speech])
        for speech in ("woman", "man")
    ]
    found = mean(points, "estoi")
    wanted = stats.t.interval(0.95, 1, np.mean(means), stats.sem(means))
    assert (found.low, found.high) == pytest.approx(wanted)
    one = [p for p in points if p.speech == "man"]
    values = [p.measures["estoi"] for p in one]
    wanted = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))
    assert (mean(one, "estoi").low, mean(one, "estoi").high) == pytest.approx(wanted)


def test_a_limit_is_read_between_points() -> None:
    wanted = Criterion("estoi", 0.6)
    assert wanted.crossing(0.7, 0.5) == pytest.approx(0.5)
    assert wanted.between(0.7, 0.5) and not wanted.between(0.8, 0.2)
    # Error rates on their logarithm: from 1 % to 100 %, ten are half-way.
    assert Criterion("fer", 0.1).crossing(0.01, 1) == pytest.approx(0.5)


# Sound


def test_recordings_are_at_one_loudness(sample: np.ndarray) -> None:
    pyloudnorm = pytest.importorskip("pyloudnorm")
    gapped = np.concatenate([sample[:24000], np.zeros(24000, np.float32)])
    for audio in (sample[:24000], 0.05 * sample[:24000], gapped):
        loudness = pyloudnorm.Meter(8000).integrated_loudness(gain(audio) * audio)
        assert loudness == pytest.approx(LOUDNESS, abs=0.1)
    assert gain(np.zeros(8000, np.float32)) == 1.0
    assert gain(sample[:100]) > 0
    assert headroom([(1.0, 0.5), (2.0, 0.99)]) == pytest.approx(0.5)
    assert headroom([(1.0, 0.5)]) == 1.0


def test_mp3_keeps_length_and_waveform(sample: np.ndarray) -> None:
    audio = sample[:24000]
    content = mp3(audio)
    assert len(content) < 24000  # of 48000 bytes
    again, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert (rate, len(again)) == (8000, 24000)
    error = np.sum((again - audio) ** 2) / np.sum(audio**2)
    assert 10 * np.log10(error) < -20
    assert base64.b64decode(data_uri("a/b", b"xyz").partition(",")[2]) == b"xyz"


def test_a_strip_shows_statuses_in_their_order() -> None:
    strip = timeline("cckxs" + "c" * 500)
    assert [(s.start, s.length, s.status) for s in strip.stretches[:4]] == [
        (0, 2, "clean"), (2, 1, "corrected"), (3, 1, "concealed"), (4, 1, "soft"),
    ]  # fmt: skip
    assert (strip.shown, strip.all) == (MOST, 505)
    assert strip.words == "502 clean, 1 corrected, 1 soft, 1 concealed"
    with pytest.raises(FormatError, match="not 'q'"):
        timeline("ccq")


# Files


def test_the_page_holds_everything_and_refers_to_nothing(spoken: Path, tmp_path: Path) -> None:
    page = write_report(spoken, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.size == len(text.encode()) and page.players == 2 + 2 * 3 * 2 * 2
    # Addresses are names of XML's only.
    assert set(re.findall(r'https?://[^\s"\']+', text)) <= {
        "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink",
    }  # fmt: skip
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert links and all(link.startswith(("data:", "#")) for link in links)
    assert "for tests &lt;of the page&gt;" in text
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert page.answers[0].startswith("Understandable down to an Eb/N0 of")
    assert "model 0123abcd" in text


def test_fewer_players_are_spread_over_the_sweep(spoken: Path, tmp_path: Path) -> None:
    page = write_report(spoken, tmp_path / "few.html", most_players=8)
    assert page.players == 8 + 2
    assert page.notes == ["8 of the 24 recordings that were kept can be heard here"]
    page = write_report(spoken, tmp_path / "none.html", most_players=0)
    assert page.players == 0 and 'id="listen-title"' not in (tmp_path / "none.html").read_text()


def test_without_speech_there_is_nothing_to_hear(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", delay=0.2)
    answers = write_report(folder, tmp_path / "report.html").answers
    assert answers[0].startswith("Mean delay by the channel") and len(answers) == 2
    text = (tmp_path / "report.html").read_text()
    for absent in ("<audio", "listen-title", "Blind test", "Intelligibility"):
        assert absent not in text
    for there in (
        "Frames that fail",
        "Delay by the channel",
        "packets waiting",
        "Dotted: what no code",
    ):
        assert there in text


def test_failed_points_are_listed_and_left_out(tmp_path: Path, voicelink) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rows = read_table(folder)
    keep = ("point", "title", "seed", "profile", "spread", "model", "codec", EBN0)
    for name in rows[0]:
        rows[0][name] = rows[0][name] if name in keep else ""
    rows[0]["error"] = "awgn.ebn0_db is <nonsense>"
    write_table(folder, rows)
    status, out, _ = voicelink("report", folder, "-o", tmp_path / "report.html")
    assert status == 0 and "Usable down to" in out and "report.html" in out
    text = (tmp_path / "report.html").read_text()
    assert "1 point of the sweep failed" in text and "awgn.ebn0_db is &lt;nonsense&gt;" in text
    assert f"{len(rows) - 1} finished points" in text


def test_a_table_that_a_kill_cut_short_loses_its_last_line(tmp_path: Path, voicelink) -> None:
    folder = write_sweep(tmp_path / "sweep")
    table = folder / "results.csv"
    table.write_text(table.read_text()[:-30])
    status, _, err = voicelink("report", folder, "-o", tmp_path / "report.html")
    assert status == 0
    assert err == "voicelink: note: the last line of results.csv was cut short, and is left out\n"
    assert "was cut short" in (tmp_path / "report.html").read_text()
    assert len(read_results(folder).points) == 5 * 2 * 3 - 1


@pytest.mark.parametrize("curve", ["", "fer", "pesq", "delay"])
def test_a_picture_of_any_curve(curve: str, spoken: Path, tmp_path: Path, voicelink) -> None:
    path = tmp_path / "curve.svg"
    status, out, err = voicelink("report", spoken, "--picture", path, "--curve", curve)
    assert (status, out, err) == (0, "", "")
    assert path.stat().st_size > 5000
    assert not (tmp_path / "report.html").exists()


# Bad input


def spoilt(folder: Path, how: str) -> None:
    table = folder / "results.csv"
    text = table.read_text()
    head, first, *_ = text.splitlines(keepends=True)
    damaged = {
        "no table": None,
        "empty": "",
        "columns": text.replace("frames", "frame", 1),
        "no points": head,
        "fields": head + first.replace(",", ";", 3) + first,
        "number": head + first.replace(",400,", ",many,"),
        "binary": "\udcff",
        "quote": '"' + "1" * 200_000,
        "failed": head + first.rstrip("\n") + "no such model\n",
    }
    if how == "yaml":
        (folder / "sweep.yaml").write_text("title: [")
    elif how == "details":
        for path in (folder / "details").iterdir():
            path.write_text("{")
    elif how == "statuses":
        for path in (folder / "details").iterdir():
            path.write_text(json.dumps({"statuses": "cq"}))
    elif how == "no text":
        for path in (folder / "details").iterdir():
            path.write_text(json.dumps({"statuses": 5}))
    else:
        table.unlink()
        if damaged[how] is not None:
            table.write_text(damaged[how], errors="surrogateescape")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no table", "has no results.csv; a folder that `voicelink sweep` wrote is wanted"),
        ("empty", "has no column point"),
        ("columns", "has no column frames"),
        ("no points", "has no finished point"),
        ("fields", "line 2, has 28 fields, and not 31"),
        ("number", "line 2: frames must be a number, not 'many'"),
        ("binary", "results.csv cannot be read"),
        ("failed", "has no finished point: no such model"),
        ("yaml", "sweep.yaml cannot be read"),
        ("details", "cannot be read"),
        ("statuses", "statuses are letters of cksx, not 'q'"),
        ("no text", "statuses must be a text, a letter for each superframe"),
        ("quote", "results.csv is no CSV: field larger"),
    ],
)
def test_bad_results_are_refused_in_one_line(how: str, said: str, tmp_path: Path, refused) -> None:
    folder = write_sweep(tmp_path / "sweep", seeds=(1,), profiles=("half",))
    spoilt(folder, how)
    page = tmp_path / "report.html"
    page.write_text("an older one")
    assert said in refused("report", folder, "-o", page)
    assert page.read_text() == "an older one"


def test_bad_options_are_refused_in_one_line(spoken: Path, tmp_path: Path, refused) -> None:
    assert "is no folder" in refused("report", tmp_path / "nowhere")
    assert "its folder does not exist" in refused("report", spoken, "-o", tmp_path / "a" / "b.html")
    assert "understood must be a number from 0 to 1" in refused(
        "report", spoken, "-o", tmp_path / "a.html", "--understood", "2"
    )
    assert "must end with .png" in refused("report", spoken, "--picture", tmp_path / "a.gif")
    assert "did you mean estoi" in refused(
        "report", spoken, "--picture", tmp_path / "a.png", "--curve", "estio"
    )
    assert "--curve goes with --picture" in refused("report", spoken, "--curve", "fer")
    assert "--players must be" in refused(
        "report", spoken, "-o", tmp_path / "a.html", "--players", -1
    )
    page = ("report", spoken, "-o", tmp_path / "a.svg")
    assert "goes there too" in refused(*page, "--picture", tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


def test_no_file_of_the_sweep_is_written_over(spoken: Path, refused) -> None:
    files = [path for path in spoken.rglob("*") if path.is_file()]
    assert {"results.csv", "sweep.yaml"} < {path.name for path in files}
    before = [path.read_bytes() for path in files]
    for path in files:
        assert "it is the input" in refused("report", spoken, "-o", path)
    assert [path.read_bytes() for path in files] == before


def test_a_missing_library_is_named(spoken: Path, tmp_path: Path, monkeypatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "jinja2" else find(name)
    )
    with pytest.raises(ParameterError, match=r"jinja2: pip install '\.\[report\]'"):
        write_report(spoken, tmp_path / "report.html")
