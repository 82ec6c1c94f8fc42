"""What several measures need: speech at 16 kHz, and results that are not computed twice."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import numpy as np

from voicelink.models.sizes import SAMPLE_RATE

WIDE_RATE = 16000
"""Hz: what measures and recognisers made for wide-band speech take."""

_T = TypeVar("_T")


def to_wide(audio: np.ndarray) -> np.ndarray:
    """Speech (n,) at 8 kHz as float32 (2 n,) at 16 kHz, within +-1, by soxr."""
    import soxr

    return np.clip(soxr.resample(audio.astype(np.float32), SAMPLE_RATE, WIDE_RATE), -1, 1)


def kept(count: int) -> Callable[[Callable[[np.ndarray], _T]], Callable[[np.ndarray], _T]]:
    """Decorator: what a function of audio gave is kept for the ``count`` recordings last used.

    Every codec is measured against the same references, and some measures read several values off
    one analysis.

    >>> calls = []
    >>> @kept(1)
    ... def length(audio):
    ...     calls.append(audio)
    ...     return len(audio)
    >>> length(np.zeros(3)), length(np.zeros(3)), len(calls)
    (3, 3, 1)
    """

    def decorate(function: Callable[[np.ndarray], _T]) -> Callable[[np.ndarray], _T]:
        results: OrderedDict[bytes, _T] = OrderedDict()

        @wraps(function)
        def look_up(audio: np.ndarray) -> _T:
            audio = np.ascontiguousarray(audio)
            key = hashlib.blake2b(audio, person=audio.dtype.str.encode()).digest()
            if key not in results:
                results[key] = function(audio)
                if len(results) > count:
                    results.popitem(last=False)
            results.move_to_end(key)
            return results[key]

        return look_up

    return decorate
