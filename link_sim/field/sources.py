"""Where live samples come from: standard input, ZeroMQ, SoapySDR devices, sound cards.

A source hands on whole samples as bytes, in the number format in which it has them, so that a
recording is exactly what was received.
"""

from __future__ import annotations

import os
import select
import sys
from typing import BinaryIO, Protocol

from voicelink.link_sim.field.samples import SampleFormat

_WAIT = 0.2


class SourceLost(Exception):
    """The source has gone, as where a cable was pulled; it may come back."""


class SamplesLost(Exception):
    """The source goes on, but some samples never came out of it."""


class Source(Protocol):
    """What a `Feed` reads.

    Attributes:
        format, rate: of the samples; the rate in samples/s.
        frequency: Hz that the middle of the I/Q stands for; None where that is not known.
        hardware: what it is, for people.
        live: whether it goes on whether or not somebody reads it.
    """

    format: SampleFormat
    rate: float
    frequency: float | None
    hardware: str
    live: bool

    def open(self) -> None:
        """Begin.

        Raises:
            SourceLost: it is not there.
            ParameterError: it will never be there as it is asked for.
        """

    def read(self) -> bytes | None:
        """The next samples; empty where none came for a moment, None at the end of all.

        Raises:
            SourceLost, SamplesLost.
        """

    def close(self) -> None:
        """End; twice is fine."""


class PipeSource:
    """Raw samples from a pipe.

    Args:
        form: their number format.
        rate: samples/s.
        frequency: Hz that the middle stands for; None where that is not known.
        file: where they come from; standard input by default.
    """

    live = False

    def __init__(
        self,
        form: SampleFormat,
        rate: float,
        frequency: float | None = None,
        file: BinaryIO | None = None,
    ) -> None:
        self.format, self.rate, self.frequency = form, rate, frequency
        self.hardware = "standard input"
        self._file = file
        self._held = b""
        # A tenth of a second at most.
        self._most = max(1, int(rate / 10)) * form.bytes

    def open(self) -> None:
        self._file = self._file or sys.stdin.buffer
        try:
            self._number = self._file.fileno()
        except (AttributeError, OSError):  # no file of the system's, as in tests
            self._number = None

    def read(self) -> bytes | None:
        if self._number is None:
            data = self._file.read(self._most)
        # Not through Python's buffer, whose lock a thread that waits would hold to the end.
        elif not select.select([self._number], [], [], _WAIT)[0]:
            return b""
        else:
            data = os.read(self._number, self._most)
        if not data:
            return None
        data = self._held + data
        whole = len(data) // self.format.bytes * self.format.bytes
        self._held = data[whole:]
        return data[:whole]

    def close(self) -> None:
        pass


class ZmqSource:
    """Raw samples from GNU Radio's ZMQ PUB or PUSH Sink (tags off) over ZeroMQ.

    Args:
        address: as ``tcp://127.0.0.1:5557``.
        form, rate, frequency: as `PipeSource`.
        pattern: ``sub`` or ``pull``.
        bind: wait at the address; else connect to it.
        keys, allow_remote: as `voicelink.blocks.zeromq.FrameReceiver`.
    """

    live = True

    def __init__(
        self,
        address: str,
        form: SampleFormat,
        rate: float,
        frequency: float | None = None,
        pattern: str = "sub",
        bind: bool = False,
        keys=None,
        allow_remote: bool = False,
    ) -> None:
        self.format, self.rate, self.frequency = form, rate, frequency
        self.hardware = f"ZeroMQ {address}"
        self._settings = (address, pattern, bind, keys, allow_remote)
        self._socket = None

    def open(self) -> None:
        from voicelink.link_sim.field.zeromq_samples import SampleSocket

        self._socket = SampleSocket(*self._settings)

    def read(self) -> bytes | None:
        message = self._socket.receive(_WAIT)
        if len(message) % self.format.bytes:
            raise SamplesLost(f"a message of {len(message)} bytes holds no whole samples")
        return message

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
