"""Trains the digit model's autoencoder:
``python -m voicelink.models.digits.training.train_autoencoder --help``.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from voicelink.models.digits.data import Digit, clip, held_out, read_digits, training
from voicelink.models.digits.sizes import BINS, BLOCK, OVERLAP
from voicelink.models.digits.spectrogram import columns, normalise
from voicelink.models.digits.training.networks import Autoencoder, Sizes, divergence, rmse
from voicelink.models.training.losses import mel_filters

KL_WEIGHT = 2.5e-5
"""Of a nat of divergence against the RMSE of spectrograms within 0..1."""


def spectrogram(audio: np.ndarray, mel: torch.Tensor | None = None) -> np.ndarray:
    """A block's normalised spectrogram, float32 (1, rows, 64), of its 360 + 7680 samples."""
    found = columns(audio)
    if mel is not None:
        found = mel.numpy() @ found
    return normalise(found)[0][None].astype(np.float32)


def batch(
    digits: list[Digit], items: int, rng: np.random.Generator, mel: torch.Tensor | None = None
) -> torch.Tensor:
    clips = [clip(digits, OVERLAP + BLOCK, rng) for _ in range(items)]
    return torch.from_numpy(np.stack([spectrogram(c, mel) for c in clips]))


def alone(digits: list[Digit], mel: torch.Tensor | None = None) -> torch.Tensor:
    """Spectrograms of recordings as they are coded alone: silence before and after."""
    clips = [np.pad(d.audio, (OVERLAP, BLOCK))[: OVERLAP + BLOCK] for d in digits]
    return torch.from_numpy(np.stack([spectrogram(c, mel) for c in clips]))


def train(
    digits: list[Digit],
    sizes: Sizes,
    steps: int,
    items: int,
    seed: int,
    run: Path | None = None,
    rate: float = 1.5e-3,
    weight: float = KL_WEIGHT,
    every: int = 50,
) -> tuple[Autoencoder, dict[str, float]]:
    """A trained autoencoder, and its last losses on the held-out speaker where there is one."""
    torch.manual_seed(seed)
    net = Autoencoder(sizes).to(memory_format=torch.channels_last)
    mel = mel_filters(512, sizes.rows)[:, :BINS] if sizes.rows != BINS else None
    known, unknown = training(digits), held_out(digits)[::6]
    test = alone(unknown, mel) if unknown else None
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.01)
    began, sums, row, begin = time.time(), [], {}, 0
    if run is not None and (run / "autoencoder.pt").exists():
        state = torch.load(run / "autoencoder.pt", weights_only=False)
        net.load_state_dict(state["weights"])
        begin = state["step"]
        if "optimiser" in state:
            optimiser.load_state_dict(state["optimiser"])
    for step in range(begin, steps):
        share = step / steps
        for group in optimiser.param_groups:
            group["lr"] = (
                rate * min(1, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * share)) + 1e-5
            )
        x = batch(known, items, np.random.default_rng([seed, step]), mel)
        mean, spread = net.encode(x)
        y = net.decode(mean + torch.randn_like(mean) * (0.5 * spread).exp())
        error, nats = rmse(y, x), divergence(mean, spread)
        loss = error + weight * min(1, (step + 1) / 200) * nats
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        sums.append((error.item(), nats.item()))
        if (step + 1) % every == 0 or step + 1 == steps:
            error, nats = np.mean(sums, axis=0)
            sums = []
            row = {"step": step + 1, "seconds": round(time.time() - began)}
            row |= {"rmse": round(float(error), 5), "nats": round(float(nats), 2)}
            if test is not None:
                net.eval()
                with torch.inference_mode():
                    mean, spread = net.encode(test)
                    row["rmse_unknown"] = round(rmse(net.decode(mean), test).item(), 5)
                    row["nats_unknown"] = round(divergence(mean, spread).item(), 2)
                net.train()
            if run is not None:
                print(row, flush=True)
                run.mkdir(parents=True, exist_ok=True)
                new = not (run / "autoencoder.csv").exists()
                with open(run / "autoencoder.csv", "a", newline="") as file:
                    writer = csv.DictWriter(file, list(row))
                    if new:
                        writer.writeheader()
                    writer.writerow(row)
                state = {"sizes": asdict(sizes), "weights": net.state_dict(), "step": step + 1}
                state["optimiser"] = optimiser.state_dict()
                torch.save(state, run / "autoencoder.part")
                (run / "autoencoder.part").rename(run / "autoencoder.pt")
    return net.eval(), row


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.models.digits.training.train_autoencoder"
    )
    parser.add_argument("digits", type=Path, help="the Free Spoken Digit Dataset")
    parser.add_argument("run", type=Path, help="folder for the weights and the losses")
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--weight", type=float, default=KL_WEIGHT)
    parser.add_argument("--channels", type=int, nargs=5, default=Sizes().channels)
    parser.add_argument("--mel", type=int, help="rows of a mel spectrogram, a multiple of 32")
    args = parser.parse_args(argv)
    sizes = Sizes(tuple(args.channels), args.mel or BINS)
    train(
        read_digits(args.digits),
        sizes,
        args.steps,
        args.batch,
        args.seed,
        args.run,
        args.rate,
        args.weight,
    )


if __name__ == "__main__":
    main()
