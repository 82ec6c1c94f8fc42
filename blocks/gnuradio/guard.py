"""What keeps a block running: an exception that leaves Python would end its thread in silence."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from voicelink.models.errors import VoiceLinkError

_log = logging.getLogger(__name__)


class Guarded:
    """Base for blocks with `guarded` methods.

    Attributes:
        errors: calls that failed since the block was made: messages that are not what the port
            takes, and whatever else went wrong. The first one is logged.
    """

    errors: int = 0

    def note_error(self, error: Exception) -> None:
        """Count a failure, and log it if it is the first."""
        self.errors += 1
        if self.errors > 1:
            return
        # One of ours says in a line what was wrong with the input; another is a fault of the code.
        expected = isinstance(error, VoiceLinkError)
        _log.warning(
            "%s: %s (further errors are only counted)",
            type(self).__name__,
            error if expected else repr(error),
            exc_info=None if expected else error,
        )


def guarded(method: Callable | None = None, *, otherwise: Callable | None = None) -> Callable:
    """Decorates a message handler or a work function so that it raises nothing.

    Args:
        method: of a `Guarded` block.
        otherwise: called with the same arguments after an exception, for what is to be returned:
            a work function must take its input and fill its output even so. None returns None.

    >>> class Block(Guarded):
    ...     @guarded
    ...     def handle(self, message):
    ...         return 1 / message
    >>> block = Block()
    >>> block.handle(0), block.errors, block.handle(1)
    (None, 1, 1.0)
    """
    if method is None:
        return functools.partial(guarded, otherwise=otherwise)

    @functools.wraps(method)  # GNU Radio finds a handler by its name
    def call(self, *args: Any) -> Any:
        try:
            return method(self, *args)
        except Exception as error:
            self.note_error(error)
            return None if otherwise is None else otherwise(self, *args)

    return call
