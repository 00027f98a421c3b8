"""ONNX in float16: valid graphs whatever they hold, judged as float16, and mixed precision where values overflow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper, parser

from paritygate.convert import convert
from paritygate.convert.routes.onnx.half_graph import halved
from paritygate.validate.errors import ParityGateError
from paritygate.validate.tasks.half import round_results

WEIGHT = numpy_helper.from_array(np.random.default_rng(3).normal(size=(4, 4)).astype(np.float32), "w")

GRAPHS = {
    "a matrix product": ("y = MatMul(x, w)", 1),
    "a constant": ("c = Constant<value = float[4] {1, 2, 3, 4}>() y = Add(x, c)", 1),
    "casts": ("i = Cast<to = 7>(x) f = Cast<to = 1>(i) y = Mul(f, x)", 1),
    "a value that branches read": (
        """m = MatMul(x, w) s = ReduceMax<keepdims = 0>(m) c = Greater(s, zero)
        y = If(c) <then_branch = a () => (float[N, 4] p) {p = Mul(m, m)},
                   else_branch = b () => (float[N, 4] q) {q = Neg(m)}>""",
        2,
    ),
    "a loop": (
        """m = MatMul(x, w)
        y = Loop(three, yes, m) <body = g (int64 i, bool go, float[N, 4] v) => (bool on, float[N, 4] u)
        {on = Identity(go) u = Add(v, m)}>""",
        1,
    ),
    "an operand that must be float32": (
        """e = Unsqueeze(x, axes) r = Resize<mode = "linear">(e, , scales) t = Squeeze(r, axes)
        y = Slice(t, starts, ends, one)""",
        4,
    ),
    "results of two types": ("m = MatMul(x, w) y, k = TopK<axis = 1>(m, four)", 2),
    "a result that is read inside and given out": ("y = MatMul(x, w) z = Relu(y) k = Shape(z)", 2),
    "statistics in float32": ("y, mean = LayerNormalization<axis = 1>(x, w1)", 1),
    "an operator of the runtime": ("m = MatMul(x, w) y = com.microsoft.QuickGelu<alpha = 1.7>(m)", 1),
    "a scaling in front of a product": ("s = Mul(x, w1) y = MatMul(s, w)", 1),
    "a random operator": ("r = RandomNormalLike<seed = 1.0>(x) s = Mul(r, zeros) y = Add(x, s)", 2),
}
"""Nodes -> how many of them can compute in float16."""

CONSTANTS = [
    WEIGHT,
    numpy_helper.from_array(np.float32(0), "zero"),
    numpy_helper.from_array(np.zeros(4, np.float32), "zeros"),
    numpy_helper.from_array(np.ones(4, np.float32), "w1"),
    numpy_helper.from_array(np.int64(3), "three"),
    numpy_helper.from_array(np.array(True), "yes"),
    numpy_helper.from_array(np.array([4]), "four"),
    numpy_helper.from_array(np.array([0]), "axes"),
    numpy_helper.from_array(np.array([0, 0]), "starts"),
    numpy_helper.from_array(np.array([2, 4]), "ends"),
    numpy_helper.from_array(np.array([0, 1]), "one"),
    numpy_helper.from_array(np.array([1, 1.5, 1.5], np.float32), "scales"),
]


def model_of(nodes: str, constants: list[onnx.TensorProto] = CONSTANTS) -> onnx.ModelProto:
    model = parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 20, "com.microsoft": 1]> g (float[N, 4] x) => (float[N, 4] y) {'
        + nodes
        + "}"
    )
    model.graph.initializer.extend(constants)
    return model


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]


@pytest.mark.parametrize(("nodes", "count"), GRAPHS.values(), ids=GRAPHS)
def test_the_graph_stays_valid_and_computes_the_same(nodes: str, count: int) -> None:
    x = np.random.default_rng(5).normal(size=(2, 4)).astype(np.float32)
    expected = run(model_of(nodes), x)
    made, done = halved(model_of(nodes))
    onnx.checker.check_model(made, full_check="microsoft" not in nodes)
    assert len(done) == count
    assert [value.type.tensor_type.elem_type for value in (*made.graph.input, *made.graph.output)] == [1, 1]
    actual = run(made, x)
    # at most a few dozen roundings of 2**-11, of values up to about 30
    np.testing.assert_allclose(actual, expected, rtol=0.02, atol=0.05)
    rounded = run(round_results(made), x)
    np.testing.assert_allclose(rounded, expected, rtol=0.02, atol=0.05)
    assert (rounded != expected).any()  # it really computes in float16


def test_weights_are_stored_in_float16_once() -> None:
    made, _ = halved(model_of("m = MatMul(x, w) y = MatMul(m, w)", [WEIGHT]))
    assert [(tensor.name, tensor.data_type) for tensor in made.graph.initializer] == [("w/half", TensorProto.FLOAT16)]
    assert [node.op_type for node in made.graph.node] == ["Cast", "MatMul", "MatMul", "Cast"]


def test_what_is_kept_stays_in_float32() -> None:
    made, done = halved(model_of("m = MatMul(x, w) n = Mul(m, m) y = MatMul(n, w)", [WEIGHT]), {"n"})
    assert done == ("m", "y")
    assert {tensor.name for tensor in made.graph.initializer} == {"w/half"}
    assert next(node for node in made.graph.node if node.op_type == "Mul").input[:] == ["m", "m"]


@pytest.fixture(scope="module")
def overflowing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Squares of values up to a few thousand overflow in float16 (65504); their root doesn't."""
    path = tmp_path_factory.mktemp("overflow") / "overflow.onnx"
    scale = numpy_helper.from_array(np.float32(1000), "scale")
    nodes = "a = MatMul(x, w) b = Mul(a, scale) c = Mul(b, b) d = Sqrt(c) e = Div(d, scale) y = MatMul(e, w)"
    onnx.save(model_of(nodes, [WEIGHT, scale]), str(path))
    return path


def test_what_overflows_fails_and_mixed_precision_mends_it(overflowing: Path, tmp_path: Path) -> None:
    failed = convert(overflowing, tmp_path / "half.onnx", precision="fp16", localise=False)
    assert failed.report.exit_code == 1
    assert "precision='mixed'" in str(failed.report)
    assert not (tmp_path / "half.onnx").exists()
    mixed = convert(overflowing, tmp_path / "mixed.onnx", precision="mixed")
    assert mixed.report.passed
    assert "Mul (c)" in str(mixed.report)
    assert mixed.report.outputs[0].tolerance.dtype == "float16"
    kinds = {node.name: node.op_type for node in onnx.load(str(tmp_path / "mixed.onnx")).graph.node}
    assert "Cast" in kinds.values()


def test_a_model_without_an_operator_for_float16_is_refused(tmp_path: Path) -> None:
    onnx.save(model_of("b = Greater(x, zero) y = Cast<to = 1>(b)", CONSTANTS[:2]), str(tmp_path / "m.onnx"))
    with pytest.raises(ParityGateError, match="none of its operators can compute in float16") as error:
        convert(tmp_path / "m.onnx", tmp_path / "half.onnx", precision="fp16")
    assert error.value.code == "PG404"
