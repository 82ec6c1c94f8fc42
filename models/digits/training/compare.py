"""Other autoencoders than the released one, after equally short trainings:
``python -m voicelink.models.digits.training.compare --help``.

Half of the parameters, and mel spectrograms of 128 rows instead of 256 linear ones. Errors are
compared where all can be: in 128 mel bands, in dB, for the speaker held out; and by how many of
that speaker's digits lie nearest to the training speakers' mean of the same digit, among latents.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from voicelink.models.digits.data import Digit, held_out, read_digits, training
from voicelink.models.digits.sizes import BINS, BLOCK, OVERLAP, TRANSFORM
from voicelink.models.digits.spectrogram import columns, normalise
from voicelink.models.digits.training.networks import Autoencoder, Sizes
from voicelink.models.digits.training.train_autoencoder import alone, train
from voicelink.models.training.losses import mel_filters

MEL = 128
VARIANTS = {
    "256 linear rows": Sizes(),
    "half the parameters": Sizes(channels=(16, 32, 64, 96, 48)),
    "128 mel rows": Sizes(rows=MEL),
}
_FILTERS = mel_filters(TRANSFORM, MEL)[:, :BINS]


def mel_error(net: Autoencoder, digits: list[Digit]) -> float:
    """RMS difference of mel bands in dB, of what is within 60 dB of the loudest."""
    errors = []
    for each in digits:
        found = columns(np.pad(each.audio, (OVERLAP, BLOCK))[: OVERLAP + BLOCK])
        mel = _FILTERS.numpy() @ found
        source = found if net.sizes.rows == BINS else mel
        normal, bottom, top = normalise(source)
        with torch.inference_mode():
            heard = torch.from_numpy(normal.astype(np.float32))[None, None]
            decoded = net.decode(net.encode(heard)[0])[0, 0].clamp(0, 1).numpy()
        said = bottom + decoded * (top - bottom)
        if net.sizes.rows == BINS:
            said = 20 * np.log10(_FILTERS.numpy() @ 10 ** (said / 20))
        wanted = 20 * np.log10(mel + 1e-9)
        floor = wanted.max() - 60
        errors.append(np.mean((np.maximum(said, floor) - np.maximum(wanted, floor)) ** 2))
    return float(np.sqrt(np.mean(errors)))


@torch.inference_mode()
def nearest(net: Autoencoder, known: list[Digit], unknown: list[Digit]) -> float:
    """The share of digits whose latents lie nearest to the mean of the same digit."""
    mel = _FILTERS if net.sizes.rows != BINS else None
    by, of = (net.encode(alone(digits, mel))[0].numpy() for digits in (known, unknown))
    scale = by.std(axis=0) + 1e-6
    said = np.array([d.digit for d in known])
    centres = np.stack([by[said == digit].mean(axis=0) for digit in range(10)]) / scale
    away = ((of[:, None] / scale - centres) ** 2).sum(axis=2)
    return float(np.mean(away.argmin(axis=1) == [d.digit for d in unknown]))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.digits.training.compare")
    parser.add_argument("digits", type=Path, help="the Free Spoken Digit Dataset")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args(argv)
    digits = read_digits(args.digits)
    known, unknown = training(digits)[::4], held_out(digits)[::3]
    print("| autoencoder | parameters | loss RMSE | nats | mel error, dB | nearest digit |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, sizes in VARIANTS.items():
        net, row = train(digits, sizes, args.steps, args.batch, args.seed, every=args.steps)
        count = sum(p.numel() for p in net.parameters()) / 1e6
        print(
            f"| {name} | {count:.2f} M | {row['rmse_unknown']:.4f} | {row['nats_unknown']:.0f} |"
            f" {mel_error(net, unknown):.2f} | {100 * nearest(net, known, unknown):.1f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()
