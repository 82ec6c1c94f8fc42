"""The course of the digit model's training as a picture."""

from __future__ import annotations

import csv
from pathlib import Path

from voicelink.models.files import writing

LOGS = ("autoencoder.csv", "sound.csv")


def _series(rows: list[dict[str, str]], name: str) -> tuple[list[int], list[float]]:
    points = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
    return [step for step, _ in points], [value for _, value in points]


def draw_learning(folder: Path, picture: Path) -> None:
    """Draw both logs in a folder: error and divergence of the autoencoder, losses of the sound."""
    from matplotlib.figure import Figure

    logs = []
    for name in LOGS:
        with open(folder / name, newline="", encoding="utf-8") as file:
            logs.append(list(csv.DictReader(file)))
    spectra, sound = logs
    figure = Figure(figsize=(8, 6.5), layout="constrained")
    error, nats, losses = figure.subplots(3, 1)
    error.plot(*_series(spectra, "rmse"), ".-", label="training speakers, random clips")
    error.plot(*_series(spectra, "rmse_unknown"), ".-", label="theo, alone")
    error.set(ylabel="RMSE of spectrograms", yscale="log")
    nats.plot(*_series(spectra, "nats"), ".-", label="training speakers")
    nats.plot(*_series(spectra, "nats_unknown"), ".-", label="theo")
    nats.set(ylabel="divergence, nats", xlabel="step of the autoencoder")
    for index, stage in enumerate(dict.fromkeys(row["stage"] for row in sound)):
        rows = [row for row in sound if row["stage"] == stage]
        colour = f"C{index}"
        losses.plot(*_series(rows, "spectral"), ".-", color=colour, label=f"{stage}: spectral")
        losses.plot(*_series(rows, "intelligibility"), ".--", color=colour)
        losses.lines[-1].set_label(f"{stage}: 1 - ESTOI")
    losses.set(ylabel="losses of the sound", xlabel="step of the sound")
    for axis in (error, nats, losses):
        axis.grid(color="#e0e0e0", linewidth=0.6)
        axis.legend(fontsize=8, ncols=2)
    with writing(picture) as part:
        figure.savefig(part, dpi=100)
