"""``voicelink eval``: this codec and others by the same measures, over a folder of recordings."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from voicelink.models.card import DEFAULT

HELP = "measure codecs on a folder of recordings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        help="a folder of audio files, or one such file; a manifest.tsv beside them with the"
        " columns file, sex (M, F) and speaker gives men and women apart, and the worst of each"
        " speaker, with the column text word errors",
    )
    parser.add_argument(
        "--transcripts",
        metavar="FILE",
        help="what is said, for word errors: tab-separated with the columns file and text, numbers"
        " as words (default: the manifest's); the recogniser expects these sentences and no others,"
        " so that word errors compare between runs with the same FILE only",
    )
    parser.add_argument(
        "--discount",
        type=float,
        default=0.5,
        metavar="D",
        help="how unsurely the recogniser expects their pairs of words, 0.1 to 0.99 (default: 0.5)",
    )
    parser.add_argument(
        "--codecs",
        metavar="A,B",
        help="which, by name, as codec2-1300, opus-6000, or original for none at all (default:"
        " those of --model, and everybody else's that are on this machine)",
    )
    parser.add_argument(
        "--model",
        metavar="A,B",
        help="which of this project's, by id or folder, or all; with --codecs, beside those"
        f" (default: {DEFAULT})",
    )
    parser.add_argument(
        "--measures",
        metavar="A,B",
        help="which (default: every one that is on this machine; word errors"
        " where it is known what is said)",
    )
    parser.add_argument(
        "--noise",
        metavar="PATH",
        help="add noise from this recording, or from one of this folder's: codecs hear it, and are"
        " measured against the speech without it (needs --snr)",
    )
    parser.add_argument(
        "--snr", type=float, metavar="DB", help="of the active speech to the noise, -20 to 80"
    )
    parser.add_argument(
        "--level", type=float, metavar="DBFS", help="bring every recording to this RMS, -80 to 0"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the noise's choice (default: 0)"
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

    from voicelink.link_sim.choices import chosen, require_transcripts
    from voicelink.link_sim.recordings import (
        audio_files,
        inputs_of,
        read_recordings,
        read_transcripts,
    )
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.evaluation import tables
    from voicelink.models.evaluation.evaluate import evaluate
    from voicelink.models.evaluation.measures import MEASURES, WITHOUT_TRANSCRIPTS
    from voicelink.models.evaluation.progress import progress_bar
    from voicelink.models.files import check_apart, writing

    jobs = len(os.sched_getaffinity(0)) if args.jobs is None else args.jobs
    require("--jobs", jobs, 1, 256)
    if args.limit is not None:
        require("--limit", args.limit, 1)
    require("--discount", args.discount, 0.1, 0.99)
    condition = _condition(args)
    wanted_codecs = _codecs(args.codecs, args.model)
    named = None if args.measures is None else chosen("--measures", args.measures, MEASURES)
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

    noises = [] if args.noise is None else audio_files(args.noise)
    inputs = [*inputs_of(args.folder, args.transcripts), *noises]
    check_apart([args.csv, args.json, args.markdown], inputs)
    transcripts = read_transcripts(args.folder, args.transcripts, args.limit, args.discount)
    require_transcripts("--measures", named or (), transcripts)
    known = MEASURES if transcripts else WITHOUT_TRANSCRIPTS
    wanted_measures = named or list(known.values())
    with ExitStack() as stack:
        # Opened before the work, so that a name that cannot be written costs no waiting.
        parts = [(stack.enter_context(writing(path)), form) for path, form in outputs]
        recordings = read_recordings(args.folder, args.limit, transcripts)
        with progress_bar() as progress:
            results = evaluate(
                wanted_codecs, recordings, wanted_measures, progress, jobs, condition
            )
        for part, form in parts:
            part.write_text(form(results), encoding="utf-8")

    if args.json == "-":
        print(tables.to_json(results), end="")
        for note in tables.notes(results):
            print(f"voicelink: {note}", file=sys.stderr)
    else:
        print(tables.text(results), end="")
    return 0


def _codecs(named: str | None, models: str | None) -> list:
    """What --codecs and --model ask for, in the order of the table."""
    from voicelink.link_sim.choices import chosen
    from voicelink.models.evaluation.peers import Model, codecs

    known = codecs()
    own = {name: codec for name, codec in known.items() if isinstance(codec, Model)}
    if named is not None:
        wanted = chosen("--codecs", named, known)
    else:
        wanted = [codec for name, codec in known.items() if name not in own]
        models = models or DEFAULT
    if models == "all":
        wanted += [codec for codec in own.values() if codec not in wanted]
    elif models is not None:
        folders = {
            name: Model(name)
            for name in models.split(",")
            if (Path(name) / "card.yaml").is_file() and name not in own
        }
        wanted += chosen("--model", models, own | folders)
    return sorted(dict.fromkeys(wanted), key=lambda codec: -codec.bit_rate)


def _condition(args: argparse.Namespace):
    """What --level, --noise, --snr and --seed ask for."""
    from voicelink.blocks.audio import read_audio
    from voicelink.link_sim.recordings import audio_files
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.evaluation import conditions

    for option, value, low, high in (
        ("--level", args.level, conditions.LOWEST_LEVEL, conditions.HIGHEST_LEVEL),
        ("--snr", args.snr, conditions.LOWEST_SNR, conditions.HIGHEST_SNR),
        ("--seed", args.seed, 0, conditions.LARGEST_SEED),
    ):
        if value is not None:
            require(option, value, low, high)
    if (args.noise is None) != (args.snr is None):
        given, missing = ("--snr", "--noise") if args.noise is None else ("--noise", "--snr")
        raise ParameterError(f"{given} must come with {missing}")
    noises = {}
    if args.noise is not None:
        noises = {file.name: read_audio(file) for file in audio_files(args.noise)}
        for name, noise in noises.items():
            if not noise.any():
                raise ParameterError(f"--noise: {name} must be heard, but is silent")
    return conditions.Condition(args.level, args.snr, noises, args.seed)
