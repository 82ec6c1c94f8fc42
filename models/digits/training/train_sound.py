"""Trains the digit model's phase network, then both networks from end to end on the waveform:
``python -m voicelink.models.digits.training.train_sound --help``.

The autoencoder comes from `train_autoencoder` beside this; the part of the phase network that makes
the sound begins with the default codec's weights.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from voicelink.models.card import DEFAULT
from voicelink.models.digits.data import Digit, clip, read_digits, training
from voicelink.models.digits.sizes import BLOCK, OVERLAP
from voicelink.models.digits.training.networks import Digits, Sizes, SoundSizes
from voicelink.models.sizes import SAMPLE_RATE
from voicelink.models.training.corpus import PITCH_HOP, PITCH_RANGE
from voicelink.models.training.data import Augmentation, Clips
from voicelink.models.training.export import released_weights
from voicelink.models.training.networks import DELAY
from voicelink.models.training.train import Run

CLIP = OVERLAP + 2 * BLOCK


class SoundRun(Run):
    """`Run` for `Digits`."""

    def networks(self) -> Digits:
        sizes = Sizes(tuple(self.config["channels"]))
        return Digits(sizes, SoundSizes(**self.config.get("sizes", {})))


def pitch_of(audio: np.ndarray) -> np.ndarray:
    """Pitch in Hz, 0 where unvoiced, of the last hop of each synthesis window: float32 (n,) of
    ``80 n + 360`` samples. By Praat's autocorrelation method (Boersma, 1993)."""
    import parselmouth

    sound = parselmouth.Sound(audio.astype(np.float64), SAMPLE_RATE)
    low, high = PITCH_RANGE
    found = sound.to_pitch_ac(
        time_step=PITCH_HOP / SAMPLE_RATE, pitch_floor=low, pitch_ceiling=high
    )
    values = found.selected_array["frequency"]
    steps = np.arange((len(audio) - OVERLAP) // PITCH_HOP)
    at = (PITCH_HOP * steps + OVERLAP - PITCH_HOP) / SAMPLE_RATE
    nearest = np.round((at - found.x1) / found.dx).astype(int)
    inside = (nearest >= 0) & (nearest < len(values))
    return np.where(inside, values[np.clip(nearest, 0, len(values) - 1)], 0).astype(np.float32)


def batch(
    digits: list[Digit], others: Clips | None, items: int, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """What `SoundRun.one_step` takes: clips, which of them go through the autoencoder, what is
    wanted, and its pitch. All but ``share`` of the clips are of other speech."""
    coded = rng.random(items) < share if others else np.ones(items, bool)
    clips = np.zeros((items, CLIP), np.float32)
    for i in np.flatnonzero(coded):
        clips[i] = clip(digits, CLIP, rng)
    if not coded.all():
        clips[~coded] = others.batch(int((~coded).sum()), rng)[1][:, :CLIP]
    # A run compares what comes 240 samples late; this sound comes 360 late.
    wanted = clips[:, DELAY : DELAY + CLIP - OVERLAP]
    return clips, coded, wanted, np.stack([pitch_of(c) for c in clips])


def train(
    config: dict,
    digits: list[Digit],
    cache: Path | None,
    folder: Path,
    judges: Path | None = None,
) -> SoundRun:
    """Train, or go on with training, to the end of the last stage.

    Args:
        judges: a run of the default codec, whose discriminators this one begins with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "sound.pt"
    run = SoundRun(config, "cpu")
    if checkpoint.exists():
        run.load(checkpoint)
    else:
        run.start_from({"average": released_weights(DEFAULT)})
    if "autoencoder" in run.stage()[0]["freeze"]:
        state = torch.load(folder / "autoencoder.pt", weights_only=False)
        for net in (run.codec, run.average):
            net.autoencoder.load_state_dict(state["weights"])
    if judges is not None:
        run.judges.load_state_dict(torch.load(judges, weights_only=False)["judges"])
    others = None
    if cache is not None:
        augmentation = Augmentation(noise=0, room=0, colour_input_only=0)
        whole_hops = -(-CLIP // PITCH_HOP) * PITCH_HOP
        others = Clips(cache, None, whole_hops, config["weights"], augmentation)
    known = training(digits)
    columns = ["step", "stage", "seconds", "spectral", "pitch", "intelligibility", "error"]
    columns += ["judged", "matching", "norm"]
    log = folder / "sound.csv"
    if not log.exists():
        log.write_text(",".join(columns) + "\n")
    began = time.time()
    sums: dict[str, list[float]] = {}
    while run.step < run.total:
        stage, _ = run.stage()
        rng = np.random.default_rng([config["seed"], run.step])
        found = run.one_step(*batch(known, others, config["batch"], stage["digits"], rng))
        found["error"] = float(run.codec.error.detach())
        for key, value in found.items():
            sums.setdefault(key, []).append(value)
        if run.step % config["checkpoint_every"] == 0 or run.step == run.total:
            run.save(checkpoint)
            row = {k: f"{np.mean(v):.4f}" for k, v in sums.items() if k in columns}
            row |= {"step": run.step, "stage": stage["name"]}
            row["seconds"] = round(time.time() - began)
            sums = {}
            with open(log, "a", newline="") as file:
                csv.DictWriter(file, columns).writerow(row)
            print(row, flush=True)
    return run


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.digits.training.train_sound")
    parser.add_argument("digits", type=Path, help="the Free Spoken Digit Dataset")
    parser.add_argument("run", type=Path, help="folder with autoencoder.pt")
    parser.add_argument("--cache", type=Path, help="other speech, as the codec's training has it")
    parser.add_argument(
        "--judges", type=Path, help="begin with the discriminators of a codec's checkpoint.pt"
    )
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("vae-digits.yaml"))
    args = parser.parse_args(argv)
    config = yaml.safe_load(args.config.read_text())
    train(config, read_digits(args.digits), args.cache, args.run, args.judges)


if __name__ == "__main__":
    main()
