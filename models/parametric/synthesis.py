"""Speech of parameters by a source and a filter: what the neural voice is compared with.

Pulses at the pitch and white noise, both of one power density, are mixed in each band as the
voicing says and go through the envelope's filter of least phase, 40 ms at a time.
"""

from __future__ import annotations

import numpy as np

from voicelink.models.parametric.analysis import CENTRES, DELAY, HOP, MIDDLE, POINTS, mel
from voicelink.models.parametric.pitch import LOWEST
from voicelink.models.parametric.quantiser import Known, envelope_of
from voicelink.models.sizes import SAMPLE_RATE, SUPERFRAME_SAMPLES

WINDOW = 2 * HOP
_SIZE = 1024
"""Of the transforms: a window and the filter's answer do not wrap around."""
_FREQUENCIES = np.arange(_SIZE // 2 + 1) * (SAMPLE_RATE / _SIZE)
_AHEAD = DELAY + MIDDLE - HOP
"""Output sample at which the window of a superframe's first point begins."""
_DECAY_DB = 40.0
"""dB by which speech falls in a superframe of which nothing is known."""
_SEED = 700
_FADED_HZ = 250.0
"""Over how many Hz the mix goes from pulses to noise."""


class Synthesis:
    """Superframe after superframe of `Known` parameters to audio."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._noise = np.random.default_rng(_SEED)
        self._cycle = 0.0
        self._octaves = 1.0
        self._source = np.zeros((2, HOP))
        self._tail = np.zeros(_AHEAD + WINDOW + _SIZE)
        self._envelope = np.full(len(CENTRES), -90.0)
        self._voicing = 0.0

    def step(self, known: Known) -> np.ndarray:
        """Audio, float32 (2560,), of one superframe; it lags by `DELAY`."""
        envelope, octaves, voicing = self._followed(known)
        source = np.concatenate([self._source, self._excitation(octaves)], axis=1)
        self._source = source[:, -HOP:]
        window = np.hanning(WINDOW + 1)[:-1]
        out = np.concatenate([self._tail, np.zeros(SUPERFRAME_SAMPLES)])
        filters = _least_phase(envelope)
        shares = _pulses_share(voicing)
        for j in range(POINTS):
            pulses, noise = np.fft.rfft(source[:, HOP * j : HOP * j + WINDOW] * window, _SIZE)
            mixed = np.sqrt(shares[j]) * pulses + np.sqrt(1 - shares[j]) * noise
            start = _AHEAD + HOP * j
            out[start : start + _SIZE] += np.fft.irfft(mixed * filters[j], _SIZE)
        self._tail = out[SUPERFRAME_SAMPLES:]
        return np.clip(out[:SUPERFRAME_SAMPLES], -1, 1).astype(np.float32)

    def _followed(self, known: Known) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Envelope in dB, pitch in octaves and voicing of each point; what is not known goes on
        as it was and dies away."""
        new = envelope_of(known.level, known.shape)[0]
        # An expectation of little certainty is still a better guess than what was there before.
        sure = (known.shape_reliability[0] * known.level_reliability[0]) ** 0.25
        certain = known.voicing_reliability[0]
        envelope, voicing = np.empty(new.shape), np.empty(POINTS)
        for j in range(POINTS):
            before = np.maximum(self._envelope - _DECAY_DB / POINTS, -100)
            self._envelope = sure[j] * new[j] + (1 - sure[j]) * before
            self._voicing += certain[j] * (known.voicing[0, j] - self._voicing)
            envelope[j], voicing[j] = self._envelope, self._voicing
        held = np.where(known.pitch_reliability[0] > 0.5, known.pitch[0], self._octaves)
        return envelope, held, voicing

    def _excitation(self, octaves: np.ndarray) -> np.ndarray:
        """Pulses and noise, (2, 2560), from each point to the next; the pitch behind the last
        point is not known yet, and stays."""
        points = np.append(octaves, octaves[-1])
        at = np.arange(SUPERFRAME_SAMPLES) / HOP
        pitch = LOWEST * 2 ** np.interp(at, np.arange(POINTS + 1), points)
        self._octaves = octaves[-1]
        cycles = self._cycle + np.cumsum(pitch) / SAMPLE_RATE
        self._cycle = cycles[-1] % 1
        noise = self._noise.standard_normal(SUPERFRAME_SAMPLES)
        return np.stack([_pulses(cycles, pitch), noise])


def _pulses(cycles: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """All harmonics below half the sample rate at one amplitude (Dirichlet's kernel), their power
    density that of white noise of variance 1."""
    harmonics = np.floor(0.49 * SAMPLE_RATE / pitch)
    below = np.sin(np.pi * cycles)
    near = np.abs(below) < 1e-6
    peak = 2 * harmonics + 1
    kernel = np.sin(np.pi * peak * cycles) / np.where(near, 1, below)
    # Half the kernel is cosines of amplitude 1: a power of 1/2 for each `pitch` Hz.
    return 0.5 * (np.where(near, peak, kernel) - 1) * np.sqrt(4 * pitch / SAMPLE_RATE)


def _least_phase(envelope: np.ndarray) -> np.ndarray:
    """Spectra (points, bins) of the filters of least phase with these envelopes in dB, by the
    cepstrum folded to positive times."""
    places = mel(_FREQUENCIES)
    curve = np.stack([np.interp(places, mel(CENTRES), row) for row in envelope])
    cepstrum = np.fft.irfft(curve * (np.log(10) / 20), axis=1)
    cepstrum[:, 1 : _SIZE // 2] *= 2
    cepstrum[:, _SIZE // 2 + 1 :] = 0
    return np.exp(np.fft.rfft(cepstrum, axis=1))


def _pulses_share(voicing: np.ndarray) -> np.ndarray:
    """The pulses' share of the power, (points, bins): up to a frequency that rises with voicing,
    none in unvoiced points."""
    strength = np.clip((voicing - 0.3) / 0.6, 0, 1)[:, None]
    edge = 500 + 3200 * strength
    share = 1 / (1 + np.exp(np.clip((_FREQUENCIES - edge) / _FADED_HZ, -30, 30)))
    return np.minimum(1, 4 * strength) * share
