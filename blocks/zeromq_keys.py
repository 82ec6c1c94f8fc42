"""CURVE keys: who may listen and talk when a ZeroMQ link leaves the machine.

CURVE (rfc.zeromq.org/spec/26) encrypts and authenticates the connection between two programs on a
network. It has nothing to do with the radio, where nothing is encrypted.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import zmq.auth
from zmq.utils import z85

from voicelink.models.errors import ParameterError, TransportError


@dataclass(frozen=True)
class Keys:
    """The keys of one end of a link.

    The end that binds is the server; the one that connects must know the server's public key.

    Attributes:
        public: this end's public key, 40 characters of Z85 as bytes.
        secret: the secret key to it.
        server: the server's public key; needed to connect, not to bind.
        clients: public keys that may connect; None for all that know the server's. Only for the
            end that binds.
    """

    public: bytes
    secret: bytes = field(repr=False)
    server: bytes | None = None
    clients: frozenset[bytes] | None = None

    @classmethod
    def load(
        cls,
        own: str | Path,
        server: str | Path | None = None,
        clients: str | Path | None = None,
    ) -> Keys:
        """Keys from certificate files as `make_keys` (or ``zmq.auth``) writes them.

        Args:
            own: this end's ``.key_secret`` file.
            server: the server's ``.key`` file.
            clients: directory with a ``.key`` file of each client that may connect.

        Raises:
            ParameterError: for a file that is missing or holds no such key.
        """
        public, secret = _load(own)
        if secret is None:
            raise ParameterError(f"{own} must be a .key_secret file; there is no secret key in it")
        allowed = None
        if clients is not None:
            if not Path(clients).is_dir():
                raise ParameterError(f"clients must be a directory of .key files, not {clients}")
            allowed = frozenset(_load(path)[0] for path in sorted(Path(clients).glob("*.key")))
        return cls(public, secret, _load(server)[0] if server is not None else None, allowed)


def make_keys(directory: str | Path) -> list[Path]:
    """Make a pair of keys for each end of a link, as files.

    ``server.key_secret`` stays with the end that binds, ``client.key_secret`` goes to the one that
    connects, and with it ``server.key``. ``clients/`` lists who may connect: ``client.key`` so far.

    Returns:
        The five files.

    Raises:
        ParameterError: where one of them exists already; keys are never overwritten.
        TransportError: where the directory cannot be written.
    """
    directory = Path(directory)
    names = ("server.key", "server.key_secret", "client.key", "client.key_secret")
    files = [*(directory / name for name in names), directory / "clients" / "client.key"]
    for path in files:
        if path.exists():
            raise ParameterError(f"{path} exists already; keys are not overwritten")
    try:
        (directory / "clients").mkdir(parents=True, exist_ok=True)
        # Aside first, in a directory that only its owner can enter: no secret is ever readable.
        with tempfile.TemporaryDirectory(dir=directory) as aside:
            for name in ("server", "client"):
                _, secret = zmq.auth.create_certificates(aside, name)
                os.chmod(secret, 0o600)
            (Path(aside) / "clients").mkdir()
            shutil.copy(Path(aside) / "client.key", Path(aside) / "clients" / "client.key")
            for path in files:
                os.replace(Path(aside) / path.relative_to(directory), path)
    except OSError as error:
        raise TransportError(f"cannot write keys to {directory}: {error.strerror}") from None
    return files


def _load(path: str | Path) -> tuple[bytes, bytes | None]:
    try:
        public, secret = zmq.auth.load_certificate(path)
        for key in (public, secret):
            if key is not None and (len(key) != 40 or len(z85.decode(key)) != 32):
                raise ValueError("a key has 40 characters")
    # Z85 answers a character it does not have by KeyError, a value beyond 32 bits by struct.error.
    except (OSError, ValueError, KeyError, struct.error) as error:
        reason = "it is not there" if not Path(path).is_file() else "there is no whole key in it"
        raise ParameterError(f"{path} must be a CURVE key file: {reason}") from error
    return public, secret
