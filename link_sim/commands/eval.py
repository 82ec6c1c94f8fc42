"""``voicelink eval``: this codec and others by the same measures, over a folder of recordings."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HELP = "measure codecs on a folder of recordings"

_ENDINGS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        help="a folder of audio files, or one such file; a manifest.tsv beside them with the"
        " columns file and sex (M, F) gives men and women apart",
    )
    parser.add_argument(
        "--codecs", metavar="A,B", help="which (default: every one that is on this machine)"
    )
    parser.add_argument(
        "--measures", metavar="A,B", help="which (default: every one that is on this machine)"
    )
    parser.add_argument("--csv", metavar="FILE", help="write each recording's values")
    parser.add_argument(
        "--json", metavar="FILE", help="write everything as JSON; - for stdout, without the table"
    )
    parser.add_argument("--markdown", metavar="FILE", help="write the tables in Markdown")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="processes to work in (default: one for each core)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N recordings")


def run(args: argparse.Namespace) -> int:
    from contextlib import ExitStack

    from voicelink.blocks.files import writing
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.evaluation import tables
    from voicelink.models.evaluation.evaluate import evaluate
    from voicelink.models.evaluation.measures import MEASURES
    from voicelink.models.evaluation.peers import codecs

    jobs = len(os.sched_getaffinity(0)) if args.jobs is None else args.jobs
    require("--jobs", jobs, 1, 256)
    if args.limit is not None:
        require("--limit", args.limit, 1)
    chosen_codecs = _chosen("--codecs", args.codecs, codecs())
    chosen_measures = _chosen("--measures", args.measures, MEASURES)
    outputs = [
        (path, form)
        for path, form in (
            (args.csv, tables.to_csv),
            (args.json, tables.to_json),
            (args.markdown, tables.markdown),
        )
        if path and path != "-"
    ]
    if "-" in (args.csv, args.markdown):
        raise ParameterError("--csv and --markdown must be files; only --json takes - for stdout")

    with ExitStack() as stack:
        # Opened before the work, so that a name that cannot be written costs no waiting.
        parts = [(stack.enter_context(writing(path)), form) for path, form in outputs]
        recordings = _recordings(Path(args.folder), args.limit)
        with _progress() as progress:
            results = evaluate(chosen_codecs, recordings, chosen_measures, progress, jobs)
        for part, form in parts:
            part.write_text(form(results), encoding="utf-8")

    if args.json == "-":
        print(tables.to_json(results), end="")
        for note in tables.notes(results):
            print(f"voicelink: {note}", file=sys.stderr)
    else:
        print(tables.text(results), end="")
    return 0


def _chosen(option: str, wanted: str | None, known: dict) -> list:
    """What an option names, each one known and on this machine; everything for no option."""
    from voicelink.models.errors import ParameterError, one_of

    if wanted is None:
        return list(known.values())
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if not names:
        raise ParameterError(f"{option} must name one at least of {', '.join(known)}")
    chosen = [known[one_of(option, name, known)] for name in dict.fromkeys(names)]
    for each in chosen:
        if each.absent():
            raise ParameterError(f"{option}: {each.absent()}")
    return chosen


def _recordings(folder: Path, limit: int | None) -> list:
    from voicelink.blocks.audio import read_audio
    from voicelink.models.errors import ParameterError
    from voicelink.models.evaluation.evaluate import Recording
    from voicelink.models.evaluation.manifest import read_manifest

    if folder.is_file():
        folder, files = folder.parent, [folder]
    else:
        try:
            files = sorted(f for f in folder.iterdir() if f.suffix.lower() in _ENDINGS)
        except OSError as error:
            raise ParameterError(f"cannot read the folder {folder}: {error.strerror}") from None
    if not files:
        raise ParameterError(
            f"{folder} must hold audio files ({', '.join(_ENDINGS)}), but has none"
        )
    manifest = read_manifest(folder)
    return [
        Recording(file.name, read_audio(file), manifest.get(file.name, {}).get("sex", ""))
        for file in files[:limit]
    ]


def _progress():
    """A progress bar on stderr, where that is a terminal, as a context manager of a callback."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    @contextmanager
    def shown():
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("starting", total=None)
            yield lambda done, total, name: bar.update(
                task, completed=done, total=total, description=name
            )

    return shown()
