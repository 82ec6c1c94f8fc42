"""What a model costs, and whether it uses its bits.

Run as ``python -m voicelink.models.evaluation.cost FOLDER``: parameters, multiply-adds, file sizes
and CPU time in 32, 16 and 8 bits, with what the coarser weights do to the speech, and the entropies
of payload bits and latents over the folder's recordings.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from voicelink.models.card import DEFAULT, Card, card
from voicelink.models.codec import SpeechEncoder
from voicelink.models.errors import ParameterError, VoiceLinkError, require
from voicelink.models.evaluation.entropy import Usage, usage
from voicelink.models.evaluation.evaluate import Recording, evaluate
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.evaluation.operations import load, multiply_adds, parameters
from voicelink.models.evaluation.peers import Model
from voicelink.models.evaluation.precisions import FILES, FORMS, write_form
from voicelink.models.evaluation.progress import progress_bar
from voicelink.models.sizes import LATENTS, PAYLOAD_BITS, SUPERFRAME_SECONDS

_MEASURED = ("estoi", "pesq")


@dataclass(frozen=True)
class Part:
    """One of the two graphs: its weights, and multiply-adds for each second of speech."""

    name: str
    parameters: int
    multiply_adds: float


@dataclass(frozen=True)
class Form:
    """The model in one precision.

    Attributes:
        bytes: of both files.
        cpu: CPU seconds of encoding and decoding, per second of speech, on one core.
        estoi, pesq: of the decoded speech.
    """

    name: str
    bytes: int
    cpu: float
    estoi: float
    pesq: float


def parts(model: Card) -> list[Part]:
    """Weights and multiply-adds of encoder and decoder."""
    graphs = {name: load(model.file(name)) for name in FILES}
    return [
        Part(Path(name).stem, parameters(graph), multiply_adds(graph) / SUPERFRAME_SECONDS)
        for name, graph in graphs.items()
    ]


def forms(
    model: Card,
    recordings: list[Recording],
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> list[Form]:
    """The model in each precision, measured on the recordings."""
    with tempfile.TemporaryDirectory() as temporary:
        folders = {form: write_form(model, form, Path(temporary)) for form in FORMS}
        results = evaluate(
            [Model(str(folder)) for folder in folders.values()],
            recordings,
            [MEASURES[name] for name in _MEASURED],
            # The codecs are named by their temporary folders.
            lambda done, total, name: progress(done, total, Path(name).name),
        )
        return [
            Form(
                form,
                sum((folder / name).stat().st_size for name in FILES),
                results.cpu(str(folder)),
                *(results.mean(str(folder), name).value for name in _MEASURED),
            )
            for form, folder in folders.items()
        ]


def used(model: str | Path, recordings: list[Recording]) -> Usage:
    """The usage of the bits over all recordings."""
    encoder = SpeechEncoder(model)
    return usage(b"".join(encoder.encode(r.audio) + encoder.flush() for r in recordings))


def read(folder: Path, limit: int | None) -> list[Recording]:
    """The audio files below a folder.

    Raises:
        ParameterError: there is none, or one cannot be read.
    """
    from voicelink.models.training.corpus import read_folder

    try:
        found = read_folder(folder)
    except (OSError, RuntimeError) as error:  # libsndfile's are RuntimeErrors
        raise ParameterError(f"cannot read {folder}: {error}") from None
    if not found:
        raise ParameterError(f"{folder} must be a folder with recordings, but has none")
    return [Recording(name, audio) for name, audio in found[:limit]]


def text(found: list[Part], measured: list[Form], use: Usage) -> str:
    """The tables in Markdown."""
    lines = ["| graph | parameters | multiply-adds for 1 s of speech |", "|---|---:|---:|"]
    total = Part("both", sum(p.parameters for p in found), sum(p.multiply_adds for p in found))
    lines += [
        f"| {p.name} | {p.parameters / 1e6:.2f} M | {p.multiply_adds / 1e6:.0f} M |"
        for p in (*found, total)
    ]
    lines += [
        "",
        "| weights | files, MB | CPU s/s | ESTOI | PESQ-NB |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {f.name} | {f.bytes / 1e6:.2f} | {f.cpu:.4f} | {f.estoi:.3f} | {f.pesq:.2f} |"
        for f in measured
    ]
    lines += [
        "",
        f"Entropy of the {PAYLOAD_BITS} payload bits over {use.superframes} superframes:"
        f" mean {use.bits.mean():.3f}, smallest {use.bits.min():.3f} (bit {use.bits.argmin()});"
        f" of the latents' levels: mean {use.latents.mean():.3f} of 2,"
        f" smallest {use.latents.min():.3f}",
        "",
        "| latent | entropy of levels | share of levels 0 to 3, % | smallest of its bits |",
        "|---:|---:|---:|---:|",
    ]
    bits = use.bits.reshape(-1, LATENTS, 2)
    for index in range(LATENTS):
        shares = " / ".join(f"{100 * share:.0f}" for share in use.levels[index])
        lines.append(
            f"| {index} | {use.latents[index]:.3f} | {shares} | {bits[:, index].min():.3f} |"
        )
    return "\n".join(lines) + "\n"


def to_json(found: list[Part], measured: list[Form], use: Usage) -> str:
    """Everything, for programs."""

    def plain(record: object) -> dict:
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(record).items()
        }

    document = {
        "parts": [plain(part) for part in found],
        "forms": [plain(form) for form in measured],
        "usage": {
            "superframes": use.superframes,
            "bits": use.bits.round(5).tolist(),
            "levels": use.levels.round(5).tolist(),
            "latents": use.latents.round(5).tolist(),
        },
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status is 0, or 2 for bad input or where something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.models.evaluation.cost",
        description="Size, operations, CPU time and quality by precision, and entropy of the bits.",
    )
    parser.add_argument("folder", type=Path, help="a folder of recordings")
    parser.add_argument("--model", default=DEFAULT, help="a released model's id, or its folder")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N recordings")
    parser.add_argument("--json", action="store_true", help="JSON instead of the tables")
    args = parser.parse_args(argv)
    try:
        if args.limit is not None:
            require("--limit", args.limit, 1)
        for name in _MEASURED:
            if MEASURES[name].absent():
                raise VoiceLinkError(MEASURES[name].absent())
        model = card(args.model)
        found = parts(model)
        recordings = read(args.folder, args.limit)
        use = used(args.model, recordings)
        with progress_bar() as progress:
            measured = forms(model, recordings, progress)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    print((to_json if args.json else text)(found, measured, use), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
