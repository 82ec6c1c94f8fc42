"""``voicelink sweep``: a grid of simulated links, in many processes, that a kill does not undo."""

from __future__ import annotations

import argparse
import sys

HELP = "a grid of simulated links: channels, profiles, models, recordings, seeds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument(
        "sweep", nargs="?", metavar="SWEEP", help="a YAML file, or the name of a ready-made sweep"
    )
    parser.add_argument("--list", action="store_true", help="list the ready-made ones, and leave")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="where the results go (default: the sweep's name); what is finished there is kept",
    )
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes (default: one for each core)"
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="let a Dask cluster work, as tcp://127.0.0.1:8786"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON, not a table")
    parser.add_argument("--report", metavar="FILE", help="write a page about it (.html)")
    parser.add_argument("--picture", metavar="FILE", help="draw its main curve (PNG, SVG or PDF)")
    parser.add_argument(
        "--curve", metavar="NAME", default="", help="what --picture draws, as of `report`"
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    import json
    import os
    from pathlib import Path

    from voicelink.link_sim.picture import check_picture_name
    from voicelink.link_sim.sweeping.folder import files_of_points, table_files
    from voicelink.link_sim.sweeping.read import read_document, read_sweep, sweep_names
    from voicelink.link_sim.sweeping.run import run_sweep
    from voicelink.link_sim.sweeping.table import table, values
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.evaluation.progress import progress_bar
    from voicelink.models.files import check_apart, check_folder

    if args.list:
        about = {name: read_document(name).data for name in sweep_names()}
        if args.json:
            print(json.dumps(about, indent=2))
        else:
            for name, data in about.items():
                print(f"{name:14} {data['title']}: {' '.join(data['about'].split())}")
        return 0
    if args.sweep is None:
        raise ParameterError("SWEEP must be a YAML file or a ready-made sweep's name (see --list)")
    if args.workers is not None:
        require("--workers", args.workers, 1, 1024)
        if args.dask:
            raise ParameterError("--workers is of this machine, and cannot go with --dask")
    if args.curve and not args.picture:
        raise ParameterError("--curve goes with --picture")
    if args.report or args.picture:
        from voicelink.link_sim.report.needs import check_libraries

        check_libraries()
    if args.report:
        check_folder(args.report)
    if args.picture:
        check_picture_name(args.picture)
    folder = Path(args.output or Path(args.sweep).stem)
    sweep = read_sweep(args.sweep)
    if args.curve:
        from voicelink.link_sim.report.picture import check_curve

        check_curve(args.curve, sweep.measures)
    outputs = [args.report, args.picture]
    check_apart([*table_files(folder), *outputs])
    check_apart(outputs, [args.sweep, *sweep.files(), *files_of_points(folder)])
    for note in sweep.notes:
        print(f"voicelink: note: {note}", file=sys.stderr)
    done = 0
    try:
        with progress_bar() as report:

            def count(finished: int, total: int, name: str) -> None:
                nonlocal done
                done = finished
                report(finished, total, f"{finished} of {total}, {name}")

            workers = args.workers or len(os.sched_getaffinity(0))
            outcome = run_sweep(sweep, folder, workers, args.dask, count)
    except KeyboardInterrupt:
        print(f"voicelink: interrupted; {_kept(done, folder)}", file=sys.stderr)
        return 130
    except ParameterError as error:
        raise ParameterError(f"{error}; {_kept(done, folder)}" if done else str(error)) from None
    if args.json:
        rows = [values(row) for row in outcome.rows]
        print(json.dumps(rows, indent=2))
    else:
        _show(table(sweep, outcome))
        print(f"{folder}: {len(outcome.rows)} points, {outcome.before} of them from before")
    for row in outcome.failed:
        where = " ".join(row[name] for name in (*sweep.varied, "profile", "codec", "speech"))
        print(f"voicelink: point {row['point']} ({where.strip()}): {row['error']}", file=sys.stderr)
    if args.report:
        from voicelink.link_sim.report import write_report

        write_report(folder, args.report)
        print(args.report, file=sys.stderr if args.json else sys.stdout)
    if args.picture:
        from voicelink.link_sim.report import write_picture

        write_picture(folder, args.picture, curve=args.curve)
        print(args.picture, file=sys.stderr if args.json else sys.stdout)
    return 1 if outcome.failed else 0


def _kept(done: int, folder: object) -> str:
    return f"{done} finished points are in {folder}, and the same command goes on from there"


def _show(table: object) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160).print(table)
