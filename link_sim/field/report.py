"""The page of a field test: everything that logs of frames say, written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timezone
from pathlib import Path
from typing import Any

from voicelink.blocks.status import LETTERS, Status
from voicelink.link_sim.field.log import Log, read_log
from voicelink.link_sim.field.pictures import (
    curve_picture,
    reaching,
    shown_range,
    time_picture,
)
from voicelink.link_sim.field.simulated import read_curves
from voicelink.link_sim.field.summary import Station, bit_error_rows, by_snr, stations
from voicelink.link_sim.picture import COLOURS as STATUS_COLOURS
from voicelink.link_sim.report.labels import percent
from voicelink.link_sim.report.needs import check_libraries
from voicelink.link_sim.report.render import render
from voicelink.link_sim.report.timeline import timeline
from voicelink.models.errors import FormatError
from voicelink.models.files import check_folder, writing

MOST_LINES = 12
"""Stations that get a time line."""

MOST_EVENTS = 50


@dataclass(frozen=True)
class Page:
    """What was written.

    Attributes:
        size: bytes.
        answers: one line for each station.
        notes: what was left out, one line each.
    """

    size: int
    answers: list[str]
    notes: list[str]


def write_field_report(
    logs: list[str] | list[Path], path: str | Path, title: str, curves: str | Path | None = None
) -> Page:
    """Write one HTML file that holds its pictures, and works without a network.

    Args:
        logs: what `record`, `replay` and `demodulate --json` wrote.
        path: the name of the file.
        title: of the page.
        curves: a CSV of the simulation's curves; None: those that come with this software.

    Raises:
        ParameterError: a library is missing, or the file cannot be written.
        FormatError: a log or the curves cannot be read, or no log has a frame.
    """
    check_libraries()
    check_folder(path)
    read = [read_log(log) for log in logs]
    found = stations(read)
    spoken = [station for station in found if station.frames]
    if not spoken:
        raise FormatError(f"no frame of speech is in {', '.join(map(str, logs))}")
    several = len(read) > 1
    notes = [note for log in read for note in log.notes]
    pictures, more = _curves(spoken, curves)
    answers = [_answer(station, several) for station in spoken]
    context = {
        "title": title,
        "span": _span(spoken),
        "answers": answers,
        "notes": notes + more,
        "totals": _totals(found, several),
        "curves": pictures,
        "tests": _tests(spoken, several),
        "statuses": [(status.value, STATUS_COLOURS[status]) for status in Status],
        "lines": [_line(k, s, several) for k, s in enumerate(spoken[:MOST_LINES])],
        "more_lines": max(0, len(spoken) - MOST_LINES),
        "events": _events(read),
        "logs": [_origin(log) for log in read],
    }
    text = render("field.html", context)
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")
    return Page(len(text.encode()), answers, context["notes"])


def _name(station: Station, several: bool) -> str:
    name = station.callsign or "no callsign"
    return f"{name}, {station.log}" if several else name


def _answer(station: Station, several: bool) -> str:
    snr = station.middle("snr_db")
    at = "" if snr is None else f" at an SNR of {snr:.1f} dB"
    return (
        f"{_name(station, several)}: {percent(station.fer.value)} of"
        f" {len(station.frames)} frames failed{at}"
    )


def _span(found: list[Station]) -> str:
    times = [time for station in found for time in station.times]
    if not times:
        return ""
    first, last = (t.astimezone(timezone.utc) for t in (min(times), max(times)))
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"


def _totals(found: list[Station], several: bool) -> dict[str, Any]:
    columns = [("callsign", False)] + ([("log", False)] if several else [])
    columns += [("mode", False), ("frames", True), ("failing", True), ("95 % interval", True)]
    columns += [("missed", True)] + [(status.value, True) for status in Status]
    columns += [("SNR dB", True), ("offset Hz", True), ("latency s", True), ("text", False)]
    rows = []
    for station in found:
        fer = station.fer
        row = [station.callsign or "not known"] + ([station.log] if several else [])
        row += [station.mode, str(len(station.frames))]
        row += [percent(fer.value), f"{percent(fer.low)} to {percent(fer.high)}"]
        row += [str(station.missed)]
        row += [str(station.count(status.value)) for status in Status]
        middles = (("snr_db", 1), ("offset_hz", 0), ("latency_s", 2))
        row += [_round(station.middle(name), places) for name, places in middles]
        rows.append([*row, station.text])
    return {"columns": columns, "rows": rows}


def _curves(found: list[Station], path: str | Path | None) -> tuple[list[dict[str, str]], list]:
    known = read_curves(path)
    pictures, notes = [], []
    for number, mode in enumerate(dict.fromkeys(station.mode for station in found)):
        frames = [frame for station in found if station.mode == mode for frame in station.frames]
        measured, outside = by_snr(frames)
        simulated = [curve for curve in known if curve.mode == mode]
        if outside:
            notes.append(f"{outside} frames of which no SNR is known are not in the curve")
        if not measured:
            continue
        caption = (
            "Blue: measured, a point for each dB, with 95 % Wilson intervals; hollow: none failed,"
            " drawn at the interval's upper end. A frame that was not found counts at the SNR of"
            " the one before it."
        )
        _, high = shown_range(measured)
        if max(measured) > high:
            caption += f" Beyond {high} dB, which is not shown, none failed."
        drawn = reaching(measured, simulated)
        if drawn:
            caption += (
                " Grey: simulated, by the mean SNR of the whole signal. In fading the SNR of each"
                " frame, as measured here, gives a steeper curve."
            )
        elif simulated:
            caption += " No simulated curve of this mode has failing frames at these SNRs."
        else:
            notes.append(f"there is no simulated curve of the mode {mode or 'that is not named'}")
        pictures.append(
            {
                "title": f"Mode {mode}",
                "svg": curve_picture(mode, measured, drawn, f"curve{number}"),
                "caption": caption,
            }
        )
    return pictures, notes


def _tests(found: list[Station], several: bool) -> dict[str, Any]:
    columns = [("callsign", False), ("test frames", True), ("not found", True)]
    columns += [("other frames", True), ("bit errors before", True), ("white noise would", True)]
    columns += [("after", True), ("frames that fail", True)]
    rows = [
        [
            _name(row.station, several), str(row.tests.frames), str(row.missed),
            str(row.tests.strange), _rate(row.tests.before_rate), _rate(row.expected),
            _rate(row.tests.after_rate), percent(row.station.fer.value),
        ]
        for row in bit_error_rows(found)
    ]  # fmt: skip
    return {"columns": columns, "rows": rows}


def _line(number: int, station: Station, several: bool) -> dict[str, Any]:
    frames = station.frames
    rates = [frame["sample"] / frame["samples"] * 0.32 for frame in frames]
    times = station.times
    if len(times) == len(frames):
        rates = [(time - times[0]).total_seconds() for time in times]
    title = _name(station, several)
    letters = "".join(LETTERS[Status(frame["status"])] for frame in frames)
    return {
        "title": title,
        "svg": time_picture(
            frames, [at - rates[0] for at in rates], f"time{number}",
            f"SNR and frequency offset over time, {title}; the totals are in the table",
        ),
        "strip": timeline(letters),
    }  # fmt: skip


def _events(logs: list[Log]) -> list[str]:
    said = []
    for log in logs:
        for event in log.events:
            rest = {key: value for key, value in event.items() if key not in ("event", "time")}
            words = ", ".join(f"{key} {value}" for key, value in rest.items())
            said.append(f"{event.get('time') or log.name}: {event['event']}; {words}"[:300])
    left = len(said) - MOST_EVENTS
    return said[:MOST_EVENTS] + ([f"{left} more"] if left > 0 else [])


def _origin(log: Log) -> str:
    words = [f"mode {log.about.get('mode')}", f"{log.about.get('source')}"]
    return f"{log.name} ({', '.join(words)})"


def _round(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"


def _rate(value: float | None) -> str:
    return "" if value is None else percent(value)
