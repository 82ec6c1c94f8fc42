"""``voicelink modem``: the radio waveform measured, beside the bound and beside FreeDV."""

from __future__ import annotations

import argparse
import sys

HELP = "the radio waveform measured: modes, error curves, speech beside FreeDV, noise, CPU"

_AWGN = "-4:-2:0.25"
_FADING = "-2:14:2"
_SPEECH = "awgn:-5:1:1,watterson-moderate:0:12:3,watterson-poor:0:12:3"  # what the README shows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs below this one."""
    verbs = parser.add_subparsers(dest="modem_verb", required=True, metavar="WHAT")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.add_argument(
            "--json", metavar="FILE", help="write the results as JSON; - for stdout, and no table"
        )
        sub.add_argument("--csv", metavar="FILE", help="write the results as CSV")
        sub.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is random")
        return sub

    verb("modes", "the table of modes: bandwidth and peaks as measured on their signals")
    curve = verb("curve", "frame errors against the SNR, everything included")
    curve.add_argument(
        "--mode", default="bpsk", metavar="A,B", help="modes, such as bpsk,qpsk,bpsk/4: 4 is spread"
    )
    _add_paths(curve)
    curve.add_argument(
        "--frames", type=int, default=500, metavar="N", help="at each point (default: 500)"
    )
    curve.add_argument(
        "--over", type=int, default=25, metavar="N",
        help="frames in an over, with each of which the receiver begins anew (default: 25)",
    )  # fmt: skip
    curve.add_argument(
        "--offset", type=float, default=100, metavar="HZ",
        help="the receiver's frequency is off by up to this (default: 100)",
    )  # fmt: skip
    curve.add_argument(
        "--ppm", type=float, default=20, help="and its clock by up to this (default: 20)"
    )
    curve.add_argument(
        "--model", metavar="ID", help="the model whose payloads are sent, by their size"
    )
    curve.add_argument("--cheap", action="store_true", help="with the faults of a cheap receiver")
    curve.add_argument(
        "--freedv",
        metavar="A,B",
        help="also FreeDV 700D, 700E on the same samples; best with --offset 50 --over 100",
    )
    curve.add_argument("--picture", metavar="FILE", help="draw the curves (PNG, SVG or PDF)")
    speech = verb("speech", "speech over the whole chain, beside FreeDV on the same samples")
    speech.add_argument(
        "--systems", default="bpsk,qpsk,700D,700E", metavar="A,B",
        help="modes of ours, bpsk/4 for one spread over 4, and of FreeDV"
        " (default: bpsk,qpsk,700D,700E)",
    )  # fmt: skip
    _add_paths(speech, _SPEECH)
    speech.add_argument(
        "--speech", metavar="PATH", help="a folder of recordings, or one (default: the sample)"
    )
    speech.add_argument("--limit", type=int, metavar="N", help="only its first N recordings")
    speech.add_argument(
        "--seeds", type=int, default=3, metavar="N",
        help="stretches of each path, for each recording (default: 3)",
    )  # fmt: skip
    speech.add_argument(
        "--measures", default="estoi", metavar="A,B", help="as of `eval` (default: estoi)"
    )
    speech.add_argument("--model", metavar="ID", help="model, or a model's folder")
    speech.add_argument(
        "--picture", metavar="FILE", help="draw frame errors and the first measure (PNG, SVG, PDF)"
    )
    noise = verb("noise", "bursts taken out of noise alone")
    noise.add_argument("--mode", default="bpsk", metavar="A,B", help="modes (default: bpsk)")
    noise.add_argument("--hours", type=float, default=1.0, metavar="H", help="of each (default: 1)")
    cpu = verb("cpu", "what the receiver costs: CPU seconds for each second of signal")
    cpu.add_argument("--mode", default="bpsk", metavar="A,B", help="modes (default: bpsk)")
    cpu.add_argument(
        "--seconds", type=float, default=60, metavar="S", help="of each signal (default: 60)"
    )


def _add_paths(parser: argparse.ArgumentParser, default: str = "awgn") -> None:
    parser.add_argument(
        "--path", default=default, metavar="A,B",
        help="awgn, watterson-good, watterson-moderate, watterson-poor; levels of its own behind a"
        " colon, as awgn:-4:0:0.5 (first, last, step), or one level"
        f" (default: {default}; {_AWGN}, and {_FADING} of fading paths)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from contextlib import ExitStack

    from voicelink.link_sim.modem.speech import summed_up
    from voicelink.link_sim.modem.tables import rows, show, to_csv
    from voicelink.link_sim.picture import check_picture_name
    from voicelink.models.errors import ParameterError, require
    from voicelink.models.files import writing

    require("--seed", args.seed, 0)
    if args.csv == "-":
        raise ParameterError("--csv must be a file; only --json takes - for stdout")
    if getattr(args, "picture", None):
        check_picture_name(args.picture)
    with ExitStack() as stack:
        # Opened before the work, so that a name that cannot be written costs no waiting.
        files = {
            name: stack.enter_context(writing(file))
            for name, file in (("json", args.json), ("csv", args.csv))
            if file and file != "-"
        }
        results, columns = globals()[f"_{args.modem_verb}"](args)
        as_json = _json(rows(results))
        if "json" in files:
            files["json"].write_text(as_json, encoding="utf-8")
        if "csv" in files:
            files["csv"].write_text(to_csv(results), encoding="utf-8")
    if args.json == "-":
        sys.stdout.write(as_json)
    else:
        # Of speech the means; its files have every run.
        show(summed_up(results) if args.modem_verb == "speech" else results, columns)
    return 0


def _json(table: list[dict]) -> str:
    import json

    return json.dumps(table, indent=2) + "\n"


def _modes(args: argparse.Namespace):
    from voicelink.link_sim.modem.table import table

    columns = {
        "mode": "mode", "profile": "profile", "bits": "bits", "symbol_rate": "Bd|.0f",
        "bandwidth_hz": "99 % of power, Hz|.0f", "papr_db": "PAPR 99.9 %, dB|.1f",
        "peak_db": "peak, dB|.1f", "overhead_db": "overhead, dB|.2f", "use": "use",
    }  # fmt: skip
    return table(args.seed), columns


def _curve(args: argparse.Namespace):
    from voicelink.link_sim.choices import chosen_names
    from voicelink.link_sim.modem.curve import Setting, measure
    from voicelink.link_sim.modem.freedv import MODES
    from voicelink.link_sim.modem.peer import measure_peer
    from voicelink.link_sim.modem.picture import draw_curves
    from voicelink.link_sim.modem.speech import System
    from voicelink.models.card import DEFAULT, card
    from voicelink.models.errors import require
    from voicelink.models.evaluation.progress import progress_bar

    payload_bits = card(args.model or DEFAULT).payload_bits
    require("--frames", args.frames, 1)
    require("--over", args.over, 1, 10_000)
    require("--offset", args.offset, 0, 500)
    require("--ppm", args.ppm, 0, 200)
    systems = [System(name) for name in _names("--mode", args.mode)]
    peers = chosen_names("--freedv", args.freedv, MODES) if args.freedv else []
    systems += [System(name) for name in peers]
    paths = _paths(args.path)
    points, jobs = [], [(s, p, x) for s in systems for p, levels in paths.items() for x in levels]
    with progress_bar() as bar:
        for done, (system, path, snr_db) in enumerate(jobs):
            bar(done, len(jobs), f"{system.name} {path} {snr_db:g} dB")
            mode, spread = ("bpsk", 1) if system.peer else system.mode
            setting = Setting(
                mode, path, args.over, spread, args.offset, args.ppm, args.cheap, payload_bits
            )  # fmt: skip
            if system.peer:
                points.append(measure_peer(system.name, setting, snr_db, args.frames, args.seed))
            else:
                points.append(measure(setting, snr_db, args.frames, args.seed))
    if args.picture:
        draw_curves(points, args.picture)
    columns = {
        "system": "system", "path": "path", "snr_db": "SNR, dB|.2f", "frames": "frames",
        "fer": "FER|.2%", "low": "from|.1%", "high": "to|.1%", "bound": "bound|.0e",
        "acquired": "found", "bursts": "bursts", "first": "first", "overs": "overs",
        "strays": "strays", "false": "false", "frequency_hz": "Hz rms|.2f",
        "llr_scale": "LLR|.2f", "cpu": "CPU|.3f",
    }  # fmt: skip
    return points, columns


def _speech(args: argparse.Namespace):
    from voicelink.blocks.audio import read_audio
    from voicelink.link_sim.benchmark import SAMPLE
    from voicelink.link_sim.choices import chosen
    from voicelink.link_sim.modem.picture import draw_speech
    from voicelink.link_sim.modem.speech import System, compare
    from voicelink.link_sim.recordings import read_recordings
    from voicelink.models.card import DEFAULT, card
    from voicelink.models.errors import require
    from voicelink.models.evaluation.measures import WITHOUT_TRANSCRIPTS
    from voicelink.models.evaluation.progress import progress_bar

    require("--seeds", args.seeds, 1)
    if args.limit is not None:
        require("--limit", args.limit, 1)
    systems = [System(name) for name in _names("--systems", args.systems)]
    measures = chosen("--measures", args.measures, WITHOUT_TRANSCRIPTS)
    paths = _paths(args.path)
    if args.speech:
        recordings = {r.name: r.audio for r in read_recordings(args.speech, args.limit)}
    else:
        recordings = {SAMPLE.name: read_audio(SAMPLE)}
    with progress_bar() as bar:
        results = compare(
            systems, paths, recordings, measures, args.seeds, args.seed, args.model or DEFAULT,
            lambda done, total: bar(done, total, f"{done} of {total}"),
        )  # fmt: skip
    if args.picture:
        bits = card(args.model or DEFAULT).payload_bits
        draw_speech(results, args.picture, measures[0].name, bits)
    columns = {
        "path": "path", "snr_db": "SNR, dB|.1f", "system": "system", "frames": "frames",
        "share": "wrong|.1%",
    } | {m.name: f"{m.label}|.{m.digits}f" for m in measures}  # fmt: skip
    return results, columns


def _noise(args: argparse.Namespace):
    from voicelink.blocks.modem import modes
    from voicelink.link_sim.choices import chosen_names
    from voicelink.link_sim.modem.receiver import listen_to_noise
    from voicelink.models.errors import require
    from voicelink.models.evaluation.progress import progress_bar

    require("--hours", args.hours, 0.001, 10_000)
    results = []
    with progress_bar() as bar:
        for mode in chosen_names("--mode", args.mode, modes()):

            def show(hours: float, mode: str = mode) -> None:
                bar(hours, args.hours, f"{mode}, {hours:.2f} h of noise")

            results.append(listen_to_noise(mode, args.hours, args.seed, show))
    columns = {
        "mode": "mode", "hours": "hours|.2f", "bursts": "bursts", "confirmed": "confirmed",
        "frames": "CRC right", "cpu": "CPU s/s|.4f",
    }  # fmt: skip
    return results, columns


def _cpu(args: argparse.Namespace):
    from voicelink.blocks.modem import modes
    from voicelink.link_sim.choices import chosen_names
    from voicelink.link_sim.modem.receiver import costs
    from voicelink.models.errors import require

    require("--seconds", args.seconds, 1, 1e6)
    names = chosen_names("--mode", args.mode, modes())
    results = [cost for name in names for cost in costs(name, args.seconds, args.seed)]
    return results, {"mode": "mode", "signal": "signal", "cpu": "CPU s/s|.4f"}


def _names(option: str, text: str) -> list[str]:
    from voicelink.models.errors import ParameterError

    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise ParameterError(f"{option} must name one mode at least")
    return names


def _paths(text: str) -> dict[str, list[float]]:
    """Levels by path, of ``awgn:-4:0:0.5,watterson-poor``."""
    from voicelink.link_sim.modem.path import PATHS
    from voicelink.models.errors import ParameterError, one_of, require

    paths: dict[str, list[float]] = {}
    for part in _names("--path", text):
        name, _, levels = part.partition(":")
        one_of("--path", name, PATHS)
        words = (levels or (_AWGN if name == "awgn" else _FADING)).split(":")
        wanted = f"the levels of --path {name} must be FIRST:LAST:STEP or one level in dB"
        if len(words) not in (1, 3):
            raise ParameterError(f"{wanted}, not {levels!r}")
        try:
            first, last, step = (float(word) for word in (words * 3 if len(words) == 1 else words))
        except ValueError:
            raise ParameterError(f"{wanted}, not {levels!r}") from None
        if len(words) == 1:
            step = 1.0
        for value in (first, last):
            require(f"a level of --path {name}", value, -60, 100)
        require(f"the step of --path {name}", step, 0.01, 100)
        count = int((last - first) / step + 1e-6) + 1
        if count < 1:
            raise ParameterError(f"{wanted}, rising, not {levels!r}")
        paths[name] = [round(first + k * step, 6) for k in range(count)]
    return paths
