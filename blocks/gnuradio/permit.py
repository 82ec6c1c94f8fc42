"""Who may transmit: with an explicit word, and under a callsign."""

from __future__ import annotations

from voicelink.blocks.gnuradio.device import is_file
from voicelink.blocks.transmit import own_callsign
from voicelink.models.errors import ParameterError, true_or_false


def permit(device: str, transmit: bool, callsign: str) -> None:
    """Refuse to send, unless it is into a file or everything is there that sending needs.

    Args:
        device: as `voicelink.blocks.gnuradio.device` lists them.
        transmit: whether it is meant to go on the air.
        callsign: the station's.

    Raises:
        ParameterError: it is not meant to, there is no callsign, or it is none of a station.

    >>> permit("file:over.cf32", False, "")
    >>> permit("uhd:", True, "AB1CD/P")
    """
    if is_file(device):
        return
    if not true_or_false("transmit", transmit):
        raise ParameterError(
            f"{device} is not sent with unless transmit says so; file:over.cf32 is for a dry run"
        )
    own_callsign(callsign)
