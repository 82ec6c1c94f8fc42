"""A small recogniser of phones, and how alike two signals sound to it.

It learns what PocketSphinx hears (`phones`), by `train_listener`; a codec's training then listens
with it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicelink.models.errors import ParameterError
from voicelink.models.training.losses import magnitude, mel_filters
from voicelink.models.training.phones import PHONES

FILE = "listener.pt"
"""Its weights, in the cache of the corpus."""
HOP = 80


class _Block(nn.Module):
    """Mixes 30 ms, further apart by the dilation, then channels."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.mix = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.out = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(F.gelu(self.mix(self.norm(x))))


class Listener(nn.Module):
    """Speech (batch, samples) at 8 kHz to its phones' logits, one for each 10 ms; a phone is told
    from 170 ms around it."""

    BANDS, SIZE, WINDOW = 40, 256, 200
    DILATIONS = (1, 2, 3)

    def __init__(self, channels: int = 160) -> None:
        super().__init__()
        self.register_buffer("filters", mel_filters(self.SIZE, self.BANDS), persistent=False)
        window = F.pad(torch.hann_window(self.WINDOW), (28, 28))
        self.register_buffer("window", window, persistent=False)
        self.first = nn.Conv1d(self.BANDS, channels, 5, padding=2)
        self.blocks = nn.ModuleList(_Block(channels, d) for d in self.DILATIONS)
        self.norm = nn.GroupNorm(1, channels)
        self.last = nn.Conv1d(channels, len(PHONES), 1)

    def bands(self, audio: Tensor) -> Tensor:
        """Log-mel bands (batch, 40, samples / 80), of which level and colour are taken away."""
        rms = torch.sqrt(torch.mean(audio**2, dim=1, keepdim=True))
        audio = audio * (0.1 / torch.clamp(rms, min=0.002))
        # Hop i is about sample 80 i + 40, as that of a pitch track is.
        audio = F.pad(audio, (-HOP // 2, HOP // 2))
        spectrum = magnitude(audio, self.SIZE, HOP, self.window)[:, :, :-1]
        x = torch.log(self.filters @ spectrum + 3e-3)
        return x - x.mean(dim=2, keepdim=True)

    def hear(self, audio: Tensor) -> list[Tensor]:
        """What each layer makes of it, (batch, channels, samples / 80), the logits last."""
        x = F.gelu(self.first(self.bands(audio)))
        layers = []
        for block in self.blocks:
            x = block(x)
            layers.append(x)
        return [*layers, self.last(F.gelu(self.norm(x)))]

    def forward(self, audio: Tensor) -> Tensor:
        return self.hear(audio)[-1]


def unlike_phones(listener: Listener, output: Tensor, target: Tensor) -> Tensor:
    """How differently ``output`` (batch, samples) is heard from ``target``: the divergence of its
    phones' probabilities (Kullback-Leibler, of the target's, in nats for each 10 ms), and half of
    the layers' distance, relative to how much they change over time."""
    with torch.no_grad():
        *wanted, logits = listener.hear(target)
    *said, said_logits = listener.hear(output)
    wanted_log, said_log = (F.log_softmax(x, dim=1) for x in (logits, said_logits))
    divergence = (wanted_log.exp() * (wanted_log - said_log)).sum(1).mean()
    distance = sum(
        (a - b).abs().mean() / (b - b.mean(dim=(0, 2), keepdim=True)).abs().mean().clamp(min=1e-3)
        for a, b in zip(said, wanted, strict=True)
    )
    return divergence + 0.5 * distance / len(said)


def load_listener(cache: Path) -> Listener:
    """The trained recogniser of a corpus' cache; it learns no more.

    Raises:
        ParameterError: it was not trained yet.
    """
    path = cache / FILE
    if not path.exists():
        raise ParameterError(
            f"{path} is missing, and a stage with `phonemes` listens with it: make it with "
            f"python -m voicelink.models.training.train_listener --speech DIR --cache {cache}"
        )
    listener = Listener()
    listener.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return listener.eval().requires_grad_(False)
