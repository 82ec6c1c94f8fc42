"""Recordings at one loudness, small enough for a page."""

from __future__ import annotations

import base64
import io
import warnings

import numpy as np

from voicelink.models.errors import ParameterError
from voicelink.models.sizes import SAMPLE_RATE

LOUDNESS = -23.0
"""LUFS that every recording is brought to, by ITU-R BS.1770-4: its gates leave out silence, so that
what was lost does not make the rest louder than it is."""

PEAK = 0.99
"""What no sample may pass: where one would, all recordings are made quieter alike."""

_SHORTEST = 0.4  # s: a block of BS.1770
_COMPRESSION = 0.25
"""Of libsndfile, constant rate: 48 kbit/s. PESQ of 8 kHz speech after it is 4.37 (its best value is
4.55), where the default's 26 kbit/s leaves 3.87; FLAC, which leaves all, takes 78 kbit/s."""


def gain(audio: np.ndarray) -> float:
    """What brings float32 (n,) at 8 kHz to `LOUDNESS`; 1 for silence."""
    from pyloudnorm import Meter

    shortest = int(_SHORTEST * SAMPLE_RATE) + 1
    audio = np.pad(audio.astype(np.float64), (0, max(0, shortest - len(audio))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the logarithm of silence
        loudness = Meter(SAMPLE_RATE).integrated_loudness(audio)
    return float(10 ** ((LOUDNESS - loudness) / 20)) if np.isfinite(loudness) else 1.0


def headroom(pairs: list[tuple[float, float]]) -> float:
    """What all must be multiplied by so that none is clipped: of (gain, largest sample)."""
    return min([1.0, *(PEAK / (gain * peak) for gain, peak in pairs if gain * peak > 0)])


def mp3(audio: np.ndarray) -> bytes:
    """MP3, which every browser plays, of float32 (n,) at 8 kHz."""
    import soundfile

    if "MP3" not in soundfile.available_formats():
        version = soundfile.__libsndfile_version__
        raise ParameterError(
            f"players need libsndfile 1.1 or later, which writes MP3, not {version}:"
            " pip install --upgrade soundfile"
        )
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", SAMPLE_RATE, 1, "MPEG_LAYER_III", format="MP3",
        compression_level=_COMPRESSION, bitrate_mode="CONSTANT",
    ) as file:  # fmt: skip
        file.write(audio)
    return buffer.getvalue()


def data_uri(kind: str, content: bytes) -> str:
    """Bytes of a MIME type, for an ``src``."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
