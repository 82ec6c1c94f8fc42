"""What became of a superframe on its way to the listener."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """The state of one superframe at the receiver; every one that is heard has exactly one."""

    CLEAN = "clean"
    """Arrived as it was sent: no bit had to be corrected."""

    CORRECTED = "corrected"
    """Error correction mended it and the CRC agrees."""

    SOFT = "soft"
    """The CRC fails; the speech decoder works from what is likely. It may be wrong."""

    CONCEALED = "concealed"
    """Lost, late or hopeless; the speech decoder fills the gap."""


LETTERS = {
    Status.CLEAN: "c",
    Status.CORRECTED: "k",
    Status.SOFT: "s",
    Status.CONCEALED: "x",
}
"""One letter for each, where many are written in a row."""
