"""A model with its weights in another precision, to measure what that saves and what it costs.

Each form is a model folder like any other, beside the card that names its files.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path

from voicelink.models.card import Card
from voicelink.models.engines import graphs
from voicelink.models.errors import ModelError
from voicelink.models.evaluation.operations import load

FORMS = ("fp32", "fp16", "int8")
"""fp32: weights in 32 bits. fp16: in 16 bits, computed with in 32, as models are released.
int8: matrices in 8 bits, multiplied by activations that are quantised as they come (ONNX Runtime's
dynamic quantisation); the rest, which is convolutions, as fp32."""


def files(card: Card) -> list[str]:
    """The files that a model runs with, or the variant of it: its graphs, and tables."""
    run = graphs(card)
    return [name for name in card.text["files"] if name in run or not name.endswith(".onnx")]


def write_form(card: Card, form: str, folder: Path) -> Path:
    """Write a released model, whose weights are stored in 16 bits, in one of `FORMS`; what it has
    beside graphs stays as it is.

    Args:
        card: of the released model.
        form: one of `FORMS`.
        folder: where to make the model's folder, which is named by the form.

    Returns:
        The new folder, for `SpeechEncoder` and `SpeechDecoder`.

    Raises:
        ModelError: a package is not installed.
    """
    import yaml

    result = Path(folder) / form
    result.mkdir()
    text = dict(card.text, files={})
    for name in files(card):
        content = card.file(name)
        if name in graphs(card):
            if form != "fp16":
                content = widened(content)
            if form == "int8":
                content = quantised(content)
        (result / name).write_bytes(content)
        text["files"][name] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    (result / "card.yaml").write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
    return result


def widened(content: bytes) -> bytes:
    """A graph with the weights that it casts from 16 bits stored in 32, the casts left out."""
    from onnx import TensorProto, numpy_helper

    model = load(content)
    graph = model.graph
    halves = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT16}
    nodes, wide = [], []
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in halves:
            values = numpy_helper.to_array(halves[node.input[0]]).astype("float32")
            wide.append(numpy_helper.from_array(values, node.output[0]))
        else:
            nodes.append(node)
    kept = [t for t in graph.initializer if t.name not in halves]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *wide])
    del graph.node[:]
    graph.node.extend(nodes)
    return model.SerializeToString()


def quantised(content: bytes) -> bytes:
    """A graph in 32 bits with the matrices of its products in 8, each column with its own scale."""
    import onnxruntime

    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ModelError(f"quantising needs another Python package: {error}") from None
    with tempfile.TemporaryDirectory() as folder:
        plain, narrow = Path(folder) / "plain.onnx", Path(folder) / "narrow.onnx"
        # The exporter leaves transpositions between weights and products; only what is a weight
        # itself is quantised.
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(plain)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        logging.disable(logging.WARNING)  # it advises to do what was just done
        try:
            quantize_dynamic(
                plain,
                narrow,
                op_types_to_quantize=["MatMul"],
                per_channel=True,
                # Without it products of 8 bits overflow their sums on processors without VNNI.
                reduce_range=True,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.disable(logging.NOTSET)
        return narrow.read_bytes()
