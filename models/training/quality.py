"""Writes measured quality into a card: ``python -m voicelink.models.training.quality --help``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import yaml


def quality(evaluation: dict, model: str) -> dict:
    """The means of a model, and of the peers beside it, by measure: what its card says."""
    names = list(evaluation["measures"])
    return {
        "recordings": len({row["file"] for row in evaluation["rows"]}),
        "measures": {
            codec: {
                "bit_rate": round(found["bit_rate"]),
                **{name: round(found["groups"]["all"][name]["mean"], 3) for name in names},
            }
            for codec, found in evaluation["codecs"].items()
            if codec != "original"
        },
        "groups": {
            group: {name: round(mean["mean"], 3) for name, mean in means.items()}
            for group, means in evaluation["codecs"][model]["groups"].items()
            if group != "all"
        },
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.training.quality")
    parser.add_argument("evaluation", type=Path, help="what `voicelink eval --json` wrote")
    parser.add_argument("folder", type=Path, help="the model's folder")
    args = parser.parse_args(argv)
    path = args.folder / "card.yaml"
    card = yaml.safe_load(path.read_text(encoding="utf-8"))
    card["quality"] = quality(json.loads(args.evaluation.read_text()), card["id"])
    path.write_text(
        yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
