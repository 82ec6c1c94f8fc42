"""What goes on while somebody speaks or listens, on the terminal; lines alone where it is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from voicelink.blocks.sound_card import SoundInput, SoundOutput
from voicelink.blocks.status import LETTERS
from voicelink.link_sim.listen import Listener
from voicelink.link_sim.live_view import can_show
from voicelink.link_sim.picture import COLOURS
from voicelink.link_sim.talk import Talker, Talking

EVERY_S = 0.1
"""Seconds from one picture to the next."""

_LOW, _WIDE = -60.0, 30  # dBFS at the left end of the meter, and its columns
_LOUD, _TOO_LOUD = -12.0, -3.0


class LiveLine:
    """A few rows that are drawn again and again, and notes above them; a context manager.

    Args:
        console: where to; standard error unless given.
        shown: whether to draw; by default where standard error is a terminal.
    """

    def __init__(self, console: Console | None = None, shown: bool | None = None) -> None:
        self._console = console or Console(stderr=True)
        shown = can_show() if shown is None else shown
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live = self._live if shown else None
        self._next = 0.0

    def __enter__(self) -> LiveLine:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, text: str) -> None:
        """A line that stays."""
        line = f"voicelink: note: {text}"
        if self._live:
            self._console.print(Text(line), soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def show(self, picture: Callable[[], Group]) -> None:
        """Draw, if it is time again."""
        if self._live and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self._live.update(picture(), refresh=True)


def meter(level: float) -> Text:
    """A bar for a level in dBFS."""
    columns = round((level - _LOW) / -_LOW * _WIDE)
    style = "red" if level > _TOO_LOUD else "yellow" if level > _LOUD else "green"
    bar = Text("▮" * max(0, min(columns, _WIDE)), style=style)
    bar.append("▯" * (_WIDE - len(bar)), style="dim")
    return bar.append(f" {level:4.0f} dBFS")


def talking(talker: Talker, level: float, left: float, source: SoundInput | None) -> Group:
    """What a speaker sees."""
    state = Text(f"{talker.state.value:8}", style="bold red" if talker.state in _KEYED else "bold")
    limited = talker.state in _KEYED and left < float("inf")
    state.append(f" {left:3.0f} s left" if limited else "")
    state.append(f"   overs {talker.overs}, link frames {talker.sent}")
    return Group(meter(level), state, *_card(source))


def listening(listener: Listener, snr_db: float | None, cards: list) -> Group:
    """What a listener sees."""
    playout = listener.playout
    state = Text("open  " if listener.squelch.open else "closed", style="bold")
    state.append(f" {listener.callsign or ''}")
    if snr_db is not None:
        state.append(f"   SNR {snr_db:.1f} dB")
    state.append(f"   {playout.state.value}, buffer {1000 * playout.depth:.0f} ms")
    strip = Text()
    for status in list(listener.latest)[-_WIDE:]:
        strip.append(LETTERS[status], style=f"bold {COLOURS[status]}")
    return Group(meter(listener.level), state, strip, *(row for c in cards for row in _card(c)))


_KEYED = (Talking.LEAD, Talking.OVER, Talking.TAIL)


def _card(card: SoundInput | SoundOutput | None) -> list[Text]:
    """What is wrong with a card."""
    rows = []
    if card is not None and not card.open:
        rows.append(Text(f"{card.way} {card.name} is gone", style="red"))
    troubles = card_counts(card)
    if any(troubles.values()):
        said = ", ".join(f"{value} {name}" for name, value in troubles.items() if value)
        rows.append(Text(f"{card.name}: {said}", style="yellow"))
    return rows


def card_counts(card: SoundInput | SoundOutput | None) -> dict[str, float]:
    """What a card has lost: over- or underflows, and times and seconds that it was gone."""
    if card is None:
        return {}
    name = "overflows" if isinstance(card, SoundInput) else "underflows"
    return {
        name: getattr(card, name),
        "losses": card.losses,
        "lost_seconds": round(card.lost_seconds, 1),
    }
