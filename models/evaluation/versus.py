"""Whether one codec is better than another, or the recordings were too few to tell.

Run as ``python -m voicelink.models.evaluation.versus RESULTS A B``, on what
``voicelink eval --json`` wrote: the means of each measure over the recordings that both could be
measured on, and with intervals of 95 % their difference and their ratio.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicelink.models.errors import FormatError, ParameterError, VoiceLinkError, one_of

Interval = tuple[float, float]

_DRAWS = 10_000


@dataclass(frozen=True)
class Versus:
    """A measure's means of two codecs over the same recordings.

    Attributes:
        recordings: how many.
        difference: its 95 % confidence interval.
        ratio: that of the means likewise; NaN where the second might be 0.
    """

    first: float
    second: float
    recordings: int
    difference: Interval
    ratio: Interval


def versus(
    first: np.ndarray, second: np.ndarray, speakers: Sequence[str] = (), seed: int = 0
) -> Versus:
    """Compare two codecs' values, (n,) each, of the same recordings; NaN where one is missing.

    The intervals are percentiles of the bootstrap (Efron, Annals of Statistics 7(1), 1979):
    speakers are drawn again, each with all recordings, and the values of both codecs.

    Args:
        speakers: who speaks in each recording, "" where that is not known: somebody else each time.
        seed: of the draws.

    Raises:
        ParameterError: the recordings with both values are of fewer than two speakers.
    """
    both = np.isfinite(first) & np.isfinite(second)
    names = [name or i for i, name in enumerate(speakers or [""] * len(first))]
    groups: dict[str | int, list[int]] = {}
    for i in np.flatnonzero(both):
        groups.setdefault(names[i], []).append(i)
    if len(groups) < 2:
        raise ParameterError(f"speakers with both values must be 2 at least, not {len(groups)}")
    sums = np.array([[len(g), first[g].sum(), second[g].sum()] for g in groups.values()])
    drawn = np.random.default_rng(seed).integers(len(sums), size=(_DRAWS, len(sums)))
    count, a, b = sums[drawn].sum(axis=1).T
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = _middle(a / b)
    if not np.isfinite(ratio).all():
        ratio = (math.nan, math.nan)
    means = (float(values[both].mean()) for values in (first, second))
    return Versus(*means, int(both.sum()), _middle((a - b) / count), ratio)


def _middle(drawn: np.ndarray) -> Interval:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _values(results: dict, codec: str) -> dict[str, dict[str, float]]:
    """Each measure's value by recording."""
    found: dict[str, dict[str, float]] = {}
    for row in results["rows"]:
        if row["codec"] == codec:
            for name, value in row["values"].items():
                found.setdefault(name, {})[row["file"]] = math.nan if value is None else value
    return found


def table(results: dict, first: str, second: str) -> str:
    """Every measure of two codecs beside each other, as Markdown.

    Args:
        results: as ``voicelink eval --json`` writes them.

    Raises:
        ParameterError: one of the codecs is not among them.
    """
    for codec in (first, second):
        one_of("codec", codec, results["codecs"])
    heads = [f"{first} less {second}, 95 %", f"{first} / {second}, 95 %"]
    head = ["measure", first, second, *heads, "recordings"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    ours, theirs = (_values(results, codec) for codec in (first, second))
    notes = []
    speakers = {row["file"]: row["speaker"] for row in results["rows"]}
    for name, measure in results["measures"].items():
        files = sorted(ours[name])
        pair = (np.array([values[name][file] for file in files]) for values in (ours, theirs))
        said_by = [speakers[file] for file in files]
        label = f"{measure['label']}{' %' * (measure['unit'] == '%')}"
        label += " (lower)" * (measure["better"] == "lower")
        try:
            found = versus(*pair, said_by)
        except ParameterError as error:
            lines.append(f"| {label} |" + " - |" * (len(head) - 1))
            notes.append(f"{label}: {error}")
            continue
        cells = [label, f"{found.first:.3f}", f"{found.second:.3f}"]
        cells += [
            "{:+.3f} to {:+.3f}".format(*found.difference),
            "-" if math.isnan(found.ratio[0]) else "{:.3f} to {:.3f}".format(*found.ratio),
            f"{found.recordings}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    if not all(speakers.values()):
        notes.append("where the speaker is not known, each recording counts as somebody else's")
    return "\n".join([*lines, *(f"\n{note}" for note in notes)]) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Compare and print; the exit status is 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelink.models.evaluation.versus",
        description="Two codecs beside each other, and how sure the differences are.",
    )
    parser.add_argument("results", type=Path, help="of voicelink eval --json")
    parser.add_argument("first", help="a codec of the results")
    parser.add_argument("second", help="another")
    args = parser.parse_args(argv)
    try:
        print(_compared(args.results, args.first, args.second), end="")
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    return 0


def _compared(path: Path, first: str, second: str) -> str:
    try:
        return table(json.loads(path.read_text(encoding="utf-8")), first, second)
    except OSError as error:
        raise ParameterError(f"cannot read {path}: {error.strerror}") from None
    except VoiceLinkError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError):
        raise FormatError(f"{path} must be what voicelink eval --json wrote") from None


if __name__ == "__main__":
    sys.exit(main())
