"""What one step of an ONNX graph computes: its weights, and its multiply-adds.

Counted are the multiply-adds of MatMul, Gemm, Conv and ConvTranspose; what lies between them
(normalisation, activations, the synthesis of the waveform by sines) is a few operations for each
value.
"""

from __future__ import annotations

import math

import numpy as np

from voicelink.models.errors import ModelError, one_line

Shapes = dict[str, tuple[int, ...]]

_COUNTED = ("MatMul", "Gemm", "Conv", "ConvTranspose")


def load(content: bytes):
    """The ONNX model in a file's content.

    Raises:
        ModelError: the package onnx is not installed, or it is no such model.
    """
    try:
        import onnx
    except ImportError:
        raise ModelError(
            "reading graphs needs the Python package onnx: pip install '.[training]'"
        ) from None
    try:
        return onnx.load_from_string(content)
    except Exception as error:  # protobuf's own kinds
        raise ModelError(f"not an ONNX model: {' '.join(str(error).split())[:120]}") from None


def parameters(model) -> int:
    """Floating-point numbers that the graph holds as weights, in whatever precision."""
    from onnx import TensorProto

    real = (TensorProto.FLOAT, TensorProto.FLOAT16)
    return sum(math.prod(t.dims) for t in model.graph.initializer if t.data_type in real)


def multiply_adds(model) -> int:
    """Multiply-adds of one step of the graph.

    A matrix product (..., n, k) by (..., k, m) takes n k m for each of the leading indices, a
    convolution, for each value that it gives out, as many as its kernel has weights for one channel
    of output, and a transposed one, for each value that it takes in, as many as there are for one
    channel of input.

    Raises:
        ModelError: the graph cannot be stepped.
    """
    from onnx import helper

    counted = [node for node in model.graph.node if node.op_type in _COUNTED]
    shapes = _shapes(model, {n for c in counted for n in (*c.input[:2], c.output[0])})
    total = 0
    for node in counted:
        first, second, out = (shapes[name] for name in (*node.input[:2], node.output[0]))
        if node.op_type == "ConvTranspose":
            # Kernels are (in, out / groups, ...).
            total += math.prod(first) * math.prod(second[1:])
            continue
        if node.op_type == "Conv":
            inner = math.prod(second[1:])  # kernels are (out, in / groups, ...)
        elif node.op_type == "Gemm":
            settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            inner = first[0 if settings.get("transA") else 1]
        else:
            inner = first[-1]
        total += math.prod(out) * inner
    return total


def _shapes(model, names: set[str]) -> Shapes:
    """The shapes of some of the graph's values, by name, read off one step on zeros.

    Shape inference alone does not get through what an exporter computes sizes with.
    """
    import onnx
    import onnxruntime

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in shapes]
    given = {i.name for i in inputs} | {o.name for o in model.graph.output}
    asked = sorted(names - given - set(shapes)) + [o.name for o in model.graph.output]
    probe.graph.output.extend(onnx.ValueInfoProto(name=n) for n in asked if n not in given)
    zeros = {}
    for each in inputs:
        kind = each.type.tensor_type
        sizes = tuple(d.dim_value for d in kind.shape.dim)
        zeros[each.name] = np.zeros(sizes, onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
        shapes[each.name] = sizes
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            probe.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        results = session.run(asked, zeros)
    except Exception as error:  # onnxruntime raises many kinds, all of them plain Exceptions
        raise ModelError(f"the graph cannot be stepped to count in it: {one_line(error)}") from None
    return shapes | {n: np.shape(r) for n, r in zip(asked, results, strict=True)}
