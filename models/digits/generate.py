"""New digits, that nobody said: latents drawn at random, and the sound that they stand for.

>>> from voicelink.models.card import card
>>> latents = draw(card("vae-digits"), 2, seed=1)
>>> audio, decibels = speak(card("vae-digits"), latents[0])
>>> audio.shape, decibels.shape
((7680,), (256, 64))
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from voicelink.models.card import Card
from voicelink.models.digits.sizes import BLOCK, LATENTS, OVERLAP
from voicelink.models.digits.spectrogram import LOWEST, RANGE
from voicelink.models.engines.vae import TABLE, Decoder
from voicelink.models.errors import ParameterError, require
from voicelink.models.files import writing

TOP = -12.0
"""The upper extremum of what is generated, dB."""

WAYS = ("digits", "prior")
"""Where latents are drawn from: the neighbourhood of the digits of two speakers, mixed; or N(0, I),
which the autoencoder was pulled towards."""


def draw(
    card: Card,
    count: int,
    seed: int = 0,
    way: str = WAYS[0],
    digit: int | None = None,
    warmth: float = 0.6,
) -> np.ndarray:
    """Random latents, float32 (count, 128).

    Args:
        count: 1..1000.
        way: one of `WAYS`.
        digit: always this one, 0..9; None for any. Only with "digits".
        warmth: standard deviations are multiplied by it, 0..2.

    Raises:
        ParameterError: one of these is something else.
    """
    require("count", count, 1, 1000)
    require("seed", seed, 0, 2**63 - 1)
    require("warmth", warmth, 0, 2)
    if way not in WAYS:
        raise ParameterError(f"way must be one of {', '.join(WAYS)}, not {way!r}")
    rng = np.random.default_rng(seed)
    noise = warmth * rng.standard_normal((count, LATENTS))
    if way == "prior":
        if digit is not None:
            raise ParameterError("a digit must be left open with the way 'prior'")
        return noise.astype(np.float32)
    centres, spread = _neighbourhoods(card)
    if digit is None:
        said = (np.arange(count) + rng.integers(10)) % 10
    else:
        said = np.full(count, require("digit", digit, 0, 9))
    voices = rng.integers(centres.shape[1], size=(2, count))
    share = rng.random((count, 1))
    middle = share * centres[said, voices[0]] + (1 - share) * centres[said, voices[1]]
    return (middle + noise @ spread.T).astype(np.float32)


def between(card: Card, first: int, last: int, count: int, seed: int = 0) -> np.ndarray:
    """Latents, float32 (count, 128), on the straight way from one digit to another in one voice.

    Raises:
        ParameterError: the digits are not 0..9, or the count not 2..1000.
    """
    require("count", count, 2, 1000)
    for each in (first, last):
        require("digit", each, 0, 9)
    centres, _ = _neighbourhoods(card)
    voice = np.random.default_rng(seed).integers(centres.shape[1])
    share = np.linspace(0, 1, count)[:, None]
    way = (1 - share) * centres[first, voice] + share * centres[last, voice]
    return way.astype(np.float32)


def _neighbourhoods(card: Card) -> tuple[np.ndarray, np.ndarray]:
    """Mean latents (10, speakers, 128) of each digit of each speaker, and the Cholesky factor of
    their covariance within these."""
    with np.load(BytesIO(card.file(TABLE))) as table:
        return table["centres"].astype(float), table["spread"].astype(float)


def speak(card: Card, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sound, float32 (7680,) within +-1, and the spectrogram in dB, (256, 64), of latents
    (128,)."""
    decoder = Decoder(card, 1)
    found = decoder.decoded(np.asarray(latents, np.float32), TOP - RANGE, TOP)
    silence = np.full_like(found, LOWEST)
    audio = np.concatenate([decoder.sound(found, TOP - RANGE), decoder.sound(silence, LOWEST)])
    return np.clip(audio[OVERLAP : OVERLAP + BLOCK], -1, 1), found


def picture(
    path: str | Path, spectrograms: list[np.ndarray], titles: list[str], title: str
) -> None:
    """Draw spectrograms (256, 64) in dB side by side, a title over each and one over all.

    Raises:
        ParameterError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    columns = min(len(spectrograms), 4)
    rows = -(-len(spectrograms) // columns)
    figure = Figure(figsize=(2.7 * columns, 2.4 * rows + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis, found, name in zip(axes.flat, spectrograms, titles, strict=False):
        axis.imshow(
            found,
            origin="lower",
            aspect="auto",
            extent=(0, 960, 0, 4),
            vmin=TOP - RANGE,
            vmax=TOP,
            cmap="magma",
        )
        axis.set_title(name, fontsize=9)
    for axis in axes.flat[len(spectrograms) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("kHz")
    for axis in axes[-1]:
        axis.set_xlabel("ms")
    with writing(path) as part:
        figure.savefig(part, dpi=100)
