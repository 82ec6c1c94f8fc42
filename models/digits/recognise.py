"""How well spoken digits are recognised behind a codec: ``python -m
voicelink.models.digits.recognise --help``.

The recogniser has learnt from recordings as they are, of all speakers but one; that one is heard
here, as recorded and through each codec.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from voicelink.models.codec import code
from voicelink.models.errors import ParameterError, VoiceLinkError, require
from voicelink.models.evaluation.progress import progress_bar
from voicelink.models.files import check_folder, writing

LENGTH = 7680
"""Samples that the recogniser hears: 960 ms."""

RECOGNISER = Path(__file__).with_name("recogniser.onnx")
CODECS = ("original", "vae-digits", "vae-digits:griffin-lim", "neural-800")


@dataclass(frozen=True)
class Accuracy:
    """A share of recordings, and its 95 % interval (Wilson, JASA 22, 1927)."""

    right: int
    count: int

    @property
    def share(self) -> float:
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """
        >>> [round(x, 3) for x in Accuracy(90, 100).interval]
        [0.826, 0.945]
        """
        z, n, p = 1.96, self.count, self.share
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return centre - half, centre + half

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def accuracy(said: np.ndarray, heard: np.ndarray) -> Accuracy:
    return Accuracy(int(np.sum(said == heard)), len(said))


def padded(audio: np.ndarray) -> np.ndarray:
    """A recording cut or filled up with silence to 960 ms, float32."""
    return np.pad(audio, (0, max(0, LENGTH - len(audio))))[:LENGTH].astype(np.float32)


@lru_cache(maxsize=1)
def _recogniser():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(RECOGNISER), options, providers=["CPUExecutionProvider"]
    )


def recognise(recordings: Iterable[np.ndarray]) -> np.ndarray:
    """The digits, int (n,), that are heard in recordings, float32 at 8 kHz."""
    audio = np.stack([padded(each) for each in recordings])
    parts = [_recogniser().run(None, {"audio": part})[0] for part in np.array_split(audio, 8)]
    return np.concatenate(parts).argmax(axis=1)


def through(codec: str, audio: np.ndarray) -> np.ndarray:
    """A recording through a model, alone, the delay removed; "original" is no codec."""
    audio = np.pad(audio, (0, max(0, LENGTH - len(audio))))
    return audio if codec == "original" else code(audio, codec)


def confusion(said: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """How often each digit (row) was heard as each (column), int (10, 10)."""
    table = np.zeros((10, 10), int)
    np.add.at(table, (said, heard), 1)
    return table


def draw(path: Path, said: np.ndarray, heard: dict[str, np.ndarray]) -> None:
    """The confusion matrices of all codecs in one picture."""
    from matplotlib.figure import Figure

    rows = -(-len(heard) // 2)
    figure = Figure(figsize=(9, 4.6 * rows), layout="constrained")
    for axis, (codec, digits) in zip(
        np.ravel(figure.subplots(rows, 2, squeeze=False)), heard.items(), strict=False
    ):
        table = confusion(said, digits)
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(table):
            if count:
                colour = "white" if share[row, column] > 0.5 else "black"
                axis.text(column, row, count, ha="center", va="center", fontsize=8, color=colour)
        axis.set_title(f"{codec}: {accuracy(said, digits)}", fontsize=10)
        axis.set(xticks=range(10), yticks=range(10), xlabel="heard", ylabel="said")
    with writing(path) as part:
        figure.savefig(part, dpi=100)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status is 0, or 2 for bad input or where something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.models.digits.recognise",
        description="Digits of a speaker that no training heard, recognised behind codecs.",
    )
    parser.add_argument("digits", type=Path, help="the Free Spoken Digit Dataset")
    parser.add_argument("--codecs", default=",".join(CODECS), metavar="A,B")
    parser.add_argument("--limit", type=int, metavar="N", help="only every so many-th, N in all")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="the confusion matrices")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    args = parser.parse_args(argv)
    try:
        return _run(args)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    from voicelink.models.digits.data import HELD_OUT, held_out, read_digits

    if args.picture:
        import importlib.util

        if importlib.util.find_spec("matplotlib") is None:
            raise ParameterError("a picture needs matplotlib: pip install '.[demo]'")
        check_folder(args.picture)
    digits = held_out(read_digits(args.digits))
    if not digits:
        raise ParameterError(f"{args.digits} must hold recordings of {HELD_OUT}, but has none")
    if args.limit is not None:
        require("--limit", args.limit, 1)
        digits = digits[:: max(1, len(digits) // args.limit)][: args.limit]
    said = np.array([d.digit for d in digits])
    codecs = args.codecs.split(",")
    heard = {}
    with progress_bar() as progress:
        for index, codec in enumerate(codecs):
            coded = []
            for done, each in enumerate(digits):
                coded.append(through(codec, each.audio))
                progress(index * len(digits) + done + 1, len(codecs) * len(digits), codec)
            heard[codec] = recognise(coded)
    if args.picture:
        draw(args.picture, said, heard)
    results = {codec: accuracy(said, digits) for codec, digits in heard.items()}
    if args.json:
        document = {
            codec: {
                "right": each.right,
                "count": each.count,
                "accuracy": round(each.share, 4),
                "interval": [round(x, 4) for x in each.interval],
                "confusion": confusion(said, heard[codec]).tolist(),
            }
            for codec, each in results.items()
        }
        print(json.dumps(document, indent=1))
        return 0
    print(f"| codec | digits of {HELD_OUT} recognised (95 % interval) |\n|---|---:|")
    for codec, each in results.items():
        print(f"| {codec} | {each} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
