"""A generator's start: ``python -m voicelink.models.training.first_layer --help``.

A generator for the features of a codec begins with the weights of a released model. Only its first
layer hears something else, and begins with the linear form of the features that is nearest, in
least squares, to the latents of that model for the same speech: so it speaks from the first step.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import yaml

from voicelink.models.errors import VoiceLinkError
from voicelink.models.files import writing
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import FRAMES, SUPERFRAME_SAMPLES
from voicelink.models.training.data import Augmentation, Clips
from voicelink.models.training.export import released_weights
from voicelink.models.training.features import Bits, bits_of
from voicelink.models.training.networks import Sizes, States, quantise
from voicelink.models.training.trained import Codec

_RIDGE = 1e-3
_BATCH = 16


def first_layer(
    weights: dict[str, torch.Tensor], values: np.ndarray, latents: np.ndarray
) -> tuple[dict[str, torch.Tensor], float]:
    """Weights whose first layer takes features for latents.

    Args:
        weights: of a decoder of latents, by their names in `Codec`.
        values: features (frames, count), all of them sure.
        latents: of the same speech, (frames, latents).

    Returns:
        The weights, and which share of the latents' variance the features tell.
    """
    frames, count = values.shape
    x = np.concatenate([values, np.ones((frames, 1))], axis=1).astype(np.float64)
    square = x.T @ x + _RIDGE * frames * np.diag([*np.ones(count), 0])
    form = np.linalg.solve(square, x.T @ latents)
    told = 1 - np.mean((latents - x @ form) ** 2) / np.mean(latents.var(axis=0))
    layer = weights["decoder.embed.weight"].double()
    on_latents, on_reliability = layer.split(latents.shape[1], dim=1)
    form = torch.from_numpy(form)
    # What all reliabilities did together the new ones do together.
    even = on_reliability.sum(dim=1, keepdim=True).expand(-1, count) / count
    return {
        **weights,
        "decoder.embed.weight": torch.cat([on_latents @ form[:-1].T, even], dim=1).float(),
        "decoder.embed.bias": (weights["decoder.embed.bias"] + on_latents @ form[-1]).float(),
    }, float(told)


def heard_both_ways(
    weights: dict[str, torch.Tensor], bits: Bits, clips: Clips, batches: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Features and latents, (frames, count) each, of the same clips."""
    codec = Codec(Sizes())
    codec.load_state_dict(weights, strict=False)
    rng = np.random.default_rng(seed)
    values, latents = [], []
    for _ in range(batches):
        heard = clips.batch(_BATCH, rng)[0]
        values += [bits.features(llrs_of(bits.encode(x), bits.payload_bits))[0] for x in heard]
        with torch.inference_mode():
            levels = quantise(codec.encoder(torch.from_numpy(heard), States(None)))
        latents.append(((2 * levels - 3) / 3).numpy().reshape(-1, levels.shape[2]))
    return np.concatenate(values), np.concatenate(latents)


def main(argv: list[str] | None = None) -> int:
    """Write a checkpoint for ``train --init``; the exit status is 0, or 2 for what is missing."""
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.training.first_layer")
    parser.add_argument("--config", type=Path, required=True, help="of the training to start")
    parser.add_argument("--cache", type=Path, default=Path("work/cache"))
    parser.add_argument("--init", default="neural-800", help="whose weights; a released model's id")
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("out", type=Path, help="for `train --init`")
    args = parser.parse_args(argv)
    config = yaml.safe_load(args.config.read_text())
    try:
        weights = released_weights(args.init)
        quiet = Augmentation(noise=0, room=0, colour_input_only=0)
        samples = config["clip_superframes"] * SUPERFRAME_SAMPLES
        clips = Clips(args.cache, None, samples, config["weights"], quiet)
        bits = bits_of(config["features"])
        both = heard_both_ways(weights, bits, clips, args.batches, config["seed"])
        weights, told = first_layer(weights, *both)
        with writing(args.out) as part:
            torch.save({"average": weights}, part)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    print(f"{len(both[0]) / FRAMES * SUPERFRAME_SAMPLES / 8000:.0f} s; told: {told:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
