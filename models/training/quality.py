"""Writes what was measured into a model's card, and the card as a page with pictures:
``python -m voicelink.models.training.quality --help``.

What is not given stays as the card has it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

from voicelink.models.card import card as find_card
from voicelink.models.errors import FormatError, ParameterError, VoiceLinkError
from voicelink.models.files import writing
from voicelink.models.training.page import write_page

_T = TypeVar("_T")


def _rounded(means: dict, digits: int = 3) -> dict:
    return {
        name: None if mean["mean"] is None else round(mean["mean"], digits)
        for name, mean in means.items()
        if mean["count"]
    }


def quality(evaluation: dict, model: str) -> dict:
    """The means of `voicelink eval --json`, of a model and of the peers beside it, by measure; and
    by measure on how many recordings, where that is not on all."""
    recordings = len({row["file"] for row in evaluation["rows"]})
    counts = {n: m["count"] for n, m in evaluation["codecs"][model]["groups"]["all"].items()}
    fewer = {name: count for name, count in counts.items() if 0 < count < recordings}
    return {
        "recordings": recordings,
        **({"fewer_recordings": fewer} if fewer else {}),
        "measures": {
            codec: {
                "bit_rate": round(found["bit_rate"]),
                **_rounded(found["groups"]["all"]),
            }
            for codec, found in evaluation["codecs"].items()
            if codec != "original"
        },
        "groups": {
            group: _rounded(means)
            for group, means in evaluation["codecs"][model]["groups"].items()
            if group != "all"
        },
    }


def damage(documents: list[dict]) -> list[dict]:
    """The curves of the simulation's `damage --json`, each a list of [level, mean, drop] for each
    of the measures; several documents may have measured different ones.

    The level of a loss is the share that was really lost. There is no mean where not every
    recording could be measured: PESQ leaves out those of which nothing is heard.
    """
    found: dict[tuple, dict] = {}
    for curves in documents:
        for curve in curves["curves"]:
            names = {name: curve[name] for name in ("link", "damage", "receiver")}
            kept = found.setdefault(tuple(names.values()), names)
            level = "failed" if curve["damage"] in ("loss", "bursts") else "level"
            for measure in curves["measures"]:
                every = curves["clean"][curve["link"]][measure]["count"]
                kept[measure] = [
                    [
                        point[level],
                        *(
                            point[kind][measure]["mean"]
                            if point[kind][measure]["count"] == every
                            else None
                            for kind in ("values", "drops")
                        ),
                    ]
                    for point in curve["points"]
                ]
    return list(found.values())


def damage_recordings(documents: list[dict]) -> dict[str, int]:
    """On how many recordings each measure's curves were measured."""
    return {
        name: mean["count"]
        for curves in documents
        for means in curves["clean"].values()
        for name, mean in means.items()
    }


def cost(found: dict, model: str) -> dict:
    """What `voicelink.models.evaluation.cost --json` says of a model, the entropies in short.

    Raises:
        ValueError: it is of another.
    """
    if found["model"] != model:
        raise ValueError(f"they are of {found['model']}, not of {model}")
    usage = found["usage"]
    bits, latents = usage["bits"], usage["latents"]
    work = [(part["once"], part["name"], round(part["multiply_adds"])) for part in found["parts"]]
    once = {name: count for once, name, count in work if once}
    return {
        **{name: found[name] for name in ("speech", "recordings", "seconds")},
        "multiply_adds": {name: count for once, name, count in work if not once},
        **({"multiply_adds_once": once} if once else {}),
        "forms": [
            {k: round(v, 4) if isinstance(v, float) else v for k, v in form.items()}
            for form in found["forms"]
        ],
        "entropy": {
            "superframes": usage["superframes"],
            "bits": len(bits),
            "idle": usage["idle"],
            "bits_mean": round(sum(bits) / len(bits), 4),
            "bits_least": round(min(bits), 4),
            **({"latents": [round(x, 3) for x in latents]} if latents else {}),
        },
    }


def _taken(option: str, files: list[Path], of: Callable[[list[dict]], _T]) -> _T:
    """What a function takes from the results in files.

    Raises:
        ParameterError: one cannot be read.
        FormatError: one holds something else.
    """
    documents = []
    for file in files:
        try:
            documents.append(json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise ParameterError(f"{option}: cannot read {file}: {error.strerror}") from None
        except ValueError as error:
            raise FormatError(f"{option}: {file} is no JSON: {error}") from None
    try:
        return of(documents)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        names = ", ".join(map(str, files))
        reason = f"{type(error).__name__}: {error}"
        raise FormatError(f"{option}: {names} must hold its results ({reason})") from None


def main(argv: list[str] | None = None) -> int:
    """Write card and page; the exit status is 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.training.quality")
    parser.add_argument("folder", type=Path, help="the model's folder")
    parser.add_argument("--eval", type=Path, metavar="FILE", help="of voicelink eval --json")
    parser.add_argument(
        "--condition",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="of voicelink eval --json under a condition (--noise, --level); can be repeated",
    )
    parser.add_argument(
        "--damage",
        type=Path,
        action="append",
        metavar="FILE",
        help="of the simulation's damage --json; can be repeated, for other measures",
    )
    parser.add_argument("--cost", type=Path, metavar="FILE", help="of evaluation.cost --json")
    parser.add_argument("--voices", type=Path, metavar="FILE", help="of evaluation.voices --json")
    args = parser.parse_args(argv)
    try:
        write_page(_with_results(args))
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    return 0


def _with_results(args: argparse.Namespace) -> Path:
    """Write the results into the card; the model's folder."""
    model = find_card(args.folder)
    card, path = model.text, model.folder / "card.yaml"
    if args.eval:
        card["quality"] = _taken("--eval", [args.eval], lambda found: quality(*found, model.id))
    for file in args.condition:
        condition, measures = _taken(
            "--condition",
            [file],
            lambda found: (found[0]["condition"], quality(*found, model.id)["measures"]),
        )
        card.setdefault("conditions", {})[condition] = measures
    if args.voices:
        found = _taken("--voices", [args.voices], lambda found: dict(*found))
        card.setdefault("conditions", {}).update(found)
    if args.damage:
        card["damage_recordings"] = _taken("--damage", args.damage, damage_recordings)
        card["damage"] = _taken("--damage", args.damage, damage)
    if args.cost:
        card["cost"] = _taken("--cost", [args.cost], lambda found: cost(*found, model.id))
    # Innermost lists and dicts in one line: the curves are hundreds of points.
    text = yaml.safe_dump(
        card, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")
    return model.folder


if __name__ == "__main__":
    sys.exit(main())
