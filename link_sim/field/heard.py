"""What is heard of frames, for a file: over after over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voicelink.blocks.status import Status
from voicelink.link_sim.field.listener import Frame
from voicelink.models.sizes import SAMPLE_RATE

PAUSE = 0.4
"""Seconds of silence between two overs."""


class Heard:
    """Puts the speech of frames together.

    What is concealed waits until speech follows: an over whose last frames were lost does not end
    with seconds of nothing.

    Args:
        write: called with float32 (n,), 8 kHz.
        delay: samples that are cut from the front of each over: the codec's delay.
    """

    def __init__(self, write: Callable[[np.ndarray], object], delay: int) -> None:
        self._write = write
        self._delay = delay
        self._skip = 0
        self._over: int | None = None
        self._held: list[np.ndarray] = []

    def add(self, frame: Frame) -> None:
        """The next frame; of what is not heard nothing is written."""
        if not len(frame.audio):
            return
        if frame.over != self._over:
            if self._over is not None:
                self._write(np.zeros(round(PAUSE * SAMPLE_RATE), np.float32))
            self._over, self._skip, self._held = frame.over, self._delay, []
        self._held.append(frame.audio)
        if frame.status != Status.CONCEALED.value:
            audio = np.concatenate(self._held)
            self._write(audio[self._skip :])
            self._skip, self._held = max(0, self._skip - len(audio)), []
