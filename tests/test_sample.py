"""The bundled speech is what the demo and the tests take it for."""

import numpy as np
import soundfile

from voicelink.link_sim.benchmark import SAMPLE


def test_sample_is_speech_at_a_good_level():
    audio, rate = soundfile.read(SAMPLE)
    assert (rate, audio.ndim) == (8000, 1)
    assert 10 <= len(audio) / rate <= 20
    assert -22 < 20 * np.log10(np.sqrt(np.mean(audio**2))) < -19
    assert np.abs(audio).max() < 0.99


def test_sample_has_its_words_and_licence_beside_it():
    turns = (SAMPLE.parent / "words.txt").read_text(encoding="utf-8").splitlines()
    assert {turn.split(": ")[0] for turn in turns} == {"slt", "rms"}
    assert "Carnegie Mellon University" in (SAMPLE.parent / "README.md").read_text(encoding="utf-8")
