"""What a model costs and how it uses its bits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voicelink.models.card import card
from voicelink.models.codec import code
from voicelink.models.errors import FormatError, ModelError
from voicelink.models.evaluation import cost
from voicelink.models.evaluation.entropy import entropy, usage
from voicelink.models.evaluation.measures import MEASURES
from voicelink.models.evaluation.operations import load, multiply_adds, parameters
from voicelink.models.evaluation.precisions import FORMS, write_form
from voicelink.models.latents import pack

onnx = pytest.importorskip("onnx")


def graph(*nodes, weights: dict[str, np.ndarray], inputs: dict[str, tuple], output: str):
    """A model of the nodes, each input float32 of a shape."""
    from onnx import TensorProto, helper, numpy_helper

    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    made = helper.make_graph(
        list(nodes),
        "tiny",
        values,
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, n) for n, w in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_multiply_adds_of_a_graph_counted_by_hand() -> None:
    node = onnx.helper.make_node
    model = graph(
        # (1, 8, 20) by 6 kernels of 4 x 5 in two groups: (1, 6, 16)
        node("Conv", ["sound", "kernel"], ["a"], group=2),
        node("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
        node("MatMul", ["b", "matrix"], ["c"]),  # (1, 16, 6) by (6, 3)
        node("Squeeze", ["c", "axis"], ["d"]),
        node("Gemm", ["d", "square"], ["e"], transA=1, transB=1),  # (3, 16) by (16, 2)
        node("Relu", ["e"], ["out"]),
        weights={
            "kernel": np.zeros((6, 4, 5), np.float32),
            "matrix": np.zeros((6, 3), np.float32),
            "axis": np.array([0], np.int64),
            "square": np.zeros((2, 16), np.float32),
        },
        inputs={"sound": (1, 8, 20)},
        output="out",
    )
    assert multiply_adds(model) == 6 * 16 * 4 * 5 + 16 * 6 * 3 + 3 * 16 * 2
    assert parameters(model) == 6 * 4 * 5 + 6 * 3 + 2 * 16


def test_released_models_are_counted() -> None:
    found = {part.name: part for part in cost.parts(card())}
    for name, wanted in card().text["parameters"].items():
        # Beside the networks' weights there are tables of a few hundred numbers.
        assert wanted <= found[name].parameters < wanted + 2000
        # Each weight works 25 to 100 times a second.
        assert 20 * wanted < found[name].multiply_adds < 120 * wanted


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(ModelError, match="ONNX"):
        load(b"no graph at all")


def test_precisions(tmp_path: Path, sample: np.ndarray) -> None:
    folders = {form: write_form(card(), form, tmp_path) for form in FORMS}
    speech = sample[: 5 * 8000]
    heard = {form: code(speech, folder) for form, folder in folders.items()}
    np.testing.assert_array_equal(heard["fp16"], code(speech))
    # The same numbers, stored in another way.
    np.testing.assert_allclose(heard["fp32"], heard["fp16"], atol=1e-3)
    sizes = {f: (folder / "decoder.onnx").stat().st_size for f, folder in folders.items()}
    assert sizes["int8"] < 0.7 * sizes["fp16"] < 0.4 * sizes["fp32"]
    assert not np.array_equal(heard["int8"], heard["fp16"])
    estoi = MEASURES["estoi"]
    assert estoi(speech, heard["int8"]) == pytest.approx(estoi(speech, heard["fp16"]), abs=0.05)


class TestEntropy:
    def test_of_distributions(self) -> None:
        assert entropy(np.array([1.0, 0, 0, 0])) == 0
        assert entropy(np.full(4, 0.25)) == 2
        assert entropy(np.array([0.11, 0.89])) == pytest.approx(0.49992, abs=1e-5)

    def test_of_known_levels(self) -> None:
        levels = np.zeros((4, 8, 16), np.uint8)
        levels[:, :, 1] = np.arange(4)[:, None]  # every level alike
        levels[:2, :, 2] = 3  # two of them, both bits at once
        levels[:, 0, 3] = [0, 0, 0, 1]  # once, and in one frame of eight only
        found = usage(pack(levels))
        assert found.superframes == 4
        assert found.latents[:3].tolist() == [0, 2, 1]
        assert found.levels[1].tolist() == [0.25] * 4
        assert found.levels[3].tolist() == [31 / 32, 1 / 32, 0, 0]
        bits = found.bits.reshape(8, 16, 2)
        assert (bits[:, 0] == 0).all() and (bits[:, 1] == 1).all() and (bits[:, 2] == 1).all()
        assert bits[0, 3, 1] == pytest.approx(0.81128, abs=1e-5)
        assert bits[1:, 3].max() == bits[0, 3, 0] == 0

    def test_of_a_part_of_a_payload_there_is_none(self) -> None:
        for payload in (b"", bytes(33)):
            with pytest.raises(FormatError, match="multiple of 32"):
                usage(payload)

    def test_the_released_model_leaves_no_bit_idle(self, dev_speech: Path) -> None:
        found = cost.used(card().id, cost.read(dev_speech, 8))
        assert found.bits.min() > 0.5 and found.bits.mean() > 0.9
        assert found.latents.min() > 1.5


def test_command(sample_path: Path, capsys, monkeypatch) -> None:
    short = [("a", cost.read(sample_path.parent, 1)[0].audio[:24000])]
    monkeypatch.setattr("voicelink.models.training.corpus.read_folder", lambda folder: short)
    assert cost.main([str(sample_path.parent), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [form["name"] for form in found["forms"]] == list(FORMS)
    assert all(0 < form["cpu"] < 1 and form["estoi"] > 0.6 for form in found["forms"])
    assert found["usage"]["superframes"] == -(-(24000 + card().delay) // 2560)


def test_tables() -> None:
    parts = [cost.Part("encoder", 1_500_000, 5e7), cost.Part("decoder", 2_000_000, 1.2e8)]
    levels = np.tile(np.arange(4, dtype=np.uint8)[:, None, None], (1, 8, 16))
    text = cost.text(parts, [cost.Form("int8", 5_300_000, 0.012, 0.75, 2.1)], usage(pack(levels)))
    assert "| both | 3.50 M | 170 M |" in text
    assert "| int8 | 5.30 | 0.0120 | 0.750 | 2.10 |" in text
    assert "| 15 | 2.000 | 25 / 25 / 25 / 25 | 1.000 |" in text


def test_an_absent_library_is_named(tmp_path: Path, capsys, monkeypatch) -> None:
    absent = replace(MEASURES["pesq"], library="no_such_library", modules=())
    monkeypatch.setitem(MEASURES, "pesq", absent)
    assert cost.main([str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "no_such_library" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "must be a folder with recordings"),
        (["--model", "none"], "model must be one of"),
        (["--limit", "0"], "--limit must be"),
    ],
)
def test_bad_input_is_refused_in_one_line(options, said, tmp_path, capsys) -> None:
    assert cost.main([str(tmp_path), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err
