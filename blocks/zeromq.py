"""Link frames over ZeroMQ: `FrameSender`, `FrameReceiver`, which speak to GNU Radio as well.

A message holds one link frame, raw (its packed bytes and nothing else) or as a PDU (soft bits and
numbers travel too), or a part of a stream, as GNU Radio's stream blocks exchange it;
`blocks/TRANSPORT.md` has all of them, byte by byte. Sockets bind to this machine
alone unless told otherwise, hold a bounded number of messages of bounded size, and connect again
by themselves when the other end has gone and returned.

>>> import numpy as np
>>> with FrameSender("tcp://127.0.0.1:*", "push") as sender:
...     with FrameReceiver(sender.endpoint, "pull") as receiver:
...         _ = sender.send(Packet(np.arange(32, dtype=np.uint8)), timeout_s=5)
...         receiver.receive(timeout_s=5).bits
256
"""

from __future__ import annotations

import logging
import time
from collections import deque

import zmq

from voicelink.blocks.packet import Packet
from voicelink.blocks.zeromq_keys import Keys, make_keys
from voicelink.blocks.zeromq_messages import SENT_FORMS, MessageReader, MessageWriter
from voicelink.blocks.zeromq_socket import Endpoint
from voicelink.models.errors import FormatError, one_of
from voicelink.models.sizes import PAYLOAD_BITS

__all__ = ["SENT_FORMS", "FrameReceiver", "FrameSender", "Keys", "make_keys"]

_log = logging.getLogger(__name__)


class FrameSender(Endpoint):
    """Sends link frames, one a message.

    Not for several threads at once, as every ZeroMQ socket.

    Args:
        address: ``tcp://HOST:PORT``, ``ipc://PATH`` or ``inproc://NAME``; port ``*`` binds to one
            that is free (see `endpoint`).
        pattern: "pub": every receiver gets every frame, from when it has connected on, and what a
            slow one cannot take is dropped; or "push": each frame goes to one receiver.
        bind: wait at the address for receivers; else connect to one that waits there.
        form: what a message is: "raw", a frame and nothing else; "pdu", for GNU Radio's message
            blocks; "stream" or "tagged", bytes for its stream blocks with `pass_tags` off or on.
        keys: CURVE keys; None for none.
        allow_remote: bind also where other machines reach it.
        high_water: messages that may wait for a receiver (1000 are 320 s of speech).
        payload_bits: of the model's payloads, as its `Card` says.

    Attributes:
        sent: messages handed to ZeroMQ.
        dropped: messages that no receiver could take within the time given.

    Raises:
        ParameterError: for arguments that have no meaning, or do not go together.
        TransportError: where the socket cannot be opened, as when the port is in use.
    """

    def __init__(
        self,
        address: str,
        pattern: str = "pub",
        bind: bool = True,
        form: str = "raw",
        keys: Keys | None = None,
        allow_remote: bool = False,
        high_water: int = 1000,
        payload_bits: int = PAYLOAD_BITS,
    ) -> None:
        one_of("pattern", pattern, ("pub", "push"))
        self._writer = MessageWriter(form, payload_bits)
        self.sent = 0
        self.dropped = 0
        self._heard = False
        # XPUB is PUB on the wire, and tells who subscribes. All that comes back is subscriptions.
        kind = zmq.XPUB if pattern == "pub" else zmq.PUSH
        super().__init__(kind, address, bind, keys, allow_remote, high_water, 1024)

    def send(self, packet: Packet, timeout_s: float = 0.0, metadata: dict | None = None) -> bool:
        """Send one link frame.

        Args:
            packet: bytes of a profile's length; as a PDU also LLRs.
            timeout_s: how long to wait for a receiver ("push"), in seconds.
            metadata: further entries for a PDU, see `voicelink.blocks.pdu.packet_to_pdu`.

        Returns:
            Whether ZeroMQ took it: False where no receiver could within ``timeout_s``. With "pub"
            it always does, listeners or not.

        Raises:
            ParameterError: for a packet that the form of message cannot carry.
            TransportError: where the socket is closed.
        """
        return self.send_bytes(self._writer.write(packet, metadata), timeout_s)

    def send_bytes(self, data: bytes, timeout_s: float = 0.0) -> bool:
        """Send a message as it is; arguments, result and errors as for `send`."""
        deadline = self._deadline(timeout_s)
        self._hear()
        self._poll(zmq.POLLOUT, deadline)
        try:
            self.socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            self.dropped += 1
            return False
        self.sent += 1
        return True

    def wait_for_peer(self, timeout_s: float | None = None) -> bool:
        """Wait until a receiver has connected ("push") or subscribed ("pub"), so none is too early.

        Args:
            timeout_s: how long at most, in seconds; None for ever.

        Returns:
            Whether one is there.
        """
        deadline = self._deadline(timeout_s)
        if self.socket.type == zmq.PUSH:
            return self._poll(zmq.POLLOUT, deadline)
        self._hear()
        while not self._heard:
            if not self._poll(zmq.POLLIN, deadline):
                return False
            self._hear()
        return True

    def _hear(self) -> None:
        # Takes subscriptions off the queue, a bounded number at a time.
        if self.socket.type != zmq.XPUB:
            return
        for _ in range(100):
            try:
                self._heard |= self.socket.recv(zmq.NOBLOCK).startswith(b"\x01")
            except zmq.Again:
                return


class FrameReceiver(Endpoint):
    """Receives link frames, and is stopped by nothing that arrives.

    Not for several threads at once, as every ZeroMQ socket. A message of more than
    ``max_message_bytes`` never arrives: it costs the connection, which is made again a second
    later.

    Args:
        address: as for `FrameSender`.
        pattern: "sub" to hear a sender's "pub", or "pull" for "push".
        bind: wait at the address for senders; else connect to one that waits there.
        form: which messages count: "raw", "pdu", "auto" for both and for tagged streams of bytes
            or bits; or "stream" for a stream, whose frames are found by its tags where there are
            any, else by the sync word before each.
        items: a stream's items: "bytes", "bits" (one in a byte) or "floats" (soft bits).
        profile: the profile of a stream's frames.
        spread: packets that each of them is spread over, 1, 2, 4, 8 or 16.
        payload_bits: of the model's payloads, as its `Card` says.
        others: give out frames of other models too whose payloads have another length, as a
            `Receiver` tells of which model they are, but of streams without tags; else they are
            malformed.
        keys: CURVE keys; None for none.
        allow_remote: bind also where other machines reach it.
        high_water: messages that may wait here to be received.
        max_message_bytes: the longest message; a PDU with 888 LLRs takes some 3.6 kB, what
            GNU Radio sends of a stream up to 64 kB and its tags.

    Attributes:
        received: packets given out.
        malformed: messages that were no link frame, and frames of a tagged stream that are cut or
            none: counted, logged once, left out.

    Raises:
        ParameterError: for arguments that have no meaning, or do not go together.
        TransportError: where the socket cannot be opened, as when the port is in use.
    """

    def __init__(
        self,
        address: str,
        pattern: str = "sub",
        bind: bool = False,
        form: str = "auto",
        items: str = "bytes",
        profile: str | None = None,
        spread: int = 1,
        keys: Keys | None = None,
        allow_remote: bool = False,
        high_water: int = 1000,
        max_message_bytes: int = 1 << 18,
        payload_bits: int = PAYLOAD_BITS,
        others: bool = False,
    ) -> None:
        one_of("pattern", pattern, ("sub", "pull"))
        self._reader = MessageReader(
            form, items, profile, self._count_malformed, spread, payload_bits, others
        )
        self._ready: deque[Packet] = deque()
        self.received = 0
        self.malformed = 0
        self._high_water = high_water
        self._max_message_bytes = max_message_bytes
        kind = zmq.SUB if pattern == "sub" else zmq.PULL
        super().__init__(kind, address, bind, keys, allow_remote, high_water, max_message_bytes)

    def receive(self, timeout_s: float | None = 0.0) -> Packet | None:
        """The next link frame, or None where none came in time.

        Args:
            timeout_s: how long to wait, in seconds; 0 takes what is there, None waits for ever.

        Raises:
            ParameterError: for a time-out that is none.
            TransportError: where the socket is closed.
        """
        deadline = self._deadline(timeout_s)
        fruitless = 0
        while not self._ready:
            if not self._poll(zmq.POLLIN, deadline):
                return None
            try:
                self._ready += self._reader.read(self._take())
            except zmq.Again:  # polled, and gone with its connection
                continue
            except FormatError as error:
                self._count_malformed(error)
            fruitless += 1
            # A flood without frames must not keep the caller here for ever beyond its time.
            late = time.monotonic() >= deadline
            if late and fruitless >= self._high_water and not self._ready:
                return None
        self.received += 1
        return self._ready.popleft()

    def _take(self) -> bytes:
        # A key as gr-zeromq sends it is a part before the message; whatever has more is not ours.
        part = self.socket.recv(zmq.NOBLOCK)
        parts = 1
        while self.socket.getsockopt(zmq.RCVMORE):
            part = self.socket.recv(zmq.NOBLOCK)
            parts += 1
        if parts > 2:
            raise FormatError(f"a message must have one part, or a key and one, not {parts}")
        if len(part) > self._max_message_bytes:  # inproc has no limit of its own
            raise FormatError(
                f"a message may have {self._max_message_bytes} bytes, not {len(part)}"
            )
        return part

    def _count_malformed(self, error: FormatError) -> None:
        self.malformed += 1
        if self.malformed == 1:
            _log.warning("%s: a message that is no link frame: %s", self.endpoint, error)
        else:
            _log.debug("%s: malformed message %d: %s", self.endpoint, self.malformed, error)
