"""Makes sample.flac, the bundled speech, out of words.txt: ``python make_sample.py``.

Needs Debian's ``flite``, whose voices slt (a woman's) and rms (a man's) speak the lines in turn.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

HERE = Path(__file__).parent
RATE = 8000
LEVEL = 10 ** (-20 / 20)
NOISE = 10 ** (-65 / 20)
PAUSE = 0.45


def speak(voice: str, words: str) -> np.ndarray:
    """The words, float64 (n,) at 8 kHz and -20 dBFS RMS, the silence around them taken off."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turn.wav"
        subprocess.run(("flite", "-voice", voice, "-t", words, "-o", path), check=True)
        audio, rate = soundfile.read(path)
    audio = soxr.resample(audio, rate, RATE)
    loud = np.flatnonzero(np.abs(audio) > 0.01 * np.abs(audio).max())
    audio = audio[loud[0] : loud[-1] + 1]
    return audio * LEVEL / np.sqrt(np.mean(audio**2))


def main() -> None:
    pause = np.zeros(round(PAUSE * RATE))
    parts = [pause]
    for line in (HERE / "words.txt").read_text(encoding="utf-8").splitlines():
        voice, words = line.split(": ", 1)
        parts += [speak(voice, words), pause]
    audio = np.concatenate(parts)
    # A quiet room, so that the pauses are not digital silence, which no microphone gives.
    audio += np.random.default_rng(1).normal(0, NOISE, len(audio))
    soundfile.write(HERE / "sample.flac", np.clip(audio, -1, 1), RATE, "PCM_16")
    peak = 20 * np.log10(np.abs(audio).max())
    level = 20 * np.log10(np.sqrt(np.mean(audio**2)))
    print(f"{len(audio) / RATE:.1f} s, {level:.1f} dBFS RMS, peak {peak:.1f} dBFS")


if __name__ == "__main__":
    main()
