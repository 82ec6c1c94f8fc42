"""Push-to-talk through Hamlib's rigctld, over TCP."""

from __future__ import annotations

import contextlib
import socket

from voicelink.blocks.ptt import Ptt
from voicelink.models.errors import ParameterError, TransportError

PORT = 4532
TIMEOUT = 1.0
"""Seconds to wait for an answer."""


class RigPtt(Ptt):
    """Keys a transceiver by rigctld's ``T 1`` and ``T 0``, each answered by ``RPRT 0``.

    The connection is made anew where it broke.

    Args:
        address: HOST, or HOST:PORT; `PORT` unless given.

    Raises:
        ParameterError: it is no address.
        TransportError: nobody answers there.
    """

    def __init__(self, address: str = "localhost") -> None:
        super().__init__()
        host, _, port = address.rpartition(":") if ":" in address else (address, "", str(PORT))
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ParameterError(f"rigctld must be HOST or HOST:PORT, not {address!r}")
        self._address = host, int(port)
        self._socket: socket.socket | None = None
        try:
            self._connect()
        except OSError as error:
            raise self._failure(error) from None

    def key(self, on: bool) -> None:
        # Where an answer to T 1 does not come, it may have been heard all the same.
        self.keyed = self.keyed or on
        try:
            answer = self._ask(on)
        except OSError:
            # The connection broke since; a new one may work.
            try:
                answer = self._ask(on)
            except OSError as error:
                raise self._failure(error) from None
        if answer != "RPRT 0":
            self._disconnect()
            raise TransportError(
                f"rigctld at {self._address[0]}:{self._address[1]} must answer T {int(on)} "
                f"with RPRT 0, not {answer!r:.60}"
            )
        self.keyed = on

    def close(self) -> None:
        if self.keyed:
            with contextlib.suppress(TransportError):
                self.key(False)
        self._disconnect()

    def _ask(self, on: bool) -> str:
        try:
            if self._socket is None:
                self._connect()
            self._socket.sendall(f"T {int(on)}\n".encode())
            answer = b""
            while not answer.endswith(b"\n") and len(answer) <= 4096:
                piece = self._socket.recv(256)
                if not piece:
                    raise ConnectionError("it has closed the connection")
                answer += piece
        except BaseException:  # also a signal: what comes late is no answer to the next command
            self._disconnect()
            raise
        return answer.decode(errors="replace").strip().splitlines()[-1] if answer.strip() else ""

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, TIMEOUT)
        self._socket.settimeout(TIMEOUT)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _failure(self, error: OSError) -> TransportError:
        host, port = self._address
        return TransportError(f"rigctld at {host}:{port} cannot be reached: {error}")
