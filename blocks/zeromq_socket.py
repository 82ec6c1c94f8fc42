"""One ZeroMQ socket with its options, its keys and its end: what sender and receiver share."""

from __future__ import annotations

import logging
import math
import time
from types import TracebackType

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import parse_monitor_message

from voicelink.blocks.zeromq_address import check_address, is_loopback
from voicelink.blocks.zeromq_keys import Keys
from voicelink.models.errors import ParameterError, TransportError, require

LINGER_MS = 1000
"""How long `close` waits for messages that are still on their way out."""

HEARTBEAT_MS = 2000
"""How often each end asks whether the other is still there, where TCP alone would not notice."""

HANDSHAKE_MS = 5000
"""How long the other end may take to show that it speaks ZeroMQ."""

RECONNECT_S = 1.0
"""How long after the end of a connection that libzmq has given up another is made."""

MAX_WAIT_S = 1e6
"""The longest time-out in seconds, eleven days, well within what the system's poll takes."""

_REFUSED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_LOST = zmq.EVENT_DISCONNECTED | _REFUSED
_UNDER_WAY = zmq.EVENT_CONNECT_DELAYED | zmq.EVENT_CONNECT_RETRIED | zmq.EVENT_CONNECTED

_log = logging.getLogger(__name__)


class Endpoint:
    """A bound or connected socket in a context of its own; a context manager.

    Args:
        kind: the zmq socket type.
        address, bind, allow_remote: see `voicelink.blocks.zeromq_address.check_address`.
        keys: CURVE keys; None for none.
        high_water: messages that may wait in each direction.
        max_message_bytes: the longest message that may arrive.

    Attributes:
        socket: the zmq socket, to be polled with others; send and receive through the methods.
            Call them every second or so also when there is nothing to do: it is then that a
            connection which libzmq has given up is made again.
        endpoint: the address with its real port: what the other end connects to.

    Raises:
        ParameterError: for arguments that have no meaning, or do not go together.
        TransportError: where the socket cannot be opened, as when the port is in use.
    """

    def __init__(
        self,
        kind: int,
        address: str,
        bind: bool,
        keys: Keys | None,
        allow_remote: bool,
        high_water: int,
        max_message_bytes: int,
    ) -> None:
        require("high_water", high_water, 1, 1_000_000)
        require("max_message_bytes", max_message_bytes, 1, 1 << 30)
        checked = check_address(address, bind, allow_remote)
        # inproc addresses are known within one context only.
        self._shared = checked.startswith("inproc://")
        if keys is not None and self._shared:
            raise ParameterError("keys must be None for inproc://, which never leaves the program")
        if keys is not None and not bind and keys.server is None:
            raise ParameterError("keys must have the server's public key to connect")
        self.endpoint = checked
        self._bound = False
        self._authenticator: ThreadAuthenticator | None = None
        self._monitor: zmq.Socket | None = None
        self._lost_at: float | None = None
        self._refused = False
        self._context = zmq.Context.instance() if self._shared else zmq.Context()
        self.socket = self._context.socket(kind)
        try:
            for option, value in (
                (zmq.LINGER, LINGER_MS),
                (zmq.SNDHWM, int(high_water)),
                (zmq.RCVHWM, int(high_water)),
                (zmq.MAXMSGSIZE, int(max_message_bytes)),
                (zmq.HANDSHAKE_IVL, HANDSHAKE_MS),
                (zmq.HEARTBEAT_IVL, HEARTBEAT_MS),
                (zmq.HEARTBEAT_TIMEOUT, 3 * HEARTBEAT_MS),
                (zmq.IPV6, int("[" in checked)),
            ):
                self.socket.setsockopt(option, value)
            if kind == zmq.SUB:
                self.socket.setsockopt(zmq.SUBSCRIBE, b"")
            if kind == zmq.PUSH:
                # Queue for a peer that is there, not for one that may come: speech does not keep.
                self.socket.setsockopt(zmq.IMMEDIATE, 1)
            if keys is not None:
                self._secure(bind, keys)
            self._open(checked, bind)
        except BaseException:
            self.close()
            raise
        if bind and checked.startswith("tcp://") and keys is None:
            host = checked[len("tcp://") :].rpartition(":")[0]
            if not is_loopback(host):
                _log.warning("%s is open to every machine that reaches it: no keys", self.endpoint)

    def close(self) -> None:
        """Close the socket, after at most a second for what is on its way out; twice is fine."""
        if self._shared and self._bound and not self.socket.closed:
            self.socket.unbind(self.endpoint)  # the name is free at once, not some time later
        if self._monitor is not None:
            self.socket.disable_monitor()
            self._monitor.close(linger=0)
            self._monitor = None
        self.socket.close()
        if self._authenticator is not None:
            self._authenticator.stop()
            self._authenticator = None
        if not self._shared:
            self._context.destroy(linger=0)  # and monitors that the caller may have made

    def __enter__(self):
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, address: str, bind: bool) -> None:
        try:
            if bind:
                self.socket.bind(address)
            else:
                if not self._shared:
                    self._monitor = self.socket.get_monitor_socket(_LOST | _UNDER_WAY)
                self.socket.connect(address)
        except zmq.ZMQError as error:
            if error.errno == zmq.EADDRINUSE:
                raise TransportError(f"{address} is in use by another program") from None
            verb = "bind to" if bind else "connect to"
            message = f"cannot {verb} {address}: {error.strerror}"
            wrong = error.errno in (zmq.EINVAL, zmq.EPROTONOSUPPORT, zmq.ENOCOMPATPROTO)
            raise (ParameterError if wrong else TransportError)(message) from None
        self._bound = bind
        self.endpoint = self.socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def _secure(self, bind: bool, keys: Keys) -> None:
        self.socket.curve_publickey = keys.public
        self.socket.curve_secretkey = keys.secret
        if not bind:
            self.socket.curve_serverkey = keys.server
            return
        self.socket.curve_server = True
        if keys.clients is not None:
            self._authenticator = ThreadAuthenticator(self._context)
            self._authenticator.start()
            self._authenticator.configure_curve_callback("*", _Allowed(keys.clients))

    def _deadline(self, timeout_s: float | None) -> float:
        """When the time-out is over, by `time.monotonic`; the socket must still be open."""
        if timeout_s is not None:
            require("timeout_s", timeout_s, 0, MAX_WAIT_S)
        if self.socket.closed:
            raise TransportError(f"the socket at {self.endpoint} is closed")
        return math.inf if timeout_s is None else time.monotonic() + timeout_s

    def _poll(self, event: int, deadline: float) -> bool:
        """Whether ``event`` came by then; mends the connection."""
        poller = zmq.Poller()
        poller.register(self.socket, event)
        if self._monitor is not None:
            poller.register(self._monitor, zmq.POLLIN)
        while True:
            self._mend()
            left = max(0.0, deadline - time.monotonic())
            wait = left if self._lost_at is None else min(left, RECONNECT_S / 4)
            ready = dict(poller.poll(None if math.isinf(wait) else math.ceil(1000 * wait)))
            if self.socket in ready:
                return True
            if left == 0:
                return False

    def _mend(self) -> None:
        # libzmq connects again by itself where a connection breaks. Where the other end broke the
        # protocol (another program at the port, a message beyond MAXMSGSIZE, keys refused) it
        # gives the connection up for good, and says so only by saying nothing further.
        if self._monitor is None:
            return
        while True:
            try:
                event = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))["event"]
            except zmq.Again:
                break
            self._lost_at = time.monotonic() if event & _LOST else None
            if event & _REFUSED and not self._refused:
                self._refused = True
                _log.warning(
                    "%s: no handshake with what is there: other keys, or no ZeroMQ", self.endpoint
                )
        if self._lost_at is not None and time.monotonic() - self._lost_at >= RECONNECT_S:
            _log.debug("connecting to %s again", self.endpoint)
            self.socket.disconnect(self.endpoint)
            self.socket.connect(self.endpoint)
            self._lost_at = None


class _Allowed:
    """Answers libzmq's authenticator: whether a client's public key is one of those listed."""

    def __init__(self, clients: frozenset[bytes]) -> None:
        self._clients = clients

    def callback(self, domain: str, key: bytes) -> bool:
        return key in self._clients
