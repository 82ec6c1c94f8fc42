"""What keeps a station from transmitting what it must not: a permission, and a time-out timer."""

from __future__ import annotations

import math
import re

from voicelink.blocks.callsign import pack_callsign
from voicelink.models.errors import ParameterError, require, true_or_false

TIME_OUT = 180.0
"""Seconds that an over may last, unless another limit is set."""

PLACEHOLDER = "N0CALL"
"""The callsign of examples, which is nobody's."""


def permit(what: str, transmit: bool, callsign: str, flag: str = "transmit") -> str:
    """Refuse to key a transmitter unless that is meant, and under a callsign.

    Args:
        what: the device or line that would be keyed, for the message.
        transmit: the explicit word that it is meant.
        callsign: the station's own.
        flag: how the user gives that word, for the message.

    Returns:
        The callsign in capitals.

    Raises:
        ParameterError: it is not meant, or that is no station's callsign.

    >>> permit("the radio", True, "ab1cd/p")
    'AB1CD/P'
    """
    if not true_or_false("transmit", transmit):
        raise ParameterError(f"{what} is not keyed unless {flag} says that it may transmit")
    return own_callsign(callsign)


def own_callsign(callsign: str) -> str:
    """The callsign in capitals, if a station may have it.

    Raises:
        ParameterError: it is none, or the one of examples.
    """
    pack_callsign(callsign)
    call = callsign.strip().upper()
    # Such as a country in front and /P or -7 behind.
    parts = re.split(r"[-/. ]", call)
    whole = any(len(p) > 2 and re.search(r"\d", p) and re.search("[A-Z]", p) for p in parts)
    if not whole or PLACEHOLDER in parts:
        raise ParameterError(
            f"callsign must be the station's own, letters and digits, not {callsign!r}"
        )
    return call


class TimeOutTimer:
    """Ends an over that lasts too long, and refuses until the switch has been let go.

    Args:
        limit: seconds that an over may last, 1 to 600; None for no limit.

    Attributes:
        timed_out: whether it refuses now.
        count: how often it ended an over.

    >>> timer = TimeOutTimer(180)
    >>> [timer.update(True, now) for now in (0, 179, 180, 181)]
    [True, True, False, False]
    >>> timer.update(False, 182), timer.update(True, 183)
    (False, True)
    """

    def __init__(self, limit: float | None = TIME_OUT) -> None:
        self._limit = math.inf if limit is None else float(require("time-out", limit, 1, 600))
        self._began: float | None = None
        self.timed_out = False
        self.count = 0

    def update(self, wanted: bool, now: float) -> bool:
        """Whether to transmit.

        Args:
            wanted: whether the switch is pressed.
            now: seconds of a monotonic clock.
        """
        if not wanted:
            self._began, self.timed_out = None, False
            return False
        if self._began is None:
            self._began = now
        if now - self._began >= self._limit and not self.timed_out:
            self.timed_out = True
            self.count += 1
        return not self.timed_out

    def left(self, now: float) -> float:
        """Seconds until it ends the over that is going on, or would, if one began now."""
        return self._limit if self._began is None else max(0.0, self._began + self._limit - now)
