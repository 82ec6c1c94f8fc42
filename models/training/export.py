"""Exports a training run as a model: ``python -m voicelink.models.training.export --help``.

Weights are stored in 16 bits and computed with in 32; the graphs use ONNX's standard operators
only. The exported files are run beside the PyTorch networks before they are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
import yaml
from onnx import TensorProto, helper, numpy_helper

from voicelink.models.card import PAYLOAD_VERSION, RELEASED
from voicelink.models.codec import SpeechDecoder, SpeechEncoder
from voicelink.models.errors import ParameterError
from voicelink.models.sizes import BITS_PER_LATENT, SUPERFRAME_SAMPLES
from voicelink.models.training.networks import DELAY
from voicelink.models.training.trained import Codec, Generator, networks_of

OPSET = 17
LEVELS_EQUAL = 0.999
"""Least share of levels that exported and PyTorch encoder must agree on: a latent that lies at a
threshold may tip."""
SMALL = 64
"""Fewer weights than this stay as they are."""
AUDIO_ERROR = 0.02
"""Largest RMS difference of the decoders' audio, relative to its RMS."""


def exported(step: torch.nn.Module, inputs: dict[str, torch.Tensor], out: str) -> bytes:
    import io

    shapes = step.net.state_shapes()
    states = [torch.zeros(1, *shape) for shape in shapes]
    labels = [f"state{i}" for i in range(len(states))]
    file = io.BytesIO()
    torch.onnx.export(
        step.eval(),
        (*inputs.values(), *states),
        file,
        input_names=[*inputs, *labels],
        output_names=[out, *(f"next{i}" for i in range(len(states)))],
        opset_version=OPSET,
        dynamo=False,
        # Folding would rename the weights that `released_weights` looks for.
        do_constant_folding=False,
    )
    return file.getvalue()


def halve(model: bytes) -> bytes:
    """Store float32 initialisers of some size as float16, each behind a Cast back to float32."""
    graph = onnx.load_from_string(model)
    kept, casts = [], []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL:
            kept.append(tensor)
            continue
        name = tensor.name + ".half"
        kept.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def check(codec: Codec | Generator, folder: Path) -> dict[str, float]:
    """Compare exported files with the networks; the differences found.

    Raises:
        ValueError: they are beyond `LEVELS_EQUAL` or `AUDIO_ERROR`.
    """
    rng = np.random.default_rng(0)
    time = np.arange(8 * SUPERFRAME_SAMPLES)
    # Bursts of a buzz in noise: enough like speech to reach all parts of the networks.
    buzz = ((time * (120 + 40 * np.sin(time / 9000)) / 8000) % 1 - 0.5) * 0.3
    audio = buzz * (np.sin(time / 3000) > -0.3) + 0.003 * rng.standard_normal(len(time))
    audio = audio.astype(np.float32)
    encoder, decoder = SpeechEncoder(folder), SpeechDecoder(folder)
    payload = encoder.encode(audio)
    with torch.inference_mode():
        coded, wanted = codec.encode(audio), codec.decode(payload)
    levels, right = (np.unpackbits(np.frombuffer(x, np.uint8)) for x in (payload, coded))
    equal = float((levels == right).reshape(-1, BITS_PER_LATENT).all(axis=1).mean())
    decoded = decoder.decode(payload)
    error = float(np.sqrt(np.mean((decoded - np.clip(wanted, -1, 1)) ** 2) / np.mean(wanted**2)))
    return differences(equal, error, LEVELS_EQUAL, AUDIO_ERROR)


def differences(equal: float, error: float, least: float, most: float) -> dict[str, float]:
    """What the card says of an export: the share of equal levels, and the audio's relative error.

    Raises:
        ValueError: the share is below ``least``, or the error above ``most`` or no number.
    """
    if not (equal >= least and error <= most):
        raise ValueError(
            f"the export differs: {equal:.4f} of levels equal (at least {least}),"
            f" audio error {error:.4f} (at most {most})"
        )
    return {"levels_equal": round(equal, 5), "audio_error": round(error, 5)}


def export(codec: Codec | Generator, folder: Path, card: dict) -> None:
    """Write a graph for each network, and card.yaml; ``card`` gives what is not measured here.

    They are written aside and compared there: what was in the folder stays until they are good.
    """
    codec = codec.float().cpu().eval()
    with torch.no_grad():
        # What is stored, so that the comparison is with that: the phase of a voice runs on, and
        # another pitch by a hair would soon be out of step.
        for stored in (*codec.parameters(), *codec.buffers()):
            if stored.is_floating_point() and stored.numel() >= SMALL:
                stored.copy_(stored.half())
    files = {f"{name}.onnx": halve(exported(*step)) for name, step in codec.steps().items()}
    if isinstance(codec, Generator):
        files |= codec.bits.files
    card = dict(card)
    card["delay_samples"] = DELAY
    card["payload"] = {"version": PAYLOAD_VERSION, "bits": codec.payload_bits}
    if codec.sizes.voice:
        card["voice"] = {"bytes": codec.sizes.voice // 2}
    card["networks"] = asdict(codec.sizes)
    card["parameters"] = {
        name: sum(p.numel() for p in step.module.parameters())
        for name, step in codec.steps().items()
    }
    with written_aside(files, card, folder) as aside:
        card["export"] = check(codec, aside)


@contextmanager
def written_aside(files: dict[str, bytes], card: dict, folder: Path) -> Iterator[Path]:
    """A model's files and card beside ``folder``, put into it when the block ends well.

    The card lists the files, and what the block adds to it is written as well.
    """
    card["files"] = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as part:
        aside = Path(part)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        _write_card(aside, card)
        yield aside
        _write_card(aside, card)
        for name in (*files, "card.yaml"):
            (aside / name).replace(folder / name)


def _write_card(folder: Path, card: dict) -> None:
    text = yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100)
    (folder / "card.yaml").write_text(text, encoding="utf-8")


def released_weights(model: str) -> dict[str, torch.Tensor]:
    """The weights of a released model, by their names in `Codec`, to start a training from."""
    weights = {}
    for path in (RELEASED / model).glob("*.onnx"):
        part, graph = path.stem, onnx.load(path)
        for tensor in graph.graph.initializer:
            name = tensor.name.removesuffix(".half")
            if name.startswith("net."):
                values = numpy_helper.to_array(tensor).astype(np.float32)
                weights[f"{part}.{name.removeprefix('net.')}"] = torch.from_numpy(values.copy())
    return weights


def load_run(*runs: str | Path) -> Codec | Generator:
    """The averaged weights of a training's checkpoint; of several, the mean of theirs (Wortsman et
    al., ICML 2022: "model soups").

    Args:
        runs: checkpoints, of trainings that began with the same weights; released models, by id,
            may stand behind the first.

    Raises:
        ParameterError: one is neither, or has other networks.
    """
    first, *others = (_state(run) for run in runs)
    if "sizes" not in first:
        raise ParameterError(f"{runs[0]} must be a checkpoint; released models stand behind one")
    codec = networks_of(first["sizes"], first.get("features"))
    codec.load_state_dict(first["average"])
    own = dict(codec.named_parameters())
    shapes = {name: weights.shape for name, weights in own.items()}
    computed = codec.state_dict().keys() - own.keys()
    for run, other in zip(runs[1:], others, strict=True):
        found = {n: w.shape for n, w in other["average"].items() if n not in computed}
        if found != shapes or other.get("features") != first.get("features"):
            raise ParameterError(f"{run} must have the networks of {runs[0]}")
    with torch.no_grad():
        for name, weights in own.items():
            weights.copy_(sum(s["average"][name] for s in (first, *others)) / len(runs))
    return codec


def _state(run: str | Path) -> dict:
    if Path(run).is_file():
        return torch.load(run, map_location="cpu", weights_only=False)
    weights = released_weights(str(run))
    if not weights:
        raise ParameterError(f"{run} must be a checkpoint or the id of a released model")
    return {"average": weights}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m voicelink.models.training.export")
    parser.add_argument(
        "checkpoint",
        nargs="+",
        help="checkpoint.pt of a run; of several, their mean, released models by id among them",
    )
    parser.add_argument("folder", type=Path, help="where the model's files go")
    parser.add_argument(
        "--card",
        type=Path,
        default=Path(__file__).with_name("neural-800.card.yaml"),
        help="the parts of the card that a person writes: id, number, data, licences",
    )
    args = parser.parse_args(argv)
    try:
        codec = load_run(*args.checkpoint)
    except ParameterError as error:
        parser.error(str(error))
    export(codec, args.folder, yaml.safe_load(args.card.read_text()))
    for path in sorted(args.folder.glob("*.onnx")):
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
