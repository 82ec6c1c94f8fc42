"""Trains a codec: ``python -m voicelink.models.training.train --help``.

A run lives in a folder: checkpoint.pt (everything, to go on from at any moment), log.csv (losses
and validation scores). The same command starts it and goes on with it.
"""

from __future__ import annotations

import argparse
import copy
import csv
import sys
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import nn

from voicelink.models.errors import VoiceLinkError
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES
from voicelink.models.training.corpus import PITCH_HOP, prepare, prepare_pitch, read_folder
from voicelink.models.training.data import Augmentation, Clips
from voicelink.models.training.discriminators import Discriminators
from voicelink.models.training.features import Bits, bits_of
from voicelink.models.training.listener import Listener, load_listener, unlike_phones
from voicelink.models.training.losses import (
    Cepstra,
    Intelligibility,
    Loudness,
    SpectralLoss,
    feature_matching,
    hinge_discriminator,
    hinge_generator,
    pitch_loss,
)
from voicelink.models.training.networks import DELAY
from voicelink.models.training.trained import Codec, Generator, networks_of

_clips: Clips
_bits: Bits | None


def computed_in(device: torch.device) -> torch.autocast:
    """Bfloat16 where the machine computes with it; emulated, it is a hundred times slower."""
    native = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native)


def _open_clips(config: dict, speech: Path, cache: Path) -> None:
    global _clips, _bits
    torch.set_num_threads(1)
    _bits = bits_of(config["features"]) if "features" in config else None
    _clips = Clips(
        cache,
        speech / "noise",
        config["clip_superframes"] * SUPERFRAME_SAMPLES,
        config["weights"],
        Augmentation(**config.get("augmentation", {})),
    )


def _draw(items: int, seed: int, step: int, share: float) -> tuple[np.ndarray, ...]:
    """What a network hears of a batch, what it should say, and its pitch."""
    # Seeded by the step, so that a run that was stopped draws what it would have drawn.
    heard, *wanted = _clips.batch(items, np.random.default_rng([seed, step]))
    if _bits is None:
        return heard, *wanted
    generator = torch.Generator().manual_seed(seed + step)
    return *_bits.received(heard, share, generator), *wanted


def validate(
    codec: Codec | Generator, recordings: list[tuple[str, np.ndarray]]
) -> dict[str, float]:
    """Mean ESTOI and PESQ over recordings."""
    import pesq
    import pystoi

    codec.eval()
    estoi, quality = [], []
    for _, audio in recordings:
        decoded = codec.code(audio)
        estoi.append(pystoi.stoi(audio, decoded, SAMPLE_RATE, extended=True))
        quality.append(pesq.pesq(SAMPLE_RATE, audio, decoded, "nb"))
    codec.train()
    return {"estoi": float(np.mean(estoi)), "pesq": float(np.mean(quality))}


class Run:
    """One training: networks, optimisers, random states, and how to keep and fetch them all."""

    def __init__(self, config: dict, device: str, listener: Listener | None = None) -> None:
        seed = config["seed"]
        torch.manual_seed(seed)
        self.config = config
        self.device = torch.device(device)
        self.codec = self.networks().to(self.device)
        self.average = copy.deepcopy(self.codec)
        self.judges = Discriminators().to(self.device)
        self.spectral = SpectralLoss().to(self.device)
        self.intelligibility = Intelligibility().to(self.device)
        self.loudness = Loudness().to(self.device)
        self.cepstra = Cepstra().to(self.device)
        self.listener = listener and listener.to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.codec.parameters(), lr=1e-3, betas=(0.8, 0.99), weight_decay=0.01
        )
        self.judging = torch.optim.AdamW(
            self.judges.parameters(), lr=1e-3, betas=(0.8, 0.99), weight_decay=0.01
        )
        self.generator = torch.Generator().manual_seed(seed)
        self.step = 0

    def networks(self) -> nn.Module:
        """What is trained; other trainings have others."""
        return networks_of(self.config["sizes"], self.config.get("features"))

    _PARTS = ("codec", "average", "judges", "optimiser", "judging")

    def save(self, path: Path) -> None:
        state = {name: getattr(self, name).state_dict() for name in self._PARTS}
        state |= {
            "step": self.step,
            "sizes": asdict(self.codec.sizes),
            "features": self.config.get("features"),
            "generator": self.generator.get_state(),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.rename(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=False)
        for name in self._PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.step = state["step"]
        self.generator.set_state(state["generator"].cpu())

    def start_from(self, state: dict) -> None:
        """Start from another run's weights, and from its discriminators where they are there."""
        if "judges" in state:
            self.judges.load_state_dict(state["judges"])
        weights = self.codec.adapted(state["average"])
        for codec in (self.codec, self.average):
            own = codec.state_dict()
            for name, values in weights.items():
                # A head that has grown keeps its new rows; other inputs are learnt from nothing.
                if name in own and own[name].shape[1:] == values.shape[1:]:
                    own[name][: len(values)] = values
            codec.load_state_dict(own)

    @property
    def total(self) -> int:
        return sum(s["steps"] for s in self.config["stages"])

    def stage(self, step: int | None = None) -> tuple[dict, float]:
        """The stage of a step, of the current one without, and the share of it that is done."""
        step = self.step if step is None else step
        begin = 0
        for stage in self.config["stages"]:
            if step < begin + stage["steps"]:
                return stage, (step - begin) / stage["steps"]
            begin += stage["steps"]
        return self.config["stages"][-1], 1.0

    def one_step(self, *drawn: np.ndarray) -> dict[str, float]:
        """Learn from a batch as `_draw` gives it."""
        *heard, wanted, pitch = (torch.from_numpy(x).to(self.device) for x in drawn)
        stage, done = self.stage()
        warm = min(1, (done * stage["steps"] + 1) / stage.get("warm", 200))
        cosine = 0.5 + 0.5 * np.cos(np.pi * done)
        rate = warm * (stage["final_rate"] + (stage["rate"] - stage["final_rate"]) * cosine)
        frozen = tuple(f"{name}." for name in stage.get("freeze", ()))
        for name, weights in self.codec.named_parameters():
            weights.requires_grad_(not name.startswith(frozen))
        # The discriminators keep learning at one pace, to stay ahead.
        for optimiser, lr in ((self.optimiser, rate), (self.judging, stage.get("judging_rate"))):
            for group in optimiser.param_groups:
                group["lr"] = lr or rate
        with computed_in(self.device):
            output, octaves, voicing = self.codec.speak(*heard, stage, self.generator)
        # Where the beginning of a clip gives the voice, the rest is spoken.
        begin = wanted.shape[1] - output.shape[1]
        pitch = pitch[:, begin // PITCH_HOP :]
        output = output[:, DELAY:]
        wanted = wanted[:, begin : begin + output.shape[1]]
        spectral = self.spectral(output, wanted)
        tone = pitch_loss(octaves, voicing, pitch)
        unlike = self.intelligibility(output, wanted)
        losses = {
            "spectral": spectral.item(),
            "pitch": tone.item(),
            "intelligibility": unlike.item(),
        }
        loss = spectral + tone + stage.get("intelligibility", 0.5) * unlike
        if stage.get("loudness"):
            away = self.loudness(output, wanted)
            losses["loudness"] = away.item()
            loss = loss + stage["loudness"] * away
        if stage.get("cepstra"):
            away = self.cepstra(output, wanted)
            losses["cepstra"] = away.item()
            loss = loss + stage["cepstra"] * away
        if stage.get("likeness"):
            away = self.codec.unlike(output, wanted)
            losses["likeness"] = away.item()
            loss = loss + stage["likeness"] * away
        if stage.get("phonemes"):
            misheard = unlike_phones(self.listener, output, wanted)
            losses["phonemes"] = misheard.item()
            loss = loss + stage["phonemes"] * misheard
        if stage["adversarial"]:
            # The discriminators see a piece of each clip: theirs is most of a step's cost.
            piece = stage.get("judged_samples", 5120)
            start = int(torch.randint(wanted.shape[1] - piece + 1, (), generator=self.generator))
            wanted, output = (x[:, start : start + piece] for x in (wanted, output))
            gain = 0.1 / torch.clamp(wanted.square().mean(1, keepdim=True).sqrt(), min=0.003)
            real, fake = wanted * gain, output * gain
            with computed_in(self.device):
                true_scores, _ = self.judges(real)
                false_scores, _ = self.judges(fake.detach())
                judged = hinge_discriminator(true_scores, false_scores)
            self.judging.zero_grad(set_to_none=True)
            judged.backward()
            if torch.isfinite(nn.utils.clip_grad_norm_(self.judges.parameters(), 10)):
                self.judging.step()
            losses["judged"] = judged.item()
            # The discriminators learn alone for a while before they are listened to.
            if done * stage["steps"] >= stage.get("judges_first", 100):
                self.judges.requires_grad_(False)
                with computed_in(self.device):
                    with torch.no_grad():
                        _, true_features = self.judges(real)
                    false_scores, false_features = self.judges(fake)
                    persuasion = hinge_generator(false_scores)
                    matching = feature_matching(true_features, false_features)
                self.judges.requires_grad_(True)
                loss = loss + stage["adversarial"] * (0.1 * persuasion + 0.5 * matching)
                losses |= {"persuasion": persuasion.item(), "matching": matching.item()}
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.codec.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        decay = min(self.config["ema"], (self.step + 1) / (self.step + 20))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.codec.parameters(), strict=True)
            for kept, new in pairs:
                kept.lerp_(new, 1 - decay)
        self.step += 1
        return losses | {"rate": rate, "norm": float(norm)}


def train(
    config: dict, speech: Path, cache: Path, folder: Path, device: str, init: str | None
) -> Run:
    """Train, or go on with training, to the end of the last stage."""
    from rich.progress import MofNCompleteColumn, Progress

    prepare(speech, cache)
    prepare_pitch(cache)
    folder.mkdir(parents=True, exist_ok=True)
    listening = any(stage.get("phonemes") for stage in config["stages"])
    run = Run(config, device, load_listener(cache) if listening else None)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    elif init:
        if Path(init).is_file():
            run.start_from(torch.load(init, map_location="cpu", weights_only=False))
        else:
            from voicelink.models.training.export import released_weights

            run.start_from({"average": released_weights(init)})
    recordings = read_folder(speech / "dev")[:: config.get("validate_every_nth", 1)]
    log = folder / "log.csv"
    columns = ["step", "stage", "seconds", "spectral", "pitch", "intelligibility", "phonemes"]
    columns += [
        "loudness",
        "cepstra",
        "likeness",
        "judged",
        "matching",
        "norm",
        "estoi",
        "pesq",
        "recordings",
    ]
    if log.exists():
        # One that began before a column was there goes on without it.
        columns = log.read_text().splitlines()[0].split(",")
    else:
        log.write_text(",".join(columns) + "\n")
    began = time.time()
    sums: dict[str, list[float]] = {}
    with (
        ProcessPoolExecutor(
            config.get("workers", 1), initializer=_open_clips, initargs=(config, speech, cache)
        ) as pool,
        Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as bar,
    ):
        task = bar.add_task(config["model"], total=run.total, completed=run.step)
        ahead: deque[Future] = deque()
        drawn = run.step
        while run.step < run.total:
            while len(ahead) < 8:
                share = run.stage(drawn)[0]["damage"]
                ahead.append(pool.submit(_draw, config["batch"], config["seed"], drawn, share))
                drawn += 1
            name = run.stage()[0]["name"]
            for key, value in run.one_step(*ahead.popleft().result()).items():
                sums.setdefault(key, []).append(value)
            bar.update(task, completed=run.step)
            last = run.step == run.total
            due = run.step % config["validate_every"] == 0 or last
            if run.step % config["checkpoint_every"] == 0 or last:
                run.save(checkpoint)
                row = {k: f"{np.mean(v):.4f}" for k, v in sums.items() if k in columns}
                row |= {"step": run.step, "stage": name, "seconds": round(time.time() - began)}
                if due:
                    row |= {k: f"{v:.4f}" for k, v in validate(run.average, recordings).items()}
                    row["recordings"] = len(recordings)
                sums = {}
                with open(log, "a", newline="") as file:
                    csv.DictWriter(file, columns, extrasaction="ignore").writerow(row)
                bar.console.print(str(row), soft_wrap=True)
    return run


def main(argv: list[str] | None = None) -> int:
    """Train; the exit status is 0, or 2 for what is missing."""
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.training.train")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("neural-800.yaml"))
    parser.add_argument("--speech", type=Path, required=True, help="folder with train.tsv, dev/")
    parser.add_argument("--cache", type=Path, default=Path("work/cache"))
    parser.add_argument("--run", type=Path, default=Path("work/run"))
    parser.add_argument(
        "--init", help="start from a released model's weights (its id) or a checkpoint.pt"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args(argv)
    config = yaml.safe_load(args.config.read_text())
    try:
        train(config, args.speech, args.cache, args.run, args.device, args.init)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
