"""A recogniser of spoken digits, trained on recordings as they are, to measure what a codec leaves:
``python -m voicelink.models.digits.training.recogniser --help``.
"""

from __future__ import annotations

import argparse
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicelink.models.digits.data import Digit, changed, held_out, read_digits, training
from voicelink.models.digits.recognise import LENGTH, RECOGNISER
from voicelink.models.files import writing
from voicelink.models.training.losses import mel_filters
from voicelink.models.training.networks import BINS, HOP, WINDOW, Fourier

BANDS = 40


class Recogniser(nn.Module):
    """Audio (batch, 7680) to the digits' scores (batch, 10): log-mel, three convolutions."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.register_buffer("waves", Fourier().analysis().T[:, None].contiguous())
        self.register_buffer("mel", mel_filters(WINDOW, BANDS))
        widths = [1, width, 2 * width, 3 * width]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]
            layers += [nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(2 * 3 * width, 10)

    def features(self, audio: Tensor) -> Tensor:
        """Log-mel, (batch, 1, 40, 93), of which 0 is the loudest and -1 what is 60 dB below."""
        spectrum = F.conv1d(audio[:, None], self.waves, stride=HOP)
        power = spectrum[:, :BINS] ** 2 + spectrum[:, BINS:] ** 2
        bands = 10 * torch.log10(self.mel @ power + 1e-7)
        loudest = bands.amax((1, 2), keepdim=True)
        return (torch.maximum(bands, loudest - 60) - loudest)[:, None] / 60

    def judged(self, features: Tensor) -> Tensor:
        x = self.layers(features)
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)
        return self.head(F.dropout(x, 0.3, self.training))

    def forward(self, audio: Tensor) -> Tensor:
        return self.judged(self.features(audio))


def _batch(digits: list[Digit], items: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Recordings by other mouths, faster or slower, somewhere in a second."""
    chosen = [digits[i] for i in rng.integers(len(digits), size=items)]
    out = np.zeros((items, LENGTH), np.float32)
    for row, each in zip(out, chosen, strict=True):
        audio = changed(each.audio, rng, 0.3)[:LENGTH]
        start = int(rng.integers(0, max(1, min(2400, LENGTH - len(audio) + 1))))
        row[start : start + len(audio)] = audio
        level = np.sqrt(np.mean(audio**2)) + 1e-6
        row *= 0.05 / level
        row += rng.standard_normal(LENGTH) * 0.05 * 10 ** rng.uniform(-3.5, -1.2)
    return torch.from_numpy(out), torch.tensor([d.digit for d in chosen])


def _masked(features: Tensor, rng: np.random.Generator) -> Tensor:
    """Tempo apart from pitch, and stripes of both axes left out (Park et al., Interspeech 2019)."""
    frames = features.shape[3]
    wanted = int(frames * np.exp(rng.uniform(-0.25, 0.25)))
    features = F.interpolate(features, size=(BANDS, wanted), mode="bilinear")
    features = F.pad(features, (0, max(0, frames - wanted)), value=-1)[..., :frames].clone()
    for axis, most in ((2, 6), (3, 14)):
        width = int(rng.integers(0, most))
        start = int(rng.integers(0, features.shape[axis] - width))
        features.narrow(axis, start, width).fill_(-1)
    return features


def train(digits: list[Digit], steps: int, seed: int, items: int = 48) -> Recogniser:
    """A recogniser that has heard all speakers but the one held out."""
    torch.manual_seed(seed)
    net = Recogniser()
    known = training(digits)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        rng = np.random.default_rng([seed, step])
        audio, digit = _batch(known, items, rng)
        with torch.no_grad():
            features = _masked(net.features(audio), rng)
        loss = F.cross_entropy(net.judged(features), digit, label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % 100 == 0:
            print(step + 1, round(loss.item(), 4), flush=True)
    return net.eval()


def exported(net: Recogniser) -> bytes:
    """The ONNX graph, its weights in 16 bits."""
    from voicelink.models.training.export import halve

    file = io.BytesIO()
    torch.onnx.export(
        net.eval(),
        (torch.zeros(2, LENGTH),),
        file,
        input_names=["audio"],
        output_names=["scores"],
        dynamic_axes={"audio": {0: "batch"}, "scores": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    return halve(file.getvalue())


def main(argv: list[str] | None = None) -> None:
    from voicelink.models.digits.recognise import accuracy, padded

    parser = argparse.ArgumentParser(prog="python -m voicelink.models.digits.training.recogniser")
    parser.add_argument("digits", type=Path, help="the Free Spoken Digit Dataset")
    parser.add_argument("--out", type=Path, default=RECOGNISER, help="the ONNX graph to write")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args(argv)
    digits = read_digits(args.digits)
    net = train(digits, args.steps, args.seed)
    with writing(args.out) as part:
        part.write_bytes(exported(net))
    test = held_out(digits)
    with torch.inference_mode():
        audio = torch.from_numpy(np.stack([padded(d.audio) for d in test]))
        scores = net(audio).numpy()
    print(accuracy(np.array([d.digit for d in test]), scores.argmax(axis=1)))


if __name__ == "__main__":
    main()
