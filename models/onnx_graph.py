"""ONNX graphs of models, on ONNX Runtime, with their state carried along."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from voicelink.models.card import Card, card
from voicelink.models.errors import ModelError, one_line


class Graph:
    """A graph that is stepped by one superframe.

    Its state is every input whose name begins with ``state``; the outputs behind the first are the
    new states in the same order.

    Args:
        session: of `open_session`.
        inputs: the names of the other inputs, in their order.

    Raises:
        ModelError: the graph takes others.
    """

    def __init__(self, session, *inputs: str) -> None:
        self._session = session
        self._names = [i.name for i in session.get_inputs()]
        states = [n for n in self._names if n.startswith("state")]
        if self._names != [*inputs, *states] or len(session.get_outputs()) != 1 + len(states):
            raise ModelError(
                f"the graph must take {', '.join(inputs)} and its states, not"
                f" {', '.join(self._names)}"
            )
        self._zeros = [
            np.zeros(i.shape, np.float32)
            for i in session.get_inputs()
            if i.name.startswith("state")
        ]
        self.reset()

    def reset(self) -> None:
        self._states = self._zeros

    def step(self, *inputs: np.ndarray) -> np.ndarray:
        """The first output for float32 inputs of the graph's shapes."""
        values = dict(zip(self._names, [*inputs, *self._states], strict=True))
        result, *self._states = self._session.run(None, values)
        return result


def open_session(model: Card, name: str, threads: int = 1):
    """An ONNX Runtime session of one of a model's files; sessions are kept and shared.

    Raises:
        ModelError: the file is missing, damaged, or no graph.
    """
    return _session(str(model.folder), name, threads)


@lru_cache(maxsize=16)
def _session(folder: str, name: str, threads: int):
    # From 1.32 on it reports its use over the network, unless told not to before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin for work would use a whole core between superframes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = card(Path(folder))
    content = model.file(name)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises many kinds, all of them plain Exceptions
        raise ModelError(f"model {model.id}: {name} does not load: {one_line(error)}") from None
