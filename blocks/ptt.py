"""The line that keys a transmitter, and what lets go of it whatever happens."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

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
    ``hold`` seconds are over. A thread of its own does it, which no signal interrupts, and which
    goes on until then also where the program is on its way out.

    Args:
        line: the line.
        hold: seconds without `alive` after which the line is let go, 0.1 to 60.
        note: called with a line when that happens, or letting go fails; in another thread, as it
            may take long, or fail, where a terminal is stopped or gone.
    """

    def __init__(
        self, line: Ptt, hold: float = HOLD, note: Callable[[str], None] = lambda _: None
    ) -> None:
        self._line = line
        self._hold = hold
        self._note = note
        self._lock = threading.Lock()
        self._seen = time.monotonic()
        self._ended, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._saying: threading.Thread | None = None

    def __enter__(self) -> WatchedPtt:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        while not self._done.is_set():
            # Another signal must not end the program before.
            with contextlib.suppress(KeyboardInterrupt, SystemExit):
                self._done.wait()

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
            except Exception as error:  # whatever it is, it is tried again
                if not said:
                    self._say(f"THE TRANSMITTER MAY STILL BE KEYED: {error}")
                    said = True
                if time.monotonic() >= until:
                    return False
                time.sleep(0.2)
        return True

    def _watch(self) -> None:
        main = threading.main_thread()
        try:
            while not self._ended.wait(self._hold / 10) and main.is_alive():
                silent = time.monotonic() - self._seen > self._hold
                if self._line.keyed and silent and self.let_go(self._hold):
                    self._say(f"no sign of life for {self._hold:g} s: the transmitter is let go")
            self.let_go(self._hold)
        finally:
            self._line.close()
            if self._saying:
                self._saying.join(1.0)
            self._done.set()

    def _say(self, text: str) -> None:
        """Nothing that a note does may be in the way of letting go."""

        def say() -> None:
            with contextlib.suppress(Exception):
                self._note(text)

        self._saying = threading.Thread(target=say, daemon=True)
        self._saying.start()
