"""Exports the digit model: ``python -m voicelink.models.digits.training.export --help``.

There are two decoders: one learnt further together with the phase network, for the sound; the
other is the autoencoder's as it was, for Griffin and Lim's method, which takes magnitudes as they
are. Beside the graphs goes ``latents.npz``: the bits, mean and deviation of each latent, which
`voicelink.models.digits.layout` reads, and where the digits of each speaker lie among the latents,
for `voicelink.models.digits.generate`.
"""

from __future__ import annotations

import argparse
import io
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import yaml

from voicelink.models.card import PAYLOAD_VERSION
from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.digits.data import Digit, read_digits, training
from voicelink.models.digits.layout import Layout, share_out
from voicelink.models.digits.sizes import BINS, BLOCK, COLUMNS, DELAY, LATENTS, OVERLAP
from voicelink.models.digits.training.learning import LOGS, draw_learning
from voicelink.models.digits.training.networks import (
    Autoencoder,
    DecoderStep,
    Digits,
    EncoderStep,
    PhaseStep,
    Sizes,
    SoundSizes,
)
from voicelink.models.digits.training.train_autoencoder import alone, batch
from voicelink.models.latents import llrs_of
from voicelink.models.sizes import PAYLOAD_BITS
from voicelink.models.training.export import SMALL, differences, exported, halve, written_aside
from voicelink.models.training.networks import States

BLOCKS = 1000
"""Random training clips that the latents' table is measured on, beside every recording alone."""

LEVELS_EQUAL = 0.99
AUDIO_ERROR = 0.05


def load_run(run: Path) -> Digits:
    """The averaged weights of a training of the sound, and with them the autoencoder's."""
    state = torch.load(run / "sound.pt", map_location="cpu", weights_only=False)
    channels = torch.load(run / "autoencoder.pt", weights_only=False)["sizes"]["channels"]
    net = Digits(Sizes(tuple(channels)), SoundSizes(**state["sizes"]))
    net.load_state_dict(state["average"])
    return net


def load_autoencoder(run: Path) -> Autoencoder:
    """The autoencoder as it was before it learnt together with the phase network."""
    state = torch.load(run / "autoencoder.pt", map_location="cpu", weights_only=False)
    net = Autoencoder(Sizes(tuple(state["sizes"]["channels"])))
    net.load_state_dict(state["weights"])
    return net


@torch.inference_mode()
def table(net: Digits, digits: list[Digit], blocks: int = BLOCKS) -> dict[str, np.ndarray]:
    """What ``latents.npz`` holds, measured on the training speakers' recordings."""
    known = training(digits)
    rng = np.random.default_rng(0)
    by_itself, _ = _posteriors(net, alone(known))
    mean, variance = _posteriors(net, batch(known, blocks, rng))
    mean, variance = np.concatenate([mean, by_itself]), variance.mean(axis=0)
    speakers = sorted({d.speaker for d in known})
    centres = np.zeros((10, len(speakers), LATENTS))
    away = []
    for digit in range(10):
        for index, speaker in enumerate(speakers):
            chosen = [d.digit == digit and d.speaker == speaker for d in known]
            if any(chosen):
                own = by_itself[np.array(chosen)]
                centres[digit, index] = own.mean(axis=0)
                away.append(own - centres[digit, index])
    covariance = np.cov(np.concatenate(away).T) + 1e-6 * np.eye(LATENTS)
    return {
        "bits": share_out(mean.var(axis=0), variance).astype(np.uint8),
        "mean": mean.mean(axis=0).astype(np.float32),
        "deviation": mean.std(axis=0).astype(np.float32),
        "centres": centres.astype(np.float16),
        "spread": np.linalg.cholesky(covariance).astype(np.float16),
    }


def _posteriors(net: Digits, spectrograms: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances of the latents, (n, 128) each."""
    found = [net.autoencoder.encode(part) for part in spectrograms.split(64)]
    mean, spread = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return mean, np.exp(spread)


@torch.inference_mode()
def check(net: Digits, layout: Layout, audio: np.ndarray, folder: Path) -> dict[str, float]:
    """Compare exported files with the networks, on audio (7680 n,); the differences found.

    Raises:
        ValueError: they are beyond `LEVELS_EQUAL` or `AUDIO_ERROR`.
    """
    payload = SpeechEncoder(folder).encode(audio)
    payload = payload[: len(payload) // 96 * 96]
    blocks, bottom, top = net.spectrograms(torch.from_numpy(np.pad(audio, (OVERLAP, 0)))[None])
    means = net.autoencoder.encode(blocks[:, None])[0].numpy()
    wanted, heard = [], []
    llrs = llrs_of(payload, PAYLOAD_BITS).reshape(-1, 3, PAYLOAD_BITS)
    for mean, low, high, received in zip(means, bottom, top, llrs, strict=False):
        (low, _), (high, _) = layout.extrema(received)
        heard.append(layout.levels(layout.latents(received)) == layout.levels(mean))
        latents = torch.from_numpy(layout.latents(received))[None]
        normal = net.autoencoder.decode(latents)[0, 0]
        normal = (normal / normal.max().clamp(0.5)).clamp(0, 1)
        wanted.append((low + normal * (high - low)).T)
    said = net.phase(torch.cat(wanted)[None], States(None))[0].numpy()
    decoded = SpeechDecoder(folder).decode(payload)[2 * BLOCK // 3 :]
    said = said[: len(decoded)]
    error = float(np.sqrt(np.mean((decoded - said) ** 2) / np.mean(said**2)))
    equal = float(np.mean(heard))
    return differences(equal, error, LEVELS_EQUAL, AUDIO_ERROR)


def export(
    net: Digits, spectra: Autoencoder, digits: list[Digit], folder: Path, card: dict
) -> None:
    """Write the graphs, the latents' table and card.yaml; ``card`` gives what is not measured.

    They are written aside and compared there: what was in the folder stays until they are good.
    """
    net, spectra = net.float().eval(), spectra.float().eval()
    with torch.no_grad():
        for weights in (*net.parameters(), *net.autoencoder.buffers()):
            if weights.numel() >= SMALL and weights.is_floating_point():
                weights.copy_(weights.half())
    spectrogram = torch.zeros(1, 1, BINS, COLUMNS)
    latents = {"latents": torch.zeros(1, LATENTS)}
    steps = {
        "encoder": (EncoderStep(net.autoencoder), {"spectrogram": spectrogram}, "latents"),
        "decoder": (DecoderStep(net.autoencoder), latents, "normal"),
        "decoder-spectra": (DecoderStep(spectra), latents, "normal"),
        "phase": (PhaseStep(net.phase), {"decibels": torch.zeros(1, COLUMNS, BINS)}, "audio"),
    }
    files = {f"{name}.onnx": halve(exported(*step)) for name, step in steps.items()}
    found = table(net, digits)
    file = io.BytesIO()
    np.savez(file, **found)
    files["latents.npz"] = file.getvalue()
    coder, mirror = net.autoencoder, net.autoencoder.decoder
    bits = found["bits"]
    card = card | {
        "delay_samples": DELAY,
        "payload": {"version": PAYLOAD_VERSION, "bits": PAYLOAD_BITS},
        "networks": {"autoencoder": asdict(coder.sizes), "phase": asdict(net.sizes)},
        "parameters": {
            "encoder": _count(coder.encoder) + _count(coder.bottleneck),
            "decoder": _count(mirror),
            "phase": _count(net.phase),
        },
        "latent_bits": {int(n): int(np.sum(bits == n)) for n in np.unique(bits)},
    }
    card["networks"]["autoencoder"]["channels"] = list(coder.sizes.channels)
    rng = np.random.default_rng(0)
    chosen = [training(digits)[i] for i in rng.integers(len(training(digits)), size=8)]
    audio = np.concatenate([np.pad(d.audio, (0, BLOCK))[:BLOCK] for d in chosen])
    with written_aside(files, card, folder) as aside:
        card["export"] = check(net, Layout.read(files["latents.npz"]), audio, aside)


def _count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.digits.training.export")
    parser.add_argument("digits", type=Path, help="the Free Spoken Digit Dataset")
    parser.add_argument("run", type=Path, help="folder with autoencoder.pt and sound.pt")
    parser.add_argument("folder", type=Path, help="where the model's files go")
    parser.add_argument(
        "--card",
        type=Path,
        default=Path(__file__).with_name("vae-digits.card.yaml"),
        help="the parts of the card that a person writes: id, number, data, licences",
    )
    args = parser.parse_args(argv)
    card = yaml.safe_load(args.card.read_text(encoding="utf-8"))
    net, spectra = load_run(args.run), load_autoencoder(args.run)
    export(net, spectra, read_digits(args.digits), args.folder, card)
    for name in LOGS:
        shutil.copy(args.run / name, args.folder / name)
    draw_learning(args.folder, args.folder / "learning.png")
    for path in sorted(args.folder.iterdir()):
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
