"""What the console says of link messages."""

from __future__ import annotations

import math

import pytest

from voicelink.blocks.console import Console

BURST = {"confirmed": True, "position": 8000.0, "frequency": 0.0}


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ([4.0, math.nan, 6.0, -math.inf], "bursts: 4, mean SNR 5.0 dB"),
        ([math.nan], "bursts: 1"),
    ],
)
def test_an_snr_that_is_no_number_counts_for_no_mean(measured: list[float], said: str) -> None:
    console = Console()
    for snr_db in measured:
        assert "burst" in console.line(BURST | {"snr_db": snr_db})
    assert console.summary() == said


def test_who_is_heard_does_not_steer_the_terminal() -> None:
    """Callsigns and texts come from anybody, over the air."""
    console = Console()
    caller = {"callsign": "\x1b[2JN0\nCALL\x07"}
    frame = {"number": 7, "status": "clean"} | caller
    lines = [
        console.line(frame),
        console.line(caller | {"text": "\x1b[31m\n", "complete": True}),
        console.summary(),
    ]
    assert all(line.isprintable() for line in lines)
    assert all("[2JN0CALL" in line for line in lines)
    assert console.line(frame | {"number": "\x1b[2J"}) is None
