"""Which weights decide what an ONNX file claims to compute in."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnx_weights import elements_by_type
from paritygate.validate.engines.onnxruntime import load

HALF, SINGLE = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
TENSORS = {"w": np.ones((4, 4), np.float32), "h": np.ones((4, 100), np.float16), "v": np.ones((4, 4), np.float16)}


def model_of(body: str) -> onnx.ModelProto:
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 18]> g (float[N, 4] x) => (float[N, 4] y) {{ {body} }}'
    )
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in TENSORS.items())
    return model


UNUSED = "y = MatMul(x, w)"
TO_NO_OUTPUT = "y = MatMul(x, w) c = Cast<to = 10>(x) dead = MatMul(c, h)"
AMONG_CONSTANTS = """
    s = ReduceSum<keepdims = 0>(h) c = Cast<to = 1>(s) zero = Sub(c, c) m = MatMul(x, w) y = Add(m, zero)"""
IN_A_BRANCH = """
    yes = Constant<value = bool {1}>() m = MatMul(x, w)
    y = If(yes) <
      then_branch = g1 () => (float[N, 4] t) { t = Identity(m) },
      else_branch = g2 () => (float[N, 4] e) { c = Cast<to = 10>(x) dead = MatMul(c, h) e = Neg(m) }
    >"""
MOVED = "t = Transpose(v) c = Cast<to = 10>(x) m = MatMul(c, t) n = Cast<to = 1>(m) y = Relu(n)"
WIDENED = "u = Cast<to = 1>(v) y = MatMul(x, u)"


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        (UNUSED, {SINGLE: 16}),
        (TO_NO_OUTPUT, {SINGLE: 16}),
        (AMONG_CONSTANTS, {SINGLE: 16}),
        (IN_A_BRANCH, {SINGLE: 16}),
        (MOVED, {HALF: 16}),
        (WIDENED, {HALF: 16}),
    ],
)
def test_only_what_the_values_meet_on_their_way_counts(body, counts, tmp_path):
    model = model_of(body)
    assert {k: n for k, n in elements_by_type(model).items() if k in (HALF, SINGLE)} == counts
    onnx.save(model, tmp_path / "m.onnx")
    assert load(tmp_path / "m.onnx", LoadOptions()).facts().precision == ("float16" if HALF in counts else "")
