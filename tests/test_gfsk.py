"""Speech through the GFSK flowgraph: modem, radio channel, symbol timing, frame sync."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from gnuradio_python import TIMEOUT_S, clean_environment
from graph import graph_python

from voicelink.blocks.audio import write_audio
from voicelink.models.codec import code
from voicelink.models.evaluation.measures import estoi

SECONDS = 8
FRAMES = 25


@pytest.fixture(scope="module")
def said(sample: np.ndarray) -> np.ndarray:
    return sample[: SECONDS * 8000]


@pytest.fixture(scope="module")
def deliver(said: np.ndarray, tmp_path_factory: pytest.TempPathFactory):
    """The lines of ``python -m voicelink.link_sim.gfsk`` with options."""
    path = tmp_path_factory.mktemp("gfsk") / "said.wav"
    write_audio(path, said)

    def run(*options: object) -> list[dict]:
        command = [graph_python(), "-m", "voicelink.link_sim.gfsk", "--json", "--seeds", "1"]
        done = subprocess.run(
            [*command, "--speech", str(path), *map(str, options)],
            capture_output=True, text=True, timeout=TIMEOUT_S, env=clean_environment(),
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_every_frame_arrives_off_frequency_and_with_a_wrong_clock(deliver, said) -> None:
    """From the first to the last, and the speech is as the codec alone gives it."""
    ideal = estoi(said, code(said)[: len(said)])
    lines = deliver("--esn0", 7, "--frequency-offset", -150, 150, "--clock-error", -500, 500)
    assert len(lines) == 4
    for line in lines:
        assert (line["frames"], line["ok"], line["soft"], line["lost"]) == (FRAMES, FRAMES, 0, 0)
        assert line["estoi"] == pytest.approx(ideal, abs=0.005)


def test_in_more_noise_frames_are_heard_softly_and_in_noise_alone_none(deliver) -> None:
    weak, nothing = deliver("--esn0", 3, -15)
    assert weak["ok"] < FRAMES and weak["soft"] > 0
    assert weak["ok"] + weak["soft"] >= FRAMES - 2
    assert weak["estoi"] > 0.5
    assert (nothing["ok"], nothing["soft"], nothing["lost"]) == (0, 0, FRAMES)
    assert nothing["estoi"] == 0
