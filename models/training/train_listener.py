"""Trains the recogniser that a codec's training listens with:
``python -m voicelink.models.training.train_listener --help``.

PocketSphinx reads some hours of the corpus first. Its reading, and the recogniser that learns it,
stay in the corpus' cache; what is there already is not made again.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
import yaml
from torch.nn import functional as F

from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES
from voicelink.models.training.corpus import PITCH_HOP, prepare, prepare_pitch, read_folder
from voicelink.models.training.data import Augmentation, Clips
from voicelink.models.training.listener import FILE, Listener
from voicelink.models.training.phones import PHONES, UNKNOWN, label, prepare_phones


def labelled(recordings: list[tuple[str, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Speech (n,) at 8 kHz, and the class of each of its hops (n // 80,), of named recordings."""
    return [
        (audio, label(audio, (np.arange(len(audio) // PITCH_HOP) + 0.5) * PITCH_HOP / SAMPLE_RATE))
        for _, audio in recordings
    ]


def score(listener: Listener, recordings: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """The share of 10 ms in which it hears what PocketSphinx does, of what `labelled` gives."""
    right, total = 0, 0
    listener.eval()
    for audio, wanted in recordings:
        with torch.inference_mode():
            heard = listener(torch.from_numpy(audio)[None])[0].argmax(0).numpy()
        known = wanted != UNKNOWN
        right += int((heard[: len(wanted)] == wanted)[known].sum())
        total += int(known.sum())
    listener.train()
    return right / max(total, 1)


def train_listener(config: dict, speech: Path, cache: Path, device: str) -> Listener:
    """Train it and keep it in the cache.

    Args:
        config: as ``listener.yaml``.
    """
    from rich.progress import track

    prepare(speech, cache)
    prepare_pitch(cache)
    prepare_phones(cache, config["hours"], config["weights"], config["seed"])
    torch.manual_seed(config["seed"])
    clips = Clips(
        cache,
        speech / "noise",
        config["clip_superframes"] * SUPERFRAME_SAMPLES,
        config["weights"],
        Augmentation(**config.get("augmentation", {})),
        index="phones.csv",
    )
    listener = Listener().to(device)
    optimiser = torch.optim.AdamW(listener.parameters(), lr=config["rate"], weight_decay=0.02)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, config["rate"], config["steps"])
    recordings = labelled(read_folder(speech / "dev"))
    losses = []
    for step in track(range(config["steps"]), description="learning phones"):
        rng = np.random.default_rng([config["seed"], step])
        heard, wanted, phones = clips.labelled(config["batch"], rng)
        # Half of the clips as they should sound, half as a microphone might hear them.
        clean = rng.random((len(heard), 1)) < 0.5
        audio = torch.from_numpy(np.where(clean, wanted, heard)).to(device)
        loss = F.cross_entropy(
            listener(audio),
            torch.from_numpy(phones.astype(np.int64)).to(device),
            ignore_index=UNKNOWN,
            label_smoothing=0.05,
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(listener.parameters(), 1.0)
        optimiser.step()
        rates.step()
        losses.append(loss.item())
        if (step + 1) % config["validate_every"] == 0 or step + 1 == config["steps"]:
            share = score(listener.cpu(), recordings)
            listener.to(device)
            print(
                f"step {step + 1}: loss {np.mean(losses):.3f}, {share:.1%} as PocketSphinx",
                flush=True,
            )
            losses = []
    part = cache / f"{FILE}.part"
    torch.save(listener.cpu().state_dict(), part)
    os.replace(part, cache / FILE)
    return listener


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.models.training.train_listener",
        description=f"Train the recogniser of {len(PHONES)} classes that `train` listens with.",
    )
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("listener.yaml"))
    parser.add_argument("--speech", type=Path, required=True, help="folder with train.tsv, dev/")
    parser.add_argument("--cache", type=Path, default=Path("work/cache"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args(argv)
    train_listener(yaml.safe_load(args.config.read_text()), args.speech, args.cache, args.device)


if __name__ == "__main__":
    main()
