"""What training compares: spectra at several resolutions, and the discriminators' opinions."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicelink.models.sizes import SAMPLE_RATE


def magnitude(audio: Tensor, size: int, hop: int, window: Tensor) -> Tensor:
    """STFT magnitudes (batch, bins, time), smooth at zero, where a modulus has no gradient."""
    spectrum = torch.view_as_real(
        torch.stft(audio, size, hop, window=window, center=True, return_complex=True)
    )
    return torch.sqrt(spectrum[..., 0] ** 2 + spectrum[..., 1] ** 2 + 1e-9)


def mel_filters(size: int, bands: int, low: float = 0, high: float = SAMPLE_RATE / 2) -> Tensor:
    """Triangular filters (bands, bins) evenly spaced in mel (2595 log10(1 + f/700)), from ``low``
    to ``high`` in Hz; of those beyond half the sample rate nothing is heard."""
    first, last = (2595 * math.log10(1 + f / 700) for f in (low, high))
    edges = 700 * (10 ** (torch.linspace(first, last, bands + 2) / 2595) - 1)
    bins = torch.arange(size // 2 + 1) * (SAMPLE_RATE / size)
    up = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    filters = torch.clamp(torch.minimum(up, down), min=0)
    return filters / torch.clamp(filters.sum(dim=1, keepdim=True), min=1e-3)


class SpectralLoss(nn.Module):
    """Log-mel distances at five resolutions, log-STFT and spectral convergence at three.

    Clips are brought to one level first, so that a quiet voice counts as much as a loud one.
    """

    MEL = ((64, 6), (128, 12), (256, 24), (512, 48), (1024, 80))
    STFT = (160, 400, 800)

    def __init__(self) -> None:
        super().__init__()
        for size, bands in self.MEL:
            self.register_buffer(f"mel{size}", mel_filters(size, bands))
            self.register_buffer(f"window{size}", torch.hann_window(size))
        for size in self.STFT:
            self.register_buffer(f"window{size}", torch.hann_window(size))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        rms = torch.sqrt(torch.mean(target**2, dim=1, keepdim=True))
        gain = 0.1 / torch.clamp(rms, min=0.002)
        output, target = output * gain, target * gain
        total = output.new_zeros(())
        for size, _ in self.MEL:
            window = getattr(self, f"window{size}")
            filters = getattr(self, f"mel{size}")
            a = torch.log(filters @ magnitude(output, size, size // 4, window) + 1e-3)
            b = torch.log(filters @ magnitude(target, size, size // 4, window) + 1e-3)
            total = total + F.l1_loss(a, b) / len(self.MEL)
        for size in self.STFT:
            window = getattr(self, f"window{size}")
            a = magnitude(output, size, size // 4, window)
            b = magnitude(target, size, size // 4, window)
            # Normalised over the batch: per clip, silence would divide by nothing.
            convergence = torch.sqrt(((a - b) ** 2).sum() / (b**2).sum())
            total = total + 0.2 * convergence / len(self.STFT)
            total = total + 0.2 * F.l1_loss(torch.log(a + 3e-3), torch.log(b + 3e-3)) / len(
                self.STFT
            )
        return total


class Intelligibility(nn.Module):
    """How far a clip is from being understood: 1 less a differentiable ESTOI, 0..2.

    Jensen & Taal, IEEE/ACM Trans. Audio, Speech, Lang. Process. 24(11), 2016, at 8 kHz: third
    octaves from 150 Hz, frames of 25.6 ms, segments of 30 of them whose rows, then columns, have
    their mean removed and are brought to one length; the mean product of both signals' columns.
    Segments count by how much of them is speech, where the measure leaves silent frames out.
    """

    WINDOW, HOP, SIZE, BANDS, SEGMENT = 205, 102, 512, 15, 30

    def __init__(self) -> None:
        super().__init__()
        centre = 150 * 2 ** (torch.arange(self.BANDS) / 3)
        bins = torch.arange(self.SIZE // 2 + 1) * (SAMPLE_RATE / self.SIZE)
        below, above = centre[:, None] * 2 ** (-1 / 6), centre[:, None] * 2 ** (1 / 6)
        self.register_buffer("bands", ((bins >= below) & (bins < above)).float())
        self.register_buffer("window", torch.hann_window(self.WINDOW))

    def _segments(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised segments (batch, count, bands, 30), and each frame's power."""
        power = magnitude(audio, self.SIZE, self.HOP, F.pad(self.window, (153, 154))) ** 2
        envelopes = torch.sqrt(self.bands @ power + 1e-6)
        x = envelopes.unfold(2, self.SEGMENT, 1).transpose(1, 2)
        for axis in (3, 2):
            x = x - x.mean(axis, keepdim=True)
            x = x / torch.sqrt((x**2).sum(axis, keepdim=True) + 1e-6)
        return x, power.sum(1)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        gain = 0.1 / torch.clamp(torch.sqrt(torch.mean(target**2, 1, keepdim=True)), min=0.002)
        said, _ = self._segments(output * gain)
        wanted, power = self._segments(target * gain)
        # Frames more than 40 dB below the loudest are silence.
        speech = (power > 1e-4 * power.amax(1, keepdim=True)).float()
        weight = speech.unfold(1, self.SEGMENT, 1).mean(2) ** 2
        likeness = (said * wanted).sum(2).mean(2)
        return 1 - (weight * likeness).sum() / weight.sum().clamp(min=1)


class Loudness(nn.Module):
    """How much louder or fainter it is in each critical band, as PESQ weighs it (ITU-T P.862).

    Frames of 32 ms, bands evenly spaced in Bark (Traunmueller, JASA 88(1), 1990) through a handset,
    Zwicker's loudness over the threshold in quiet (Terhardt, Hearing Research 1(2), 1979). What is
    within a quarter of the loudness is not heard; what was added counts more than what is missing.
    Unlike PESQ it takes no response of the whole recording away.
    """

    SIZE, BANDS = 256, 42
    LOWEST, HIGHEST = 100.0, 3700.0  # Hz
    SPEECH_DB = 79.0  # sound pressure
    POWER, DEAD, ADDED = 0.23, 0.25, 0.3

    def __init__(self) -> None:
        super().__init__()
        low, high = (26.81 * f / (1960 + f) - 0.53 for f in (self.LOWEST, self.HIGHEST))
        step = (high - low) / (self.BANDS - 1)
        width = SAMPLE_RATE / self.SIZE
        f = torch.arange(self.SIZE // 2 + 1) * width
        bark = 26.81 * f / (1960 + f) - 0.53
        reach = torch.clamp(26.81 * 1960 / (1960 + f) ** 2 * width, min=step)
        centre = low + step * torch.arange(self.BANDS)[:, None]
        bands = torch.clamp(1 - (bark - centre).abs() / reach, min=0)
        bands = bands / bands.sum(dim=0).clamp(min=1e-3)
        # A handset: 12 dB an octave below 300 Hz, and steep above 3.2 kHz.
        handset = -12 * torch.log2(300 / f.clamp(min=20)).clamp(min=0)
        handset = handset - (f - 3200).clamp(min=0) / 20
        self.register_buffer("bands", bands * 10 ** (handset / 10))
        khz = 1.96 * (centre + 0.53) / (26.28 - centre)
        quiet = 3.64 * khz**-0.8 - 6.5 * torch.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
        self.register_buffer("quiet", 10 ** (quiet / 10))
        self.register_buffer("window", torch.hann_window(self.SIZE))

    def _bands(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Power and loudness (batch, bands, time)."""
        power = self.bands @ magnitude(audio, self.SIZE, self.SIZE // 2, self.window) ** 2
        full = self.window.square().sum() * self.SIZE / 2
        power = power * (10 ** (self.SPEECH_DB / 10) / full)
        least = (self.quiet / 0.5) ** self.POWER
        return power, least * ((0.5 + 0.5 * power / self.quiet) ** self.POWER - 1)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        rms = torch.sqrt(torch.mean(target**2, dim=1, keepdim=True)).clamp(min=0.002)
        (said, loud), (wanted, right) = self._bands(output / rms), self._bands(target / rms)
        away = (loud - right).abs() - self.DEAD * torch.minimum(loud, right)
        away = torch.clamp(away, min=0)
        added = ((said.detach() + 1e4) / (wanted + 1e4)) ** 1.2
        added = torch.where(added < 3, 0, added.clamp(max=12))
        frames = torch.sqrt((away**2).mean(dim=1) + 1e-3) + self.ADDED * (away * added).mean(dim=1)
        weight = wanted.sum(dim=1).clamp(min=1e3) ** 0.04
        return (frames * weight).sum() / weight.sum()


class Cepstra(nn.Module):
    """How differently a recogniser's features move: mean distance of mel cepstra, of their first
    and of their second differences, in standard deviations of what is wanted.

    The features of CMU Sphinx (feat "1s_c_d_dd", its mean over the recording taken away): 13
    cepstra each 10 ms, of 25 mel filters from 130 to 6800 Hz of which 20 lie below 4 kHz. Pauses
    count as much as speech, down to the noise of 16-bit samples.
    """

    SIZE, WINDOW, HOP, FILTERS, HEARD, CEPSTRA = 256, 205, 80, 25, 20, 13
    LOWEST, HIGHEST = 130.0, 6800.0  # Hz

    def __init__(self) -> None:
        super().__init__()
        filters = mel_filters(self.SIZE, self.FILTERS, self.LOWEST, self.HIGHEST)
        n, k = torch.arange(self.HEARD), torch.arange(self.CEPSTRA)
        # The filters above hear the same in all frames, which the mean takes away.
        cosines = torch.cos(torch.pi * k[:, None] * (n + 0.5) / self.FILTERS)
        window = torch.hamming_window(self.WINDOW, periodic=False)
        self.register_buffer("filters", filters[: self.HEARD])
        self.register_buffer("cosines", cosines)
        self.register_buffer("window", F.pad(window, (25, 26)))
        self.register_buffer("noise", window.square().sum() / 12 / 32768**2)

    def _features(self, audio: Tensor) -> Tensor:
        """(batch, 39, time)"""
        power = self.filters @ magnitude(audio, self.SIZE, self.HOP, self.window) ** 2
        still = self.cosines @ torch.log(power + self.noise)
        still = still - still.mean(2, keepdim=True)
        first = still[:, :, 4:] - still[:, :, :-4]
        second = first[:, :, 2:] - first[:, :, :-2]
        return torch.cat([still[:, :, 3:-3], first[:, :, 1:-1], second], dim=1)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Of clips (batch, samples), 70 ms at least, within +-1 at the level that is heard."""
        said, wanted = self._features(output), self._features(target)
        spread = torch.sqrt(wanted.square().mean((0, 2), keepdim=True)).clamp(min=1e-3)
        return ((said - wanted).abs() / spread).mean()


def pitch_loss(octaves: Tensor, voicing: Tensor, pitch: Tensor) -> Tensor:
    """How far off the decoder's idea of the pitch is, where there is one, and of the voicing.

    Args:
        octaves: pitch over 55 Hz, (batch, time).
        voicing: its logit, (batch, time).
        pitch: Hz, 0 where unvoiced, (batch, time).
    """
    voiced = (pitch > 0).float()
    wanted = torch.log2(torch.clamp(pitch, min=55) / 55)
    away = (voiced * (octaves - wanted).abs()).sum() / torch.clamp(voiced.sum(), min=1)
    return away + 0.1 * F.binary_cross_entropy_with_logits(voicing, voiced)


def hinge_discriminator(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Hinge loss of the discriminators (Lim & Ye, 2017), averaged over them."""
    return sum(
        F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake, strict=True)
    ) / len(real)


def hinge_generator(fake: list[Tensor]) -> Tensor:
    return sum(F.relu(1 - f).mean() for f in fake) / len(fake)


def feature_matching(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Mean absolute distance of the discriminators' features, relative to their size."""
    total, count = 0.0, 0
    for a, b in zip(real, fake, strict=True):
        for x, y in zip(a, b, strict=True):
            x = x.detach()
            total = total + (y - x).abs().mean() / (x.abs().mean() + 1e-3)
            count += 1
    return total / count
