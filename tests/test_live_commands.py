"""What the live commands refuse, each in one line, before anything is keyed or opened."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

KEYED = "is not keyed unless --transmit says that it may transmit"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("send {sample} --radio x", f"--radio {KEYED}"),
        ("send {sample} --rig localhost --callsign AB1CD", f"--rig {KEYED}"),
        ("send {sample} --serial /dev/ttyX --callsign AB1CD", f"--serial {KEYED}"),
        ("send {sample} --radio x --transmit", "callsign must be the station's own"),
        ("send {sample} --radio x --transmit --callsign n0call", "callsign must be the station's"),
        ("send {sample} --radio x --transmit --callsign AB1CD --mode am", "must be one of"),
        ("send {sample} --radio x --profile third", "--profile must be half with --mode bpsk"),
        ("send {sample} --radio --transmit --callsign AB1CD --rig a --serial b", "give one"),
        (
            "send {sample} --radio --transmit --callsign AB1CD --ptt vox",
            "--ptt vox goes with --mic",
        ),
        ("send {sample} --radio --transmit --callsign AB1CD --time-out 0", "--time-out must be"),
        ("send {sample} --radio --transmit --callsign AB1CD --lead 9", "--lead must be"),
        ("send {sample} --radio --raw --transmit --callsign AB1CD", "--raw and --fast go with"),
        ("send {sample} --mic", "--mic is where the speech comes from"),
        ("send --mic --ptt foot", "--ptt must be one of open, key, vox"),
        ("send --mic --ptt vox --vox-level 3", "--vox-level must be"),
        ("send {sample} --text hello --profile plain", "--text needs a profile with a header"),
        ("send {sample} --text {long}", "text must be at most 300 bytes"),
        ("receive o.wav --speaker", "--speaker is where the sound goes"),
        ("receive --radio --speaker --profile third", "--profile must be half with --mode bpsk"),
    ],
)
def test_what_cannot_be_is_refused(words: str, reason: str, refused, sample_path: Path) -> None:
    words = words.format(sample=sample_path, long=400 * "x")
    assert reason in refused(*words.split())


def test_a_microphone_that_is_not_there_is_said_before_a_receiver_is_waited_for(
    refused, monkeypatch
) -> None:
    monkeypatch.setattr("voicelink.blocks.sound_card.sound_devices", lambda *_: [])
    began = time.monotonic()
    said = refused("send", "--mic", "--to", "tcp://127.0.0.1:*", "--wait", 30)
    assert said == "voicelink: there is no input device at all"
    assert time.monotonic() - began < 10


def test_a_rig_that_is_not_there_is_said_before_anything_is_sent(
    refused, sample_path: Path
) -> None:
    said = refused(
        "send", sample_path, "--to", "tcp://127.0.0.1:*", "--wait", 0, "--rig", "127.0.0.1:9",
        "--transmit", "--callsign", "AB1CD",
    )  # fmt: skip
    assert "rigctld at 127.0.0.1:9 cannot be reached" in said
