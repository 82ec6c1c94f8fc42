"""Conditions of the input: its level, and noise behind the speaker."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from voicelink.models.errors import ParameterError, require
from voicelink.models.sizes import SAMPLE_RATE

if TYPE_CHECKING:
    from voicelink.models.evaluation.evaluate import Recording

LOWEST_LEVEL, HIGHEST_LEVEL = -80, 0  # dBFS
LOWEST_SNR, HIGHEST_SNR = -20, 80  # dB
LARGEST_SEED = 2**32 - 1

_FRAME = SAMPLE_RATE // 50
_ACTIVE = 1e-3


def active_power(speech: np.ndarray) -> float:
    """Mean power of speech (n,), pauses left out: of the frames of 20 ms within 30 dB of the
    loudest; 0 for silence and under 20 ms."""
    frames = speech[: len(speech) // _FRAME * _FRAME].astype(np.float64).reshape(-1, _FRAME)
    powers = np.square(frames).mean(1)
    if not powers.any():
        return 0.0
    return float(powers[powers > _ACTIVE * powers.max()].mean())


def at_level(speech: np.ndarray, level: float) -> np.ndarray:
    """Speech (n,) with an RMS of ``level`` dBFS, 0 dBFS being an RMS of 1, clipped at +-1."""
    rms = np.sqrt(np.mean(np.square(speech, dtype=np.float64)))
    if rms == 0:
        return speech
    return np.clip(speech * (10 ** (level / 20) / rms), -1, 1).astype(np.float32)


@dataclass(frozen=True)
class Condition:
    """What is done to recordings before codecs hear them: first the level, then the noise.

    The noise of each recording is drawn by the seed and the recording's number: one of the noises,
    from anywhere in it, round and round. What codecs are measured against has the level and not
    the noise.

    Attributes:
        level: RMS in dBFS; None leaves each recording's own.
        snr: of the active speech to the noise, dB; None for no noise.
        noises: the noises by name, each float32 (n,) at 8 kHz.
        seed: 0 to 2^32 - 1.

    Raises:
        ParameterError: a number is out of range, an SNR has no noise or noises no SNR, or a noise
            is silent.
    """

    level: float | None = None
    snr: float | None = None
    noises: dict[str, np.ndarray] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.level is not None:
            require("level", self.level, LOWEST_LEVEL, HIGHEST_LEVEL)
        if self.snr is not None:
            require("snr", self.snr, LOWEST_SNR, HIGHEST_SNR)
        require("seed", self.seed, 0, LARGEST_SEED)
        if (self.snr is None) != (not self.noises):
            raise ParameterError("snr and noises must be given together")
        for name, noise in self.noises.items():
            if not noise.any():
                raise ParameterError(f"noises must be heard, but {name} is silent")

    @property
    def plain(self) -> bool:
        """Whether recordings stay as they are."""
        return self.level is None and self.snr is None

    def __str__(self) -> str:
        """
        >>> print(Condition(level=-30))
        level -30 dBFS
        """
        parts = []
        if self.level is not None:
            parts.append(f"level {self.level:g} dBFS")
        if self.snr is not None:
            parts.append(f"noise at {self.snr:g} dB SNR")
        return ", ".join(parts) or "as recorded"

    def settings(self) -> dict:
        """All of it, for a file of results."""
        return {
            "level": self.level,
            "snr": self.snr,
            "noises": list(self.noises),
            "seed": self.seed,
        }

    def noise(self, speech: np.ndarray, number: int) -> np.ndarray:
        """The noise (n,) to add to the recording ``speech`` (n,) of this number."""
        power = active_power(speech)
        if power == 0:
            return np.zeros_like(speech)
        generator = np.random.default_rng([self.seed, number])
        drawn = list(self.noises.values())[generator.integers(len(self.noises))]
        start = generator.integers(len(drawn))
        drawn = drawn.take(np.arange(start, start + len(speech)), mode="wrap").astype(np.float64)
        drawn_power = np.mean(np.square(drawn))
        if drawn_power == 0:
            raise ParameterError("noises must be heard throughout, but one has a silent stretch")
        return drawn * np.sqrt(power / drawn_power / 10 ** (self.snr / 10))

    def applied(self, recording: Recording, number: int) -> Recording:
        """A recording as the codecs hear it; what goes beyond +-1 is clipped."""
        audio = recording.audio
        if self.level is not None:
            audio = at_level(audio, self.level)
        heard = None
        if self.snr is not None:
            heard = np.clip(audio + self.noise(audio, number), -1, 1).astype(np.float32)
        return replace(recording, audio=audio, heard=heard)
