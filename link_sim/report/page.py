"""The page: everything put together and written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from voicelink.blocks.status import Status
from voicelink.link_sim.picture import COLOURS as STATUS_COLOURS
from voicelink.link_sim.report import sections
from voicelink.link_sim.report.labels import condition_label
from voicelink.link_sim.report.limits import criterion, limits
from voicelink.link_sim.report.needs import check_libraries
from voicelink.link_sim.report.players import MOST, Players, players
from voicelink.link_sim.report.render import render
from voicelink.link_sim.report.results import read_results
from voicelink.link_sim.report.sound import LOUDNESS
from voicelink.link_sim.report.study import Study
from voicelink.link_sim.report.words import answer, delay_headline, headlines, wanted_words
from voicelink.models.errors import require
from voicelink.models.files import check_folder, writing


@dataclass(frozen=True)
class Page:
    """What was written.

    Attributes:
        size: bytes.
        players: recordings that it plays, the originals among them.
        answers: one line for each condition.
        notes: what was left out, one line each.
    """

    size: int
    players: int
    answers: list[str]
    notes: list[str]


def write_report(
    folder: str | Path, path: str | Path, understood: float = 0.6, most_players: int = MOST
) -> Page:
    """Write one HTML file that holds its pictures and sounds, and works without a network.

    Args:
        folder: what `voicelink sweep` wrote.
        path: the name of the file.
        understood: the least ESTOI at which speech counts as understandable, 0 to 1.
        most_players: recordings that the page may have, originals not counted.

    Raises:
        ParameterError: a library is missing, or the file cannot be written.
        FormatError: the folder holds no results that can be read.
    """
    check_libraries()
    check_folder(path)
    require("understood", understood, 0, 1)
    require("most_players", most_players, 0)
    results = read_results(folder)
    study = Study(results)
    wanted = criterion(study, understood)
    found = limits(study, wanted)
    answers = [
        ": ".join(filter(None, (condition_label(condition), text)))
        for condition, text in headlines(study, found, wanted).items()
    ]
    # Of a channel that holds packets up, that is what was asked.
    delay = delay_headline(study) if study.adds_delay and not study.has_speech else ""
    answers = [*filter(None, [delay]), *answers]
    heard = players(study, found, int(most_players))
    strips, more_strips = sections.strips(study, found)
    histograms, more_histograms = sections.histograms(study, found)
    context = {
        "title": results.title,
        "about": results.about,
        "headline": answers[0],
        "delay": delay,
        "wanted": wanted_words(wanted),
        "by_speech": study.has_speech,
        "swept": study.x is not None,
        "spread": any(link.spread > 1 for link in study.links),
        "sentences": answer(study, found, wanted),
        "limits": sections.limit_rows(study, found, wanted),
        "channel": _channel(results.channel),
        "varied": [sections.setting_words(results.points, name) for name in results.varied],
        "figures": sections.figures(study, wanted),
        "strips": strips,
        "more_strips": more_strips,
        "histograms": histograms,
        "more_histograms": more_histograms,
        "adds_delay": study.adds_delay,
        "statuses": [(status.value, STATUS_COLOURS[status]) for status in Status],
        "heard": heard,
        "loudness": LOUDNESS,
        "table": sections.table(study),
        "failed": [
            (point, study.label(point.link), condition_label(tuple(point.at.items())))
            for point in results.failed
        ],
        "notes": _notes(results.notes, heard),
        "origin": _origin(results.points),
    }
    text = render("report.html", context)
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")
    return Page(len(text.encode()), len(heard.players), answers, context["notes"])


def _channel(channel: Any) -> str:
    if not channel:
        return ""
    return yaml.safe_dump(channel, default_flow_style=None, sort_keys=False).strip()


def _notes(notes: list[str], heard: Players) -> list[str]:
    played = sum(player.place >= 0 for player in heard.players)
    if played < heard.kept:
        notes = [
            *notes,
            f"{played} of the {heard.kept} recordings that were kept can be heard here",
        ]
    return notes


def _origin(points) -> list[tuple[str, str]]:
    names = {"version": "gr-voicelink", "numpy": "numpy", "model_hash": "model"}
    found = {key: sorted({point.origin[key] for point in points}) for key in names}
    return [(names[key], ", ".join(filter(None, values))) for key, values in found.items()]
