"""A model's card as a page to read: README.md beside it, and the course of its training drawn."""

from __future__ import annotations

import csv
from pathlib import Path

import yaml

from voicelink.models.card import DEFAULT
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.files import writing

_LABELS = {"bit_rate": "bit/s"} | {
    name: f"{m.label}{' %' * (m.unit == '%')}{' (lower)' * (m.better == 'lower')}"
    for name, m in MEASURES.items()
}

_DAMAGES = {
    "errors": ("random bit errors, no error correction", "bits wrong", True),
    "loss": ("superframes lost singly", "lost", True),
    "bursts": ("superframes lost in bursts of 3 on average", "lost", True),
    "half": ("white noise, profile `half`", "Eb/N0 dB", False),
    "third": ("white noise, profile `third`", "Eb/N0 dB", False),
}


def _table(head: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in [head, rule, *rows])


def _number(name: str, value: float | None) -> str:
    """A value of a measure with its decimals; a rate in bit/s has none."""
    if value is None:
        return "-"
    return f"{value:.{MEASURES[name].digits if name in MEASURES else 0}f}"


def _measures(table: dict[str, dict], first: str) -> str:
    names = list(dict.fromkeys(name for values in table.values() for name in values))
    rows = [
        [label, *(_number(name, values.get(name)) for name in names)]
        for label, values in table.items()
    ]
    return _table([first, *(_LABELS.get(name, name) for name in names)], rows)


def _damage(curves: list[dict]) -> str:
    parts = []
    for kind, (title, unit, share) in _DAMAGES.items():
        drawn = [curve for curve in curves if curve["damage"] == kind]
        measured = [(curve, name) for curve in drawn for name in _LABELS if name in curve]
        if not measured:
            continue
        first, name = measured[0]
        levels = [level for level, *_ in first[name]]
        head = [f"{title}: {unit}", *(f"{100 * x:.3g} %" if share else f"{x:g}" for x in levels)]
        rows = [
            [
                f"{curve['link']}, {curve['receiver']}: {_LABELS[name]}",
                *(_number(name, mean) for _, mean, _ in curve[name]),
            ]
            for curve, name in measured
        ]
        parts.append(_table(head, rows))
    return "\n".join(parts)


def _cost(card: dict) -> str:
    cost = card["cost"]
    works = [(name, count, "") for name, count in cost["multiply_adds"].items()]
    works += [(name, n, ", once") for name, n in cost.get("multiply_adds_once", {}).items()]
    parts = [
        [part, f"{card['parameters'][part] / 1e6:.2f} M", f"{count / 1e6:.0f} M{once}"]
        for part, count, once in works
    ]
    forms = [
        [
            form["name"],
            f"{form['bytes'] / 1e6:.2f}",
            f"{form['cpu']:.4f}",
            *(_number(name, form[name]) for name in ("estoi", "pesq")),
        ]
        for form in cost["forms"]
    ]
    entropy = cost["entropy"]
    said = [
        f"Entropy over {entropy['superframes']} superframes: a payload bit has"
        f" {entropy['bits_mean']:.3f} bit on average, the least {entropy['bits_least']:.3f}"
    ]
    if entropy.get("idle"):
        block = " of a block" if entropy["bits"] > card["payload"]["bits"] else ""
        said += [f"of {entropy['bits']} bits{block} {entropy['idle']} were always the same"]
    if "latents" in entropy:
        latents = entropy["latents"]
        said += [
            f"the levels of the {len(latents)} latents {min(latents):.2f} to"
            f" {max(latents):.2f} of 2 bits"
        ]
    known = ""
    if "speech" in cost:
        count, seconds = cost["recordings"], cost["seconds"]
        known = f", over {count} recordings, {seconds:.0f} s, of `{cost['speech']}`"
    model = "" if card["id"] == DEFAULT else f" --model {card['id']}"
    found = [
        f"`python -m voicelink.models.evaluation.cost{model}`{known}.\n",
        _table(["graph", "parameters", "multiply-adds for 1 s of speech"], parts),
    ]
    if "encoder" not in cost["multiply_adds"]:
        found += ["The encoder is no network: what it computes is in the CPU time only.\n"]
    found += [
        _table(["weights", "files MB", "CPU s/s", "ESTOI", "PESQ-NB"], forms),
        f"{'; '.join(said)}.\n",
    ]
    return "\n".join(found)


def page(card: dict, pictures: list[str]) -> str:
    """The page's text in Markdown, for a card with what was measured in it."""
    parts = [f"# {card['id']}\n", f"{card['title']}. {card['licence']}.\n", f"{card['limits']}\n"]
    parts += [
        _table(
            ["learned from", "credit", "licence", "hours"],
            [[x["corpus"], x["credit"], x["licence"], str(x["hours"])] for x in card["trained_on"]],
        )
    ]
    if "quality" in card:
        quality = card["quality"]
        fewer = [
            f"{n} for {MEASURES[k].label}" for k, n in quality.get("fewer_recordings", {}).items()
        ]
        but = f" ({', '.join(fewer)})" if fewer else ""
        parts += [
            "## Quality\n",
            f"Means over {quality['recordings']} recordings{but} of people that it did not learn"
            " from;"
            " they are validation speech. `voicelink eval`.\n",
            _measures(quality["measures"], "codec"),
            _measures(quality["groups"], f"{card['id']} by group"),
        ]
        if "worst" in quality["groups"]:
            parts += ["`worst` is over speakers, of each the worst recording by that measure.\n"]
    for condition, measures in card.get("conditions", {}).items():
        parts += [f"With {condition}:\n", _measures(measures, "codec")]
    if "damage" in card:
        counts = [f"{_LABELS[k]} {n}" for k, n in card["damage_recordings"].items()]
        parts += [
            "## Damage\n",
            "Over a damaged link (the README has the command); means over so many"
            f" recordings: {', '.join(counts)}.\n",
        ]
        parts += [_damage(card["damage"])]
    if "cost" in card:
        parts += ["## Cost\n", _cost(card)]
    parts += [f"![{name.removesuffix('.png')}]({name})\n" for name in pictures]
    if "training.png" in pictures:
        parts += [
            "The training by its stages; in brackets, how many recordings scored it. The spectral"
            " loss compares within a stage only.\n"
        ]
    if "weights" in card:
        parts += [f"{card['weights']}\n"]
    return "\n".join(parts)


def draw_training(log: Path, picture: Path) -> None:
    """Draw a training's log: the spectral loss, and ESTOI and PESQ of the validation speech; by
    the name of each stage the number of recordings that it was validated on."""
    from matplotlib.figure import Figure

    with open(log, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    heard = {row["stage"]: row["recordings"] for row in rows if row["recordings"]}
    for axis, (name, label) in zip(
        axes, (("spectral", "spectral loss"), ("estoi", "ESTOI"), ("pesq", "PESQ-NB")), strict=True
    ):
        for index, stage in enumerate(stages):
            points = [
                (int(row["step"]), float(row[name]))
                for row in rows
                if row["stage"] == stage and row[name]
            ]
            if points:
                axis.plot(*zip(*points, strict=True), ".-", color=f"C{index}")
                axis.lines[-1].set_label(f"{stage} ({heard.get(stage, 0)})")
        axis.set_ylabel(label)
        axis.grid(color="#e0e0e0", linewidth=0.6)
    axes[0].legend(fontsize=8, ncols=4)
    axes[-1].set_xlabel("step")
    with writing(picture) as part:
        figure.savefig(part, dpi=100)


def write_page(folder: Path) -> None:
    """Write README.md, and training.png where there is a training.csv, into a model's folder."""
    card = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf-8"))
    if (folder / "training.csv").exists():
        draw_training(folder / "training.csv", folder / "training.png")
    pictures = sorted(path.name for path in folder.glob("*.png"))
    with writing(folder / "README.md") as part:
        part.write_text(page(card, pictures), encoding="utf-8")
