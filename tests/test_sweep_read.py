"""What a sweep may say in YAML, and the one line about what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from voicelink.link_sim.sweeping import read_sweep, sweep_names
from voicelink.models.card import DEFAULT, card
from voicelink.models.errors import ParameterError

GOOD = """\
title: Bursts
channel:
  - gilbert-elliott: {loss: 0, burst: 3}
  - awgn:
vary:
  channel.gilbert-elliott.loss: {from: 0, to: 0.3, step: 0.1}
  profile: [half, third]
  channel.awgn.ebn0_db: [2, 3]
spread: 4
seeds: 2
frames: 100
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "grid.yaml"
    path.write_text(text)
    return path


def test_the_grid_is_the_product_in_the_order_of_the_file(tmp_path: Path) -> None:
    sweep = read_sweep(written(tmp_path, GOOD))
    points = list(sweep.points())
    assert len(points) == 4 * 2 * 2 * 2
    first, second, third = points[:3]
    assert first.varied == {"channel.gilbert-elliott.loss": 0, "channel.awgn.ebn0_db": 2}
    assert (first.profile, first.spread, first.replica) == ("half", 4, 1)
    assert first.channel == (
        {"gilbert-elliott": {"loss": 0.0, "burst": 3.0}},
        {"awgn": {"ebn0_db": 2.0}},
    )
    assert (second.replica, third.replica) == (2, 1)
    assert third.varied["channel.awgn.ebn0_db"] == 3
    assert points[-1].varied["channel.gilbert-elliott.loss"] == 0.3  # and not 0.30000000000000004
    assert len({point.id for point in points}) == len(points)


def test_profiles_meet_the_same_noise_and_other_channels_and_seeds_another(tmp_path: Path) -> None:
    points = list(read_sweep(written(tmp_path, GOOD)).points())

    def seeds(**wanted) -> set[int]:
        return {p.seed for p in points if all(getattr(p, name) == v for name, v in wanted.items())}

    assert seeds(profile="half") == seeds(profile="third")
    assert len(seeds()) == 4 * 2 * 2


def test_a_points_name_and_seed_do_not_depend_on_what_else_the_sweep_has(tmp_path: Path) -> None:
    points = {p.id: p.seed for p in read_sweep(written(tmp_path, GOOD)).points()}
    fewer = GOOD.replace("[2, 3]", "[3]").replace("[half, third]", "[third]")
    for point in read_sweep(written(tmp_path, fewer)).points():
        assert points[point.id] == point.seed


def test_a_points_name_depends_on_what_it_reads_and_its_seed_does_not(
    tmp_path: Path, sample_path: Path
) -> None:
    def write(speech: bytes, trace: str) -> list[tuple[str, int]]:
        (tmp_path / "a.flac").write_bytes(speech)
        (tmp_path / "net.csv").write_text(f"time,delay\n0,{trace}\n")
        text = "channel: [trace: {file: net.csv}]\nvary: {speech: [a.flac, sample]}\n"
        return [(point.id, point.seed) for point in read_sweep(written(tmp_path, text)).points()]

    content = sample_path.read_bytes()
    first, speech, trace = (write(content, "0.1"), write(content + b"x", "0.1"), write(content, 1))
    assert write(content, "0.1") == first
    assert speech[0] != first[0] and speech[1] == first[1]
    assert trace[0][0] != first[0][0] and trace[1][0] != first[1][0]
    assert [seed for _, seed in first] == [seed for _, seed in speech] == [s for _, s in trace]


def test_two_channels_of_one_name_are_told_apart_by_their_place(tmp_path: Path) -> None:
    text = (
        "channel: [loss:probability=0.1, delay:seconds=1, loss: {probability: 0}]\n"
        "vary: {channel.3.loss.probability: [0.2]}\n"
    )
    (point,) = read_sweep(written(tmp_path, text)).points()
    assert [next(iter(c.values())) for c in point.channel] == [
        {"probability": 0.1}, {"seconds": 1.0}, {"probability": 0.2},
    ]  # fmt: skip


def test_channels_may_be_a_scenario_or_a_file_beside_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "noise.yaml").write_text("- awgn: {ebn0_db: 1}\n")
    for channel in ("awgn-1.5db", "noise.yaml"):
        text = f"channel: {channel}\nvary: {{channel.awgn.ebn0_db: [0, 2]}}\n"
        points = list(read_sweep(written(tmp_path, text)).points())
        assert [p.channel[0]["awgn"]["ebn0_db"] for p in points] == [0.0, 2.0]


def test_files_are_named_from_the_sweeps_own_folder(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("time,delay\n0,0.1\n0.32,lost\n")
    (point,) = read_sweep(written(tmp_path, "channel: [trace: {file: net.csv}]\n")).points()
    assert point.channel == ({"trace": {"file": str(tmp_path / "net.csv")}},)


def test_a_models_folder_is_named_from_the_sweeps_own_folder_and_a_released_one_by_its_id(
    tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine").symlink_to(card(DEFAULT).folder)
    path = written(tmp_path / "sweeps", f"vary: {{model: [mine, {DEFAULT}]}}\n")
    monkeypatch.chdir(tmp_path)
    mine, released = (point.model for point in read_sweep(path).points())
    assert Path(mine).is_absolute() and card(mine).text == card(DEFAULT).text
    assert released == DEFAULT
    with pytest.raises(ParameterError, match=r"line 1: model must be"):
        read_sweep(written(tmp_path / "sweeps", "model: ../sweeps\n"))


def test_a_peer_that_is_not_here_is_named_and_left_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = written(tmp_path, "speech: sample\nprofile: half\ncompare: [codec2-700C]\n")
    sweep = read_sweep(path)
    assert sweep.notes == ["absent: codec2-700C needs c2enc and c2dec: apt install codec2"]
    assert [point.codec for point in sweep.points()] == ["neural-800"]


@pytest.mark.parametrize("name", sweep_names())
def test_the_ready_made_sweeps_can_be_run(name: str) -> None:
    sweep = read_sweep(name)
    assert sweep.title and sweep.about
    assert len(list(sweep.points())) >= 20


def test_recordings_of_one_name_get_different_ones(tmp_path: Path, sample_path: Path) -> None:
    for folder in ("men", "women"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.flac").symlink_to(sample_path)
    sweep = read_sweep(written(tmp_path, "vary: {speech: [men, women, sample]}\n"))
    assert [point.speech for point in sweep.points()] == ["one", "one-2", "sample"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds: 2", "seed: 2", "line 10: a key must be one of .*did you mean seeds"),
        ("frames: 100", "frames: many", "line 11: frames must be a whole number, not 'many'"),
        ("frames: 100", "frames: 0", "line 11: frames must be a number from 1"),
        ("frames: 100", "buffer: 20", "line 11: buffer must be a number from 0 to 15, not 20"),
        ("frames: 100", "title: 3", "line 11: 'title' is there twice"),
        ("seeds: 2", "seeds: [1, -1]", "line 10: seeds must be .*, not -1"),
        ("seeds: 2", "seeds: [1, 1]", "line 10: seeds must be .*each once"),
        ("half, third", "half, thrid", "line 7: profile must be .*did you mean third"),
        ("half, third", "half, half", "line 7: profile names a value twice"),
        ("[half, third]", "[]", "line 7: profile must have a list of values"),
        ("  profile:", "  profil:", "line 7: what varies must be .*did you mean profile"),
        ("[2, 3]", "[2, 3 dB]", "line 8: awgn.ebn0_db must be a number.*not '3 dB'"),
        ("[2, 3]", "[2, 300]", "line 8: awgn.ebn0_db must be a number from -50 to 50, not 300"),
        ("channel.awgn", "channel.awgm", "line 8: a channel must be .*did you mean awgn"),
        ("ebn0_db: [2", "ebno_db: [2", "line 8: a setting of awgn must be .*mean ebn0_db"),
        ("to: 0.3", "to: 0.9", "line 3: gilbert-elliott.loss must be from 0 to 0.75"),
        ("step: 0.1", "step: 0", "line 6: .*step must be above 0"),
        ("step: 0.1", "steps: 0.1", "line 6: .*must have a list of values"),
        ("burst: 3", "bursts: 3", "line 3: a setting of gilbert-elliott must be .*mean burst"),
        ("- awgn:", "- awgn: 2", "line 4: the settings of awgn must be written"),
        ("- awgn:", "- awgm:", "line 4: a channel must be .*did you mean awgn"),
        ("- awgn:", "- awgn:\n  - awgn:", "line 9: .*must say which awgn it means: channel.2.awgn"),
        ("spread: 4", "spread: 3", "line 9: spread must be 1, or one of 2, 4"),
        ("spread: 4", "model: neural-80", "line 9: model must be .*did you mean neural-800"),
        ("spread: 4", "profile: half", "line 7: profile must stand at the top or under vary"),
        ("spread: 4", "speech: none.wav", "line 9: .*none.wav"),
        ("spread: 4", "compare: [codec2-700C]", "line 9: compare needs speech"),
        ("spread: 4", "compare: [codec2-1300]", "line 9: .*416 bits .*payload has 256"),
        ("spread: 4", "compare: [codec2-700]", "line 9: .*did you mean codec2-700C"),
        ("spread: 4", "measures: [stoy]", "line 9: measures must be .*did you mean"),
        ("spread: 4", "keep_audio: 3", "line 9: keep_audio must be true or false, not 3"),
        ("spread: 4", "inputs: 3", "line 9: inputs must be hashes by name, not 3"),
        ("vary:", "vary: [", "line "),
        (GOOD, "- 1", "a sweep must be keys with values"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_file_and_line(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ParameterError, match=said) as caught:
        read_sweep(path)
    assert "grid.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_peers_need_a_profile_with_a_crc(tmp_path: Path) -> None:
    text = "speech: sample\nprofile: plain\ncompare: [codec2-700C]\n"
    with pytest.raises(ParameterError, match=r"line 3: compare needs profiles with a CRC.*plain"):
        read_sweep(written(tmp_path, text))


def test_the_command_line_says_it_and_makes_no_folder(tmp_path: Path, refused) -> None:
    path = written(tmp_path, "channel: [los:probability=1]\n")
    assert "did you mean loss" in refused("sweep", path, "-o", tmp_path / "out")
    assert "did you mean burst-loss" in refused("sweep", "burst-los", "-o", tmp_path / "out")
    assert "--workers must be" in refused("sweep", "burst-loss", "--workers", 0)
    assert "see --list" in refused("sweep")
    options = ("sweep", "burst-loss", "-o", tmp_path / "out")
    assert "--curve goes with --picture" in refused(*options, "--curve", "fer")
    picture = ("--picture", tmp_path / "a.png", "--curve", "pesq")
    assert "curve must be one of fer, delay, estoi, not 'pesq'" in refused(*options, *picture)
    assert not (tmp_path / "out").exists()


def test_the_ready_made_sweeps_are_listed(voicelink) -> None:
    out = voicelink("sweep", "--list")[1]
    assert all(name in out for name in sweep_names())
