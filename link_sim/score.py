"""How near what is heard comes to what was said, where both are known."""

from __future__ import annotations

import math

import numpy as np

from voicelink.models.errors import VoiceLinkError

SHOWN = ("estoi", "pesq")


def score(said: np.ndarray, heard: np.ndarray) -> dict[str, float | None]:
    """ESTOI and PESQ of aligned audio, each float32 (n,) at 8 kHz.

    None stands where a value cannot be had: its library is not installed, or there is too little
    speech to measure.
    """
    from voicelink.models.evaluation.measures import MEASURES

    result: dict[str, float | None] = {}
    for name in SHOWN:
        try:
            value = MEASURES[name](said, heard)
        except VoiceLinkError:
            value = math.nan
        result[name] = None if math.isnan(value) else round(value, 4)
    return result
