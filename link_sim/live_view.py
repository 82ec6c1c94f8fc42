"""A live channel on the terminal: rates, what is under way, losses, and how frames leave it."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from voicelink.blocks.status import LETTERS, Status
from voicelink.link_sim.live import LiveReport
from voicelink.link_sim.live_reading import ReadingSink
from voicelink.link_sim.picture import COLOURS

EVERY_S = 0.5
"""Seconds from one picture to the next."""

RECENT_S = 5.0
"""Seconds that the rates of the moment are taken over."""

_WIDE = 60
"""Columns of a terminal from which on everything is shown."""

_BARS = " ▁▂▃▄▅▆▇█"
_TROUBLES = {
    "refused": "that this channel or the exit cannot carry",
    "untaken": "that nobody took at the exit",
    "overflowed": "dropped because too many were under way",
    "receive_errors": "failures of the receiving socket",
    "malformed": "that are no frames",
}


def can_show() -> bool:
    """Whether standard error is a terminal that can be drawn on."""
    console = Console(stderr=True)
    return sys.stderr.isatty() and console.is_terminal and not console.is_dumb_terminal


class LiveView:
    """Shows a `LiveReport` as it grows; a context manager that leaves the terminal as it was.

    Args:
        title: above it all.
        reading: the sink whose statuses are shown.
        console: where to; standard error unless given.
    """

    def __init__(self, title: str, reading: ReadingSink, console: Console | None = None) -> None:
        self._title = title
        self._reading = reading
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._before: deque[tuple[float, int, int]] = deque([(0.0, 0, 0)])
        self._waiting: deque[int] = deque(maxlen=40)

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def show(self, report: LiveReport, malformed: int = 0) -> None:
        """Draw what has passed so far; ``malformed`` messages held no packet."""
        self._live.update(self.picture(report, malformed), refresh=True)

    def picture(self, report: LiveReport, malformed: int = 0) -> Group:
        """The picture, for rich to print."""
        self._waiting.append(report.waiting)
        rows = [
            Text(f"{self._title}   {report.seconds:.0f} s", style="bold"),
            self._traffic(report),
            Text(f"under way {report.waiting:<6} {_bars(self._waiting)}"),
        ]
        if report.channels:
            rows.append(_stages(report.channels, self._console.width >= _WIDE))
        rows += self._frames()
        counts = vars(report) | {"malformed": malformed}
        for name, words in _TROUBLES.items():
            if counts[name]:
                rows.append(Text(f"{counts[name]} {words}", style="yellow"))
        behind = f"at most {report.late_most_ms:.1f} ms behind its time; Ctrl-C ends it"
        rows.append(Text(behind, style="dim"))
        return Group(*rows)

    def _traffic(self, report: LiveReport) -> Table:
        recent_in, recent_out = self._recent(report)
        table = Table("", "packets", f"b/s, last {RECENT_S:.0f} s", "b/s, all", box=None)
        for column in table.columns[1:]:
            column.justify = "right"
        table.add_row("in", str(report.packets_in), f"{recent_in:.0f}", f"{report.rate_in:.0f}")
        table.add_row("out", str(report.packets_out), f"{recent_out:.0f}", f"{report.rate_out:.0f}")
        return table

    def _recent(self, report: LiveReport) -> tuple[float, float]:
        """Bits per second in and out over the last `RECENT_S`."""
        self._before.append((report.seconds, report.bits_in, report.bits_out))
        while len(self._before) > 2 and self._before[1][0] <= report.seconds - RECENT_S:
            self._before.popleft()
        start, bits_in, bits_out = self._before[0]
        seconds = report.seconds - start
        if not seconds:
            return 0.0, 0.0
        return (report.bits_in - bits_in) / seconds, (report.bits_out - bits_out) / seconds

    def _frames(self) -> list[Text]:
        reading = self._reading
        read = sum(reading.statuses.values())
        if not read and not reading.unknown:
            return [Text("frames that leave: none yet")]
        counts = Text("frames that leave: ")
        strip = Text()
        for status in Status:
            counts.append(LETTERS[status], style=f"bold {COLOURS[status]}")
            counts.append(f" {status.value} {reading.statuses[status]}  ")
        for status in list(reading.latest)[-60:]:
            strip.append(LETTERS[status], style=f"bold {COLOURS[status]}")
        rows = [counts, strip]
        if reading.unknown:
            rows.append(Text(f"{reading.unknown} packets hold no frame of this format"))
        if reading.unread:
            rows.append(Text(f"{reading.unread} packets went too fast to be read"))
        return rows


def _stages(channels: list[dict[str, Any]], wide: bool) -> Table:
    """What each channel did; its other counts only where there is room."""
    table = Table("channel", "in", "out", "lost", "%", *(("and",) if wide else ()), box=None)
    table.columns[0].no_wrap = True
    for column in table.columns[1:5]:
        column.justify = "right"
    for stage in channels:
        entered, lost = stage.get("in", 0), stage.get("lost", 0)
        share = f"{100 * lost / entered:.1f}" if entered else ""
        cells = [stage["channel"], entered, stage.get("out", 0), lost, share]
        if wide:
            shown = ("channel", "in", "out", "lost")
            others = {name: value for name, value in stage.items() if name not in shown}
            cells.append(", ".join(f"{n.replace('_', ' ')} {_short(v)}" for n, v in others.items()))
        table.add_row(*map(str, cells))
    return table


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _bars(values: deque[int]) -> str:
    """The last values as columns, the highest as high as a letter."""
    top = max(values, default=0)
    if not top:
        return ""
    return "".join(_BARS[round(value / top * (len(_BARS) - 1))] for value in values)
