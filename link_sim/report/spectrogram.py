"""A spectrogram as a small picture without axes."""

from __future__ import annotations

import io

import numpy as np

from voicelink.link_sim.picture import power

RANGE_DB = 70
"""From the loudest point down to black."""

HEIGHT = 96
MOST_COLUMNS = 480
_TONES = 32  # few, as they make the file small, and nobody sees it


def spectrogram(audio: np.ndarray, top: float) -> bytes:
    """A PNG of float32 (n,) at 8 kHz: time to the right, 0 to 4 kHz upwards.

    Args:
        top: dB of the brightest colour, as `loudest` gives it.
    """
    from matplotlib import colormaps
    from PIL import Image

    levels = (10 * np.log10(power(audio) + 1e-12) - (top - RANGE_DB)) / RANGE_DB
    indices = (np.clip(levels, 0, 1) * (_TONES - 1)).round().astype(np.uint8)
    picture = Image.fromarray(indices[::-1])
    width = min(MOST_COLUMNS, picture.width)
    picture = picture.resize((width, HEIGHT), Image.Resampling.BOX)
    picture = picture.convert("P")
    colours = (colormaps["magma"](np.linspace(0, 1, _TONES))[:, :3] * 255).round().astype(np.uint8)
    picture.putpalette(colours.flatten().tolist())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def loudest(audio: np.ndarray) -> float:
    """The loudest point of a spectrogram, dB."""
    return float(10 * np.log10(max(power(audio).max(), 1e-9)))
