"""What flowgraphs say when they cannot run: one line, and not a traceback."""

from __future__ import annotations

import sys
from types import TracebackType

from voicelink.grc.sound_cards import explain_sound_cards
from voicelink.models.errors import VoiceLinkError


def errors_in_one_line() -> None:
    """From now on an error of this package ends the program with its line and status 2.

    Flowgraphs call it before they make blocks. A sound card that cannot be opened is such an error
    too; others show where they come from, as ever.
    """
    sys.excepthook = _hook
    explain_sound_cards()


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, VoiceLinkError):
        sys.__excepthook__(kind, error, trace)
        return
    print(f"voicelink: {error}", file=sys.stderr)
    raise SystemExit(2)
