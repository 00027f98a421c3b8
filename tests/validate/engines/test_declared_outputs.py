"""The shapes that an ONNX file declares for its outputs are read from the file, not from ONNX Runtime's session."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from paritygate.convert import convert
from paritygate.validate import validate
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load


def pooled(path, declared):
    """Gives [1, 2, 4, 4]; ONNX Runtime merges 5x5 with that in silence."""
    nodes = [
        helper.make_node("Pad", ["x", "p"], ["q"]),
        helper.make_node("AveragePool", ["q"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, declared)],
        [onnx.numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "p")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("declared", "shape"),
    [([1, 2, 5, 5], (1, 2, 5, 5)), ([1, 2, "H", None], (1, 2, "H", "y_3")), ([1, 2, 0, -1], (1, 2, "y_2", "y_3"))],
)
def test_the_files_own_shape_counts(tmp_path, declared, shape):
    model = load(pooled(tmp_path / "m.onnx", declared), LoadOptions())
    assert model.signature.outputs[0].shape == shape


def test_a_candidate_that_declares_what_it_does_not_give_fails(tmp_path):
    wrong = pooled(tmp_path / "wrong.onnx", [1, 2, 5, 5])
    report = validate(wrong, wrong)
    assert [finding.code for finding in report.findings if finding.code == "PG108"]
    assert report.exit_code == 1


def test_a_source_that_declares_it_is_converted_with_the_true_shape(tmp_path):
    wrong = pooled(tmp_path / "wrong.onnx", [1, 2, 5, 5])
    report = convert(wrong, tmp_path / "new.onnx").report
    assert report.exit_code == 0
    assert any("declares output 'y' as [1, 2, 5, 5], but gives [1, 2, 4, 4]" in f.message for f in report.findings)
    assert load(tmp_path / "new.onnx", LoadOptions()).signature.outputs[0].shape == (1, 2, 4, 4)
