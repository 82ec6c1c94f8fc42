"""A switch on the keyboard."""

from __future__ import annotations

import os
import select
import sys
from typing import TextIO


class KeySwitch:
    """Space or Enter toggles it; q, or the end of the input, ends all. A context manager.

    On a terminal keys act at once and are not shown; from a pipe each line counts as Enter.

    Args:
        file: what keys come from; standard input unless given.

    Attributes:
        on: whether it is closed.
        ended: whether somebody wants to end.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stdin
        self._before: list | None = None
        self.on = self.ended = False

    def __enter__(self) -> KeySwitch:
        if self._file.isatty():
            import termios
            import tty

            self._before = termios.tcgetattr(self._file)
            tty.setcbreak(self._file)
            # Ctrl-S would hold up the program as soon as it says something.
            mode = termios.tcgetattr(self._file)
            mode[0] &= ~termios.IXON
            termios.tcsetattr(self._file, termios.TCSADRAIN, mode)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def look(self) -> bool:
        """Take what keys have been pressed; `on`."""
        number = self._file.fileno()
        while not self.ended and select.select([number], [], [], 0)[0]:
            keys = os.read(number, 64)
            self.ended = not keys or b"q" in keys or b"\x04" in keys
            for key in keys:
                self.on ^= key in b" \n\r"
        self.on = self.on and not self.ended
        return self.on
