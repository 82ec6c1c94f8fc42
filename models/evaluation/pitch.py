"""Errors of pitch and voicing, by Praat."""

from __future__ import annotations

import numpy as np

from voicelink.models.evaluation.shared import kept
from voicelink.models.sizes import SAMPLE_RATE

_LOW, _HIGH = 60, 450  # Hz
_SHORTEST = SAMPLE_RATE // 4


@kept(4)
def _pitch(audio: np.ndarray) -> np.ndarray:
    """Hz every 10 ms, 0 where unvoiced: Praat's autocorrelation method (Boersma, 1993)."""
    import parselmouth

    sound = parselmouth.Sound(audio.astype(np.float64), SAMPLE_RATE)
    track = sound.to_pitch_ac(time_step=0.01, pitch_floor=_LOW, pitch_ceiling=_HIGH)
    return track.selected_array["frequency"]


def _pitches(reference: np.ndarray, decoded: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The pitch of both; None where there is nothing to measure: too short, decoded to silence."""
    if len(reference) < _SHORTEST or not decoded.any():
        return None
    return _pitch(reference), _pitch(decoded)


def pitch_error(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Gross pitch errors in per cent: of the frames that are voiced in both, how many have a pitch
    that is off by more than 20 % (Chu & Alwan, ICASSP 2009)."""
    pitches = _pitches(reference, decoded)
    if pitches is None:
        return float("nan")
    wanted, found = pitches
    both = (wanted > 0) & (found > 0)
    if not both.any():
        return float("nan")
    return 100 * float(np.mean(np.abs(found[both] / wanted[both] - 1) > 0.2))


def voicing_error(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Voicing decision errors in per cent of all frames (Chu & Alwan, ICASSP 2009)."""
    pitches = _pitches(reference, decoded)
    if pitches is None:
        return float("nan")
    wanted, found = pitches
    return 100 * float(np.mean((wanted > 0) != (found > 0)))
