"""Push-to-talk by a control line of a serial port."""

from __future__ import annotations

import contextlib
import termios

from voicelink.blocks.ptt import Ptt
from voicelink.models.errors import ParameterError, TransportError, one_line, one_of

LINES = ("rts", "dtr")

_FAILURES = (OSError, termios.error)  # a SerialException is an OSError


class SerialPtt(Ptt):
    """Keys a transmitter by RTS or DTR; both lines are off before and after.

    Args:
        port: the device, as in /dev/ttyUSB0, or with ``:rts`` (default) or ``:dtr``.

    Raises:
        ParameterError: pyserial is not installed, or there is no such line.
        TransportError: the port cannot be opened.
    """

    def __init__(self, port: str) -> None:
        super().__init__()
        name, colon, line = port.rpartition(":")
        if not colon:
            name, line = port, "rts"
        self._line = one_of("the line of a serial port", line.lower(), LINES)
        try:
            import serial
        except ImportError:
            raise ParameterError(
                "serial push-to-talk needs pyserial: pip install '.[serial]'"
            ) from None
        self._name, self._serial = name, serial.Serial()
        self._serial.port = name
        self._open()

    def key(self, on: bool) -> None:
        self.keyed = self.keyed or on
        try:
            if not self._serial.is_open:
                self._open()
            setattr(self._serial, self._line, on)
        except _FAILURES as error:
            with contextlib.suppress(*_FAILURES):
                self._serial.close()
            raise TransportError(f"serial port {self._name}: {error}") from None
        self.keyed = on

    def close(self) -> None:
        if self.keyed:
            with contextlib.suppress(TransportError):
                self.key(False)
        with contextlib.suppress(*_FAILURES):
            self._serial.close()

    def _open(self) -> None:
        try:
            # Before it is opened, or it would key for a moment; also where it was on before.
            self._serial.rts = self._serial.dtr = False
            self._serial.open()
        except _FAILURES as error:
            raise TransportError(f"serial port {self._name}: {one_line(error)}") from None
