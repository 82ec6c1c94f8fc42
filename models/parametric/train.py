"""Makes the codebooks: ``python -m voicelink.models.parametric.train --help``.

Sums of codewords (Juang & Gray, ICASSP 1982: multi-stage vector quantisation) are made stage by
stage by k-means of what the stages before left, and then refined together: all is coded with the
search that the encoder uses, and each stage becomes the mean of what the others leave.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from voicelink.models.card import RELEASED
from voicelink.models.errors import VoiceLinkError
from voicelink.models.files import writing
from voicelink.models.parametric import quantiser
from voicelink.models.parametric.analysis import Parameters, analyse
from voicelink.models.parametric.labels import labelled
from voicelink.models.parametric.pitch import LOWEST
from voicelink.models.sizes import SUPERFRAME_SAMPLES

SUPERFRAMES = 40000
"""So many, at random, the codebooks are made of."""
_ROUNDS = 12
"""Of k-means."""
_SURVIVORS = 4
"""Of the search while stages are refined."""
_LEAST_VOICED = 3
"""Points of a superframe that must be voiced for its pitch to count."""


def codebooks(parameters: Parameters, seed: int = 0, refined: int = 2) -> dict[str, np.ndarray]:
    """The tables of a `Quantiser`, float16.

    Args:
        parameters: of many superframes, in random order.
        seed: of k-means.
        refined: how often the envelope's stages are refined together.
    """
    tables = {}
    rng = np.random.default_rng(seed)
    _, shape = quantiser.shape_of(parameters.envelope)
    blocks = shape.reshape(len(shape) * quantiser.BLOCKS, -1).astype(np.float32)
    tables["mean"] = blocks.mean(axis=0).astype(np.float16)
    blocks -= tables["mean"]
    _, axes = np.linalg.eigh(np.cov(blocks.T))
    tables["basis"] = axes[:, : -quantiser.KEPT - 1 : -1].astype(np.float16)
    blocks = blocks @ tables["basis"].astype(np.float32)
    rng.shuffle(blocks)
    stages = _stages(blocks, quantiser.STAGE_BITS, seed)
    for _ in range(refined):
        stages = _refined(blocks, stages)
    _store(tables, "envelope", stages)
    voiced = np.count_nonzero(parameters.voicing, axis=1) >= _LEAST_VOICED
    octaves = np.log2(parameters.pitch[voiced] / LOWEST)
    _store(tables, "pitch", _stages(octaves, quantiser.PITCH_BITS, seed))
    (voicing,) = _stages(parameters.voicing, (quantiser.VOICING_BITS,), seed)
    tables["voicing"] = labelled(voicing).astype(np.float16)
    return tables


def _store(tables: dict[str, np.ndarray], name: str, stages: list[np.ndarray]) -> None:
    for i, table in enumerate(stages):
        tables[f"{name}{i}"] = labelled(table).astype(np.float16)


def _stages(x: np.ndarray, bits: tuple[int, ...], seed: int) -> list[np.ndarray]:
    from sklearn.cluster import KMeans

    rest, tables = np.asarray(x, np.float32), []
    for width in bits:
        means = KMeans(1 << width, init="random", n_init=1, max_iter=_ROUNDS, random_state=seed)
        index = means.fit_predict(rest)
        tables.append(means.cluster_centers_.astype(np.float32))
        rest = rest - tables[-1][index]
    return tables


def _refined(x: np.ndarray, stages: list[np.ndarray]) -> list[np.ndarray]:
    index = np.concatenate(
        [quantiser.search(part, stages, survivors=_SURVIVORS) for part in _parts(x)]
    )
    stages = [table.copy() for table in stages]
    for i, table in enumerate(stages):
        sums = sum(t[index[:, j]] for j, t in enumerate(stages) if j != i)
        rest = x - sums
        count = np.bincount(index[:, i], minlength=len(table))
        for row in np.flatnonzero(count):
            table[row] = rest[index[:, i] == row].mean(axis=0)
    return stages


def _parts(x: np.ndarray) -> Iterator[np.ndarray]:
    yield from np.array_split(x, max(1, len(x) // 512))


def heard(cache: Path, superframes: int, seed: int) -> Parameters:
    """Parameters of superframes at random places of the prepared corpus, in random order."""
    from rich.progress import track

    from voicelink.models.training.corpus import read_index

    rng = np.random.default_rng(seed)
    speech = np.load(cache / "speech.npy", mmap_mode="r")
    rows = [r for r in read_index(cache / "index.csv") if r.samples >= 4 * SUPERFRAME_SAMPLES]
    rng.shuffle(rows)
    found, count = [], 0
    for row in track(rows, description="analysing the corpus"):
        start = int(rng.integers(SUPERFRAME_SAMPLES))
        whole = (row.samples - start) // SUPERFRAME_SAMPLES
        begin = row.start + start
        audio = speech[begin : begin + whole * SUPERFRAME_SAMPLES].astype(np.float32) / 32768
        found.append(analyse(audio))
        count += whole
        if count >= superframes:
            break
    order = rng.permutation(count)
    return Parameters(
        *(
            np.concatenate([getattr(p, name) for p in found])[order]
            for name in ("envelope", "pitch", "voicing")
        )
    )


def distortion(tables: dict[str, np.ndarray], parameters: Parameters) -> dict[str, float]:
    """How far quantised parameters are from those that went in."""
    from voicelink.models.latents import llrs_of

    codec = quantiser.Quantiser(tables)
    known = codec.decode(llrs_of(codec.encode(parameters)))
    level, shape = quantiser.shape_of(parameters.envelope)
    away = shape + quantiser.level_of(level)[:, None, None] - known.shape
    away -= known.level[:, None, None]
    voiced = parameters.voicing > 0
    octaves = np.log2(np.maximum(parameters.pitch, LOWEST) / LOWEST) - known.pitch
    return {
        "shape_db": float(np.sqrt(np.mean(away**2))),
        "pitch_octaves": float(np.mean(np.abs(octaves[voiced]))),
        "voicing_flipped": float(np.mean((known.voicing > quantiser.VOICED) != voiced)),
    }


def main(argv: list[str] | None = None) -> int:
    """Make the codebooks; the exit status is 0, or 2 for what is missing."""
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.parametric.train")
    parser.add_argument("--speech", type=Path, required=True, help="folder with train.tsv")
    parser.add_argument("--cache", type=Path, default=Path("work/cache"))
    parser.add_argument("--out", type=Path, default=RELEASED / "parametric-800/codebooks.npz")
    parser.add_argument("--superframes", type=int, default=SUPERFRAMES)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    from voicelink.models.training.corpus import prepare

    try:
        prepare(args.speech, args.cache)
        parameters = heard(args.cache, args.superframes, args.seed)
        held = len(parameters.pitch) // 20
        test, train = (
            Parameters(*(getattr(parameters, n)[part] for n in ("envelope", "pitch", "voicing")))
            for part in (slice(held), slice(held, None))
        )
        tables = codebooks(train, args.seed)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with writing(args.out) as part:
            np.savez_compressed(part, **tables)
    except VoiceLinkError as error:
        print(f"voicelink: {error}", file=sys.stderr)
        return 2
    for name, value in distortion(tables, test).items():
        print(f"{name} {value:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
