"""How decoded speech degrades with the link: ``python -m voicelink.link_sim.damage FOLDER``.

Bit errors without error correction, decided hard or left soft; superframes lost singly and in
bursts; and white noise through the profiles `half` and `third`, with what error correction could
not mend dropped, trusted, or decoded softly as the receiver does. Codec 2 beside it where it is
installed: the same error rates, the same 320 ms lost, in which it repeats the last good frame for
80 ms and is silent then. Each drop is against the same codec over an undamaged link.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack

from voicelink.link_sim.choices import chosen, chosen_names, require_transcripts
from voicelink.link_sim.damage_picture import draw
from voicelink.link_sim.damage_results import Curves, damage_curves, to_json
from voicelink.link_sim.damaged_codec2 import MODES, Codec2Link
from voicelink.link_sim.damaged_speech import DAMAGES, NeuralLink
from voicelink.link_sim.picture import check_picture_name
from voicelink.link_sim.recordings import inputs_of, read_recordings, read_transcripts
from voicelink.models.card import DEFAULT, card
from voicelink.models.engines import present
from voicelink.models.errors import ParameterError, VoiceLinkError, require
from voicelink.models.evaluation.evaluate import Mean
from voicelink.models.evaluation.measures import MEASURES, Measure
from voicelink.models.evaluation.progress import progress_bar
from voicelink.models.evaluation.tables import unheard_note
from voicelink.models.files import check_apart, writing
from voicelink.models.sizes import SAMPLE_RATE

USUAL = ("estoi", "pesq", "phonemes", "words")
"""The measures that are taken by default, where they are on this machine, words where it is known
what is said."""


def usual_measures(transcribed: bool = False) -> list[Measure]:
    """Those of `USUAL` that are here, of recordings with transcripts where they are
    ``transcribed``.

    Raises:
        ParameterError: there is none.
    """
    measures = [MEASURES[name] for name in USUAL]
    here = [m for m in measures if not m.absent() and (transcribed or not m.transcribed)]
    if not here:
        raise ParameterError(f"--measures: {measures[0].absent()}")
    return here


def table(curves: Curves) -> str:
    """The curves as Markdown: each measure's mean, and its drop against the undamaged link."""

    def cell(mean: Mean, digits: int, sign: str = "") -> str:
        # Adding 0.0 makes -0.0 positive.
        return f"{round(mean.value, digits) + 0.0:{sign}.{digits}f}" if mean.count else "-"

    heads = [text for m in curves.measures for text in (m.label, "worse by")]
    titles = ["link", "receiver", "level", *heads, "failed %", "clean/corrected/soft/concealed %"]
    lines = []
    for kind, title in DAMAGES.items():
        drawn = [curve for curve in curves.curves if curve.kind == kind]
        if not drawn:
            continue
        unit = "Eb/N0 in dB" if kind in ("half", "third") else "level in %"
        lines += ["", f"**{title}**, {unit}", "", f"| {' | '.join(titles)} |"]
        lines.append("|---|---|" + "---:|" * (len(titles) - 2))
        for curve in drawn:
            for level in curves.levels(curve):
                values = [
                    text
                    for m in curves.measures
                    for text in (
                        cell(curves.mean(curve, level, m.name), m.digits),
                        cell(curves.drop(curve, level, m.name), m.digits, "+"),
                    )
                ]
                shown = level if kind in ("half", "third") else 100 * level
                statuses = curves.statuses(curve, level).values()
                cells = [
                    *(curve.link, curve.receiver, f"{shown:g}", *values),
                    f"{100 * curves.failed(curve, level):.1f}",
                    "/".join(f"{100 * share:.0f}" for share in statuses),
                ]
                lines.append(f"| {' | '.join(cells)} |")
    lines += [f"\nabsent: {text}" for text in curves.absent]
    lines += [f"\n{note}" for note in unheard_note(curves.unheard)]
    return "\n".join(lines[1:]) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status is 0, or 2 for bad input or where something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.link_sim.damage",
        description="How decoded speech degrades with bit errors, lost frames and noise.",
    )
    parser.add_argument("folder", help="a folder of recordings, or one")
    parser.add_argument(
        "--model", default=DEFAULT, help="a released model's id, also with a variant, or its folder"
    )
    parser.add_argument(
        "--measures", metavar="A,B", help=f"which (default: of {', '.join(USUAL)} those here)"
    )
    parser.add_argument(
        "--transcripts", metavar="FILE", help="what is said, as voicelink eval takes it"
    )
    parser.add_argument("--only", metavar="A,B", help=f"which damage, of {', '.join(DAMAGES)}")
    parser.add_argument("--json", metavar="FILE", help="write means, drops and statuses")
    parser.add_argument("--picture", metavar="FILE", help="draw the first measure (PNG, SVG, PDF)")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="processes to work in (default: one for each core)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N recordings")
    parser.add_argument("--seed", type=int, default=0, help="of the damage (default 0)")
    args = parser.parse_args(argv)
    try:
        _run(args)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    return 0


def _run(args: argparse.Namespace) -> None:
    jobs = len(os.sched_getaffinity(0)) if args.jobs is None else args.jobs
    require("--jobs", jobs, 1, 256)
    require("--seed", args.seed, 0)
    if args.limit is not None:
        require("--limit", args.limit, 1)
    named = None if args.measures is None else chosen("--measures", args.measures, MEASURES)
    kinds = list(DAMAGES) if args.only is None else chosen_names("--only", args.only, DAMAGES)
    if args.picture:
        check_picture_name(args.picture)
    neural = NeuralLink(args.model)
    links = [neural, *map(Codec2Link, MODES)]
    title = f"{neural.name} over a damaged link"
    present(card(args.model))  # one that cannot run is refused before the work
    with ExitStack() as stack:
        # Opened first, so that a name that cannot be written costs no waiting.
        part = stack.enter_context(writing(args.json)) if args.json else None
        check_apart([args.json, args.picture], inputs_of(args.folder, args.transcripts))
        transcripts = read_transcripts(args.folder, args.transcripts, args.limit)
        require_transcripts("--measures", named or (), transcripts)
        measures = named or usual_measures(bool(transcripts))
        recordings = read_recordings(args.folder, args.limit, transcripts)
        with progress_bar() as report:
            curves = damage_curves(links, recordings, measures, kinds, args.seed, jobs, report)
        if part:
            part.write_text(to_json(curves), encoding="utf-8")
        print(table(curves), end="")
        if args.picture:
            seconds = sum(len(r.audio) for r in recordings) / SAMPLE_RATE
            title = f"{title}: {len(recordings)} recordings, {seconds / 60:.1f} minutes"
            draw(curves, args.picture, measures[0].name, title)


if __name__ == "__main__":
    sys.exit(main())
