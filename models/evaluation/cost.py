"""What a model costs, and whether it uses its bits.

Run as ``python -m voicelink.models.evaluation.cost FOLDER --model ID``: parameters and
multiply-adds of its graphs, file sizes and CPU time in 32, 16 and 8 bits, with what the coarser
weights do to the speech, and the entropies of payload bits and latents over the folder's
recordings. What a model computes without a graph is in the CPU time only.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from voicelink.models.card import DEFAULT, Card, card
from voicelink.models.codec import SpeechEncoder
from voicelink.models.engines import graphs, present
from voicelink.models.errors import ParameterError, VoiceLinkError, require
from voicelink.models.evaluation.entropy import Usage, usage
from voicelink.models.evaluation.evaluate import Recording, evaluate
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.evaluation.operations import load, multiply_adds, parameters
from voicelink.models.evaluation.peers import Model
from voicelink.models.evaluation.precisions import FORMS, files, write_form
from voicelink.models.evaluation.progress import progress_bar
from voicelink.models.sizes import SAMPLE_RATE

AS_IT_IS = "as it is"
"""What the form of a model without graphs is called."""

_MEASURED = ("estoi", "pesq")

_LEVELLED = ("neural", "profile")
"""Engines whose payloads are latents of four levels."""


@dataclass(frozen=True)
class Part:
    """One of the graphs.

    Attributes:
        parameters: its weights.
        multiply_adds: for each second of speech; or of its only run.
        once: whether it runs once for a speaker.
    """

    name: str
    parameters: int
    multiply_adds: float
    once: bool = False


@dataclass(frozen=True)
class Form:
    """The model in one precision.

    Attributes:
        bytes: of all files that it runs with.
        cpu: CPU seconds of encoding and decoding, per second of speech, on one core.
        estoi, pesq: of the decoded speech.
    """

    name: str
    bytes: int
    cpu: float
    estoi: float
    pesq: float


@dataclass(frozen=True)
class Cost:
    """What a model costs, measured on some speech.

    Attributes:
        model: its name, with the variant.
        speech: the name of the folder of recordings.
        recordings: how many there were.
        seconds: of them all.
        parts: its graphs; none where it has none.
        forms: it in each precision; as it is where it has no graphs.
        usage: of its bits.
    """

    model: str
    speech: str
    recordings: int
    seconds: float
    parts: list[Part]
    forms: list[Form]
    usage: Usage


def parts(model: Card) -> list[Part]:
    """Weights and multiply-adds of the graphs."""
    found = []
    for name, seconds in graphs(model).items():
        graph, once = load(model.file(name)), math.isinf(seconds)
        work = multiply_adds(graph) / (1 if once else seconds)
        found.append(Part(Path(name).stem, parameters(graph), work, once))
    return found


def forms(
    model: Card,
    recordings: list[Recording],
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> list[Form]:
    """The model in each precision, measured on the recordings."""
    with tempfile.TemporaryDirectory() as temporary:
        if graphs(model):
            folders = {form: write_form(model, form, Path(temporary)) for form in FORMS}
        else:
            folders = {AS_IT_IS: model.folder}
        names = {form: replace(model, folder=folder).place for form, folder in folders.items()}
        results = evaluate(
            map(Model, names.values()),
            recordings,
            [MEASURES[name] for name in _MEASURED],
            # The codecs are named by their temporary folders.
            lambda done, total, name: progress(done, total, Path(name).name),
        )
        return [
            Form(
                form,
                sum((folders[form] / file).stat().st_size for file in files(model)),
                results.cpu(name),
                *(results.mean(name, measure).value for measure in _MEASURED),
            )
            for form, name in names.items()
        ]


def used(model: str | Path, recordings: list[Recording]) -> Usage:
    """The usage of the bits over all recordings.

    Payloads that come so many superframes late belong together with as many others.
    """
    encoder = SpeechEncoder(model)
    payloads = [encoder.encode(r.audio) + encoder.flush() for r in recordings]
    known = encoder.card
    return usage(payloads, known.payload_bits, encoder.lag + 1, known.engine in _LEVELLED)


def measure(
    model: Card,
    speech: str,
    recordings: list[Recording],
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Cost:
    """Everything about a model, on recordings that have a name together.

    Raises:
        ModelError: the model needs what is not on this machine.
    """
    return Cost(
        model=model.name,
        speech=speech,
        recordings=len(recordings),
        seconds=sum(len(r.audio) for r in recordings) / SAMPLE_RATE,
        parts=parts(model),
        usage=used(model.place, recordings),
        forms=forms(model, recordings, progress),
    )


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


def text(found: Cost) -> str:
    """The tables in Markdown."""
    lines = [
        f"{found.model} on {found.recordings} recordings of {found.speech}, {found.seconds:.0f} s",
        "",
    ]
    if found.parts:
        lines += ["| graph | parameters | multiply-adds for 1 s of speech |", "|---|---:|---:|"]
        work = sum(p.multiply_adds for p in found.parts if not p.once)
        total = Part("all", sum(p.parameters for p in found.parts), work)
        lines += [
            f"| {p.name} | {p.parameters / 1e6:.2f} M"
            f" | {p.multiply_adds / 1e6:.0f} M{' once' * p.once} |"
            for p in (*found.parts, *[total] * (len(found.parts) > 1))
        ]
        lines += [""]
    lines += ["| weights | files, MB | CPU s/s | ESTOI | PESQ-NB |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {f.name} | {f.bytes / 1e6:.2f} | {f.cpu:.4f} | {f.estoi:.3f} | {f.pesq:.2f} |"
        for f in found.forms
    ]
    use = found.usage
    lines += [
        "",
        f"Entropy of the {len(use.bits)} payload bits over {use.superframes} superframes:"
        f" mean {use.bits.mean():.3f}, smallest {use.bits.min():.3f} (bit {use.bits.argmin()});"
        f" always the same: {use.idle}",
    ]
    if use.latents is not None:
        lines += [
            "",
            f"Entropy of the latents' levels: mean {use.latents.mean():.3f} of 2,"
            f" smallest {use.latents.min():.3f}",
            "",
            "| latent | entropy of levels | share of levels 0 to 3, % | smallest of its bits |",
            "|---:|---:|---:|---:|",
        ]
        bits = use.bits.reshape(-1, len(use.latents), 2)
        for index, latent in enumerate(use.latents):
            shares = " / ".join(f"{100 * share:.0f}" for share in use.levels[index])
            lines.append(f"| {index} | {latent:.3f} | {shares} | {bits[:, index].min():.3f} |")
    return "\n".join(lines) + "\n"


def to_json(found: Cost) -> str:
    """Everything, for programs."""

    def plain(record: object) -> dict:
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(record).items()
        }

    def rounded(values: np.ndarray | None) -> list | None:
        return None if values is None else values.round(5).tolist()

    use = found.usage
    document = {
        "model": found.model,
        "speech": found.speech,
        "recordings": found.recordings,
        "seconds": round(found.seconds, 3),
        "parts": [plain(part) for part in found.parts],
        "forms": [plain(form) for form in found.forms],
        "usage": {
            "superframes": use.superframes,
            "bits": rounded(use.bits),
            "idle": use.idle,
            "levels": rounded(use.levels),
            "latents": rounded(use.latents),
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
    parser.add_argument(
        "--model", default=DEFAULT, help="a released model's id, also with a variant, or its folder"
    )
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
        present(model)  # a model that cannot run is refused before the work
        recordings = read(args.folder, args.limit)
        with progress_bar() as progress:
            found = measure(model, args.folder.resolve().name, recordings, progress)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    print((to_json if args.json else text)(found), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
