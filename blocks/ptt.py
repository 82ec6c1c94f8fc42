"""The line that keys a transmitter, and what lets go of it whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from voicelink.models.errors import TransportError

HOLD = 3.0
"""Seconds without a sign of life from the program after which the line is let go."""


class Ptt:
    """Base: a line that keys nothing.

    Attributes:
        keyed: whether the transmitter is keyed, as far as is known.
    """

    def __init__(self) -> None:
        self.keyed = False

    def key(self, on: bool) -> None:
        """Key the transmitter, or let go of it.

        Raises:
            TransportError: it could not be done.
        """
        self.keyed = on

    def close(self) -> None:
        """Let go of the transmitter and of the line; raises nothing."""
        self.keyed = False


class WatchedPtt:
    """A line with a dead man's switch: let go when the program does not say that it is alive.

    A context manager; at its end the transmitter is let go, and that is tried until it works or
    ``hold`` seconds are over.

    Args:
        line: the line.
        hold: seconds without `alive` after which the line is let go, 0.1 to 60.
        note: called with a line when that happens, or letting go fails.
    """

    def __init__(
        self, line: Ptt, hold: float = HOLD, note: Callable[[str], None] = lambda _: None
    ) -> None:
        self._line = line
        self._hold = hold
        self._note = note
        self._lock = threading.Lock()
        self._seen = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> WatchedPtt:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self.let_go(self._hold)
        self._line.close()

    @property
    def keyed(self) -> bool:
        return self._line.keyed

    def alive(self) -> None:
        """Say that the program is in its right mind."""
        self._seen = time.monotonic()

    def key(self, on: bool) -> None:
        """As of the line."""
        self.alive()
        with self._lock:
            self._line.key(on)

    def let_go(self, seconds: float) -> bool:
        """Let go of the transmitter, trying so long; whether it worked."""
        until, said = time.monotonic() + seconds, False
        while self._line.keyed:
            try:
                with self._lock:
                    self._line.key(False)
            except TransportError as error:
                if not said:
                    self._note(f"THE TRANSMITTER MAY STILL BE KEYED: {error}")
                    said = True
                if time.monotonic() >= until:
                    return False
                self._ended.wait(0.2) if not self._ended.is_set() else time.sleep(0.2)
        return True

    def _watch(self) -> None:
        while not self._ended.wait(self._hold / 10):
            if self._line.keyed and time.monotonic() - self._seen > self._hold:
                self._note(f"no sign of life for {self._hold:g} s: the transmitter is let go")
                self.let_go(self._hold)
