"""The sync block of GNU Radio: what it finds is what `FrameSync` finds."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from graph import run_graph
from test_sync import noisy, over

from voicelink.blocks.sync import FrameSync

run = functools.partial(run_graph, "sync_graphs.py")


def saved(path, symbols) -> str:
    np.save(path, np.asarray(symbols, np.float32))
    return str(path)


@pytest.mark.parametrize(("profile", "chunk"), [("half", 100000), ("plain", 100), ("third", 700)])
def test_finds_frames_in_a_stream_of_symbols(tmp_path, profile, chunk):
    """Inverted, with an offset, and in any portions."""
    rng = np.random.default_rng(1)
    symbols = np.concatenate((np.zeros(500), over(profile, 6)[0], np.zeros(2000)))
    symbols = (0.3 - noisy(symbols, profile, 8, rng)).astype(np.float32)
    result = run("found", saved(tmp_path / "symbols.npy", symbols), profile, chunk)
    expected = FrameSync(profile).push(symbols)
    assert len(expected) >= 6 and result["frames"] == len(expected) and result["errors"] == 0
    for (metadata, llrs), frame in zip(result["pdus"], expected, strict=True):
        assert metadata == {
            "number": frame.packet.number,
            "ebn0_db": pytest.approx(frame.ebn0_db),
            "inverted": True,
            "profile": profile,
        }
        np.testing.assert_array_equal(np.float32(llrs), frame.packet.data)


def test_started_again_it_begins_with_a_new_stream(tmp_path):
    """The numbers begin again, although the first run ended within an over."""
    symbols = over("half", 4, end=False)[0][: 4 * 624 + 4]
    result = run("found", saved(tmp_path / "symbols.npy", symbols), "half", 1000, 2)
    assert [metadata["number"] for metadata, _ in result["pdus"]] == [0, 1, 2, 3] * 2
    assert result["locked"]


def test_the_deframer_reads_what_it_finds(tmp_path):
    symbols = noisy(over("half", 30)[0], "half", 2, np.random.default_rng(2))
    ok, fail = run("heard", saved(tmp_path / "symbols.npy", symbols))
    assert len(ok) + len(fail) >= 29 and len(ok) >= 22
    assert [metadata["sequence"] for metadata in ok] == [metadata["number"] for metadata in ok]
    assert np.mean([metadata["ebn0_db"] for metadata in ok + fail]) == pytest.approx(2, abs=0.5)
    assert {metadata["status"] for metadata in ok} <= {"clean", "corrected"}


def test_ten_minutes_of_noise_are_silent(tmp_path):
    """test_sync.py has the whole hour, without the list that GNU Radio's source wants."""
    noise = np.random.default_rng(3).standard_normal(600 * 1950)
    result = run("found", saved(tmp_path / "noise.npy", noise), "half")
    assert result == {"pdus": [], "frames": 0, "errors": 0, "locked": False}


def test_nothing_in_the_stream_stops_it():
    assert run("hostile") == {"read": 3000, "frames": 0, "errors": 0}


def test_wrong_arguments_are_refused():
    profile, negative, word = run("refused")
    assert "profile must be one of plain, checked, half, third, not 'halves'" in profile
    assert negative == "hold must be a number from 0 to 1000, not -1"
    assert word == "hold must be a number from 0 to 1000, not 'many'"
