"""Which ZeroMQ addresses may be used, checked before libzmq sees them.

libzmq itself takes port 99999 for 34463, and binding ``ipc://`` it removes whatever is at the path,
be it another program's socket or a recording.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import stat
from pathlib import Path

from voicelink.models.errors import ParameterError, TransportError

_TCP = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.*-]+):(\d{1,5}|\*)")

FORMS = "tcp://HOST:PORT, ipc://PATH or inproc://NAME"


def check_address(address: str, bind: bool, allow_remote: bool = False) -> str:
    """The address as libzmq wants it.

    Args:
        address: ``tcp://HOST:PORT``, ``ipc://PATH`` or ``inproc://NAME``. A binding TCP address may
            have port ``*`` for one that is free, and host ``*`` for all interfaces.
        bind: whether the socket binds there; else it connects.
        allow_remote: whether it may bind where other machines reach it.

    Raises:
        ParameterError: for an address of another form, or that is open to other machines while
            ``allow_remote`` is False.
        TransportError: for an ``ipc://`` path that another program listens on.
    """
    if not isinstance(address, str):
        raise ParameterError(f"address must be a string like {FORMS}, not {address!r}")
    scheme, _, rest = address.partition("://")
    if scheme == "tcp":
        return _check_tcp(address, bind, allow_remote)
    if scheme not in ("ipc", "inproc") or not rest or rest == "*":
        raise ParameterError(f"address must be {FORMS}, not {address!r}")
    if scheme == "ipc" and bind and not rest.startswith("@"):
        _check_free(address, Path(rest))
    return address


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach a socket that is bound to ``host``."""
    if host in ("localhost", "lo"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name, an interface, or all of them
        return False


def _check_tcp(address: str, bind: bool, allow_remote: bool) -> str:
    match = _TCP.fullmatch(address)
    if match is None:
        raise ParameterError(f"address must be {FORMS}, not {address!r}")
    host, port = match.groups()
    if port != "*" and int(port) > 65535:
        raise ParameterError(f"the port of {address} must be from 1 to 65535")
    if not bind:
        if host == "*" or port == "*" or int(port) == 0:
            raise ParameterError(f"an address to connect to must name host and port, not {address}")
        return address
    if not is_loopback(host) and not allow_remote:
        raise ParameterError(
            f"{address} is open to other machines: bind to 127.0.0.1, or set allow_remote, on "
            "the command line --allow-remote (and use CURVE keys, so that only those you know get "
            "through)"
        )
    if host == "localhost":  # libzmq resolves no names where it binds
        host = "127.0.0.1"
    return f"tcp://{host}:{port}"


def _check_free(address: str, path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing there, or nothing that can be seen: binding will tell
        return
    if not stat.S_ISSOCK(mode):
        raise ParameterError(f"{address} must be a socket or nothing yet; there is a file")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:  # left over from a program that has gone: libzmq replaces it
            return
    raise TransportError(f"{address} is in use by another program")
