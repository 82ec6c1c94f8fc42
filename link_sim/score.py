"""How near what is heard comes to what was said, where both are known."""

from __future__ import annotations

import math

import numpy as np

from voicelink.models.errors import VoiceLinkError

SHOWN = ("estoi", "pesq")


def score(said: np.ndarray, heard: np.ndarray) -> dict[str, float | str]:
    """ESTOI and PESQ of aligned audio, each float32 (n,) at 8 kHz.

    A value that cannot be had is a text that says why: its library is not installed, or there is
    too little speech to measure.
    """
    from voicelink.models.evaluation.measures import MEASURES

    result: dict[str, float | str] = {}
    for name in SHOWN:
        try:
            value = MEASURES[name](said, heard)
        except VoiceLinkError as error:
            result[name] = str(error)
        else:
            result[name] = "too little speech to measure" if math.isnan(value) else round(value, 4)
    return result
