"""One picture of a simulated link: what was said, what was heard, and what became of each frame."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import numpy as np

from voicelink.blocks.status import Status
from voicelink.models.errors import ParameterError
from voicelink.models.files import check_folder, writing
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SECONDS

COLOURS = {
    Status.CLEAN: "#009e73",
    Status.CORRECTED: "#56b4e9",
    Status.SOFT: "#e69f00",
    Status.CONCEALED: "#d55e00",
}
"""From the palette of Okabe & Ito (2008), for readers who do not tell red from green."""


ENDINGS = (".png", ".svg", ".pdf")


MATPLOTLIB = (3, 7)
"""The first version that sets a legend outside of the axes."""


def check_matplotlib(extra: str = "demo") -> None:
    """Raise `ParameterError` where matplotlib is absent or too old; ``extra`` installs it."""
    install = f"pip install '.[{extra}]'"
    try:
        version = importlib.metadata.version("matplotlib")
    except importlib.metadata.PackageNotFoundError:
        raise ParameterError(f"a picture needs matplotlib: {install}") from None
    # Debian 12's, which its GNU Radio brings, is 3.6.
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < MATPLOTLIB:
        wanted = ".".join(map(str, MATPLOTLIB))
        raise ParameterError(
            f"a picture needs matplotlib {wanted} or later, not {version}: {install}"
        )


def check_picture_name(path: str | Path) -> None:
    """Raise `ParameterError` where no picture can be drawn under this name: before the work."""
    check_matplotlib()
    if Path(path).suffix.lower() not in ENDINGS:
        raise ParameterError(
            f"the name of a picture must end with {', '.join(ENDINGS)}, not {str(path)!r}"
        )
    check_folder(path)


def draw(
    path: str | Path,
    said: np.ndarray,
    heard: np.ndarray,
    statuses: list[Status],
    title: str,
) -> None:
    """Write a PNG, SVG or PDF: waveforms, spectrograms before and after, status along the time.

    Args:
        path: the name of the file; its ending chooses the format.
        said: float32 (n,), 8 kHz.
        heard: the same length, aligned.
        statuses: of each superframe.
        title: a line above it all.

    Raises:
        ParameterError: matplotlib is absent or too old, or the file cannot be written.
    """
    check_picture_name(path)
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    seconds = len(said) / SAMPLE_RATE
    figure = Figure(figsize=(11, 8.2), layout="constrained")
    rows = figure.subplots(4, 1, sharex=True, height_ratios=[1.1, 2, 2, 0.35])
    figure.suptitle(title, fontsize=12)
    time = np.arange(len(said)) / SAMPLE_RATE
    rows[0].plot(time, said, color="#b0b0b0", linewidth=0.6, label="said")
    rows[0].plot(time, heard, color="#1f4e8c", linewidth=0.5, alpha=0.75, label="heard")
    rows[0].set_ylabel("waveform")
    rows[0].legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8, ncols=2, frameon=False)
    top = 10 * np.log10(max(power(said).max(), 1e-9))
    for axis, audio, name in ((rows[1], said, "said"), (rows[2], heard, "heard")):
        image = axis.imshow(
            10 * np.log10(power(audio) + 1e-12),
            origin="lower",
            aspect="auto",
            extent=(0, seconds, 0, SAMPLE_RATE / 2000),
            vmin=top - 70,
            vmax=top,
            cmap="magma",
        )
        axis.set_ylabel(f"{name}, kHz")
    figure.colorbar(image, ax=rows[1:3], label="dB", pad=0.01, fraction=0.03)
    for k, status in enumerate(statuses):
        rows[3].axvspan(
            k * SUPERFRAME_SECONDS, (k + 1) * SUPERFRAME_SECONDS, color=COLOURS[status], lw=0
        )
    rows[3].set_yticks([])
    rows[3].set_ylabel("super-\nframes", rotation=0, ha="right", va="center")
    rows[3].set_xlabel("time, s")
    rows[3].set_xlim(0, seconds)
    names = [Patch(color=COLOURS[s], label=f"{s.value} {statuses.count(s)}") for s in Status]
    figure.legend(handles=names, loc="outside lower center", ncols=4, fontsize=9)
    with writing(path) as part:
        figure.savefig(part, dpi=110)


def power(audio: np.ndarray, size: int = 256, hop: int = 64) -> np.ndarray:
    """Power spectrogram (bins, frames) with Hann windows of 32 ms."""
    padded = np.pad(np.asarray(audio, np.float64), size)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[size // 2 : -size // 2 : hop]
    return np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)).T ** 2 / size
