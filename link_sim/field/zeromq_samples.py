"""Messages of raw samples over ZeroMQ."""

from __future__ import annotations

from voicelink.blocks.zeromq_keys import Keys
from voicelink.blocks.zeromq_socket import Endpoint
from voicelink.models.errors import one_of

_HIGH_WATER = 1000
_LARGEST = 1 << 24


class SampleSocket(Endpoint):
    """A socket that takes in messages of samples, as GNU Radio's ZMQ sinks send them without tags.

    Args:
        address: where.
        pattern: ``sub`` or ``pull``.
        bind, keys, allow_remote: see `Endpoint`.
    """

    def __init__(
        self, address: str, pattern: str, bind: bool, keys: Keys | None, allow_remote: bool
    ) -> None:
        import zmq

        kinds = {"sub": zmq.SUB, "pull": zmq.PULL}
        kind = kinds[one_of("pattern", pattern, kinds)]
        super().__init__(kind, address, bind, keys, allow_remote, _HIGH_WATER, _LARGEST)

    def receive(self, timeout_s: float) -> bytes:
        """The next message; empty where none came in time."""
        import zmq

        return self.socket.recv() if self._poll(zmq.POLLIN, self._deadline(timeout_s)) else b""
