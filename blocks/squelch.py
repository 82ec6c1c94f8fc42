"""Noise stays silent: what has to come before anything is heard."""

from __future__ import annotations

from voicelink.blocks.link import LinkFrame
from voicelink.blocks.status import Status
from voicelink.models.errors import require

HOLD = 8
"""Frames in a row that nothing confirms, after which it closes."""

_CONFIRMED = (Status.CLEAN, Status.CORRECTED)


class Squelch:
    """Opens with a frame whose CRC is right, or that a demodulator is sure of, and lets through
    what follows, also damaged, until the over ends or nothing has been confirmed for a while.

    Args:
        hold: frames in a row that may be unconfirmed, 0 to 1000.

    Attributes:
        open: whether it is.
        kept: frames that were not let through.
    """

    def __init__(self, hold: int = HOLD) -> None:
        self._hold = int(require("hold", hold, 0, 1000))
        self.kept = 0
        self.reset()

    def reset(self) -> None:
        """Close."""
        self.open = False
        self._missed = 0

    def passes(self, frame: LinkFrame, confirmed: bool = False) -> bool:
        """Whether the frame is to be heard.

        Args:
            frame: what came.
            confirmed: whether whoever received it is sure that it is one.
        """
        if frame.status in _CONFIRMED or confirmed:
            self.open, self._missed = not frame.over_ended, 0
            return True
        self._missed += 1
        if self._missed > self._hold:
            self.open = False
        self.kept += not self.open
        return self.open
