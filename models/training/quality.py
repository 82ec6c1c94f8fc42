"""Writes what was measured into a model's card, and the card as a page with pictures:
``python -m voicelink.models.training.quality --help``.

What is not given stays as the card has it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import yaml

from voicelink.models.training.page import write_page

_DAMAGE_MEASURES = ("estoi", "phonemes", "pesq")


def _rounded(means: dict, digits: int = 3) -> dict:
    return {
        name: None if mean["mean"] is None else round(mean["mean"], digits)
        for name, mean in means.items()
        if mean["count"]
    }


def quality(evaluation: dict, model: str) -> dict:
    """The means of `voicelink eval --json`, of a model and of the peers beside it, by measure."""
    return {
        "recordings": len({row["file"] for row in evaluation["rows"]}),
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


def damage(curves: dict) -> list[dict]:
    """The curves of the simulation's `damage --json`, each a list of [level, mean, drop] for each
    of the measures."""
    return [
        {
            "link": curve["link"],
            "damage": curve["damage"],
            "receiver": curve["receiver"],
            **{
                name: [
                    [
                        point["level"],
                        point["values"][name]["mean"],
                        point["drops"][name]["mean"],
                    ]
                    for point in curve["points"]
                ]
                for name in _DAMAGE_MEASURES
                if name in curves["measures"]
            },
        }
        for curve in curves["curves"]
    ]


def cost(found: dict) -> dict:
    """What `voicelink.models.evaluation.cost --json` says, the entropies in short."""
    usage = found["usage"]
    bits = usage["bits"]
    return {
        "multiply_adds": {p["name"]: round(p["multiply_adds"]) for p in found["parts"]},
        "forms": [
            {k: round(v, 4) if isinstance(v, float) else v for k, v in form.items()}
            for form in found["forms"]
        ],
        "entropy": {
            "superframes": usage["superframes"],
            "bits_mean": round(sum(bits) / len(bits), 4),
            "bits_least": round(min(bits), 4),
            "latents": [round(x, 3) for x in usage["latents"]],
        },
    }


def main(argv: list[str] | None = None) -> None:
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
        "--damage", type=Path, metavar="FILE", help="of the simulation's damage --json"
    )
    parser.add_argument("--cost", type=Path, metavar="FILE", help="of evaluation.cost --json")
    args = parser.parse_args(argv)
    path = args.folder / "card.yaml"
    card = yaml.safe_load(path.read_text(encoding="utf-8"))

    def read(file: Path) -> dict:
        return json.loads(file.read_text(encoding="utf-8"))

    if args.eval:
        card["quality"] = quality(read(args.eval), card["id"])
    for file in args.condition:
        evaluation = read(file)
        measures = quality(evaluation, card["id"])["measures"]
        card.setdefault("conditions", {})[evaluation["condition"]] = measures
    if args.damage:
        card["damage"] = damage(read(args.damage))
    if args.cost:
        card["cost"] = cost(read(args.cost))
    path.write_text(
        yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100), encoding="utf-8"
    )
    write_page(args.folder)


if __name__ == "__main__":
    main()
