"""ONNX to Core ML: what Core ML can't express is rejected by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx_models import (
    MIXED,
    classic_model,
    convert_model,
    parsed,
    recurrent_model,
    two_trees,
)

from paritygate.validate.errors import ParityGateError

REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "branches of different ranks": (
        lambda: parsed(
            """g (int64[1] n, float[2,3] x) => (float[N,M] y) {
                z = Constant<value_ints=[2]>()  t = Greater(n, z)  s = Squeeze(t)
                a = Constant<value_ints=[0]>()
                y = If(s) <then_branch = t () => (float[1,2,3] o) { o = Unsqueeze(x, a) },
                    else_branch = e () => (float[2,3] p) { p = Neg(x) }> }"""
        ),
        "axes",
    ),
    "a sequence in a loop of computed length": (
        lambda: parsed(
            """g (int64[1] n, float[3] x) => (float[N] y) {
                m = Squeeze(n)  c = Constant<value: tensor = bool {1}>()  e = SequenceEmpty()
                q = Loop(m, c, e) <body = b (int64 i, bool ci, seq(float[3]) a) => (bool co, seq(float[3]) o) {
                    co = Identity(ci)  o = SequenceInsert(a, x) }>  y = ConcatFromSequence<axis=0>(q) }"""
        ),
        "sequences",
    ),
    "an activation without its constants": (
        lambda: recurrent_model("RNN", activations=["Affine"])[0],
        "activation_alpha",
    ),
    "floats of 8 bits": (
        lambda: parsed(
            """g (float[4] x, float s) => (float[4] y) {
                z = Constant<value: tensor = float8e4m3fn {0}>()  q = QuantizeLinear(x, s, z)
                y = DequantizeLinear(q, s, z) }""",
            21,
        ),
        "float8",
    ),
    "unknown categories that are errors": (
        lambda: classic_model("OneHotEncoder", [{"cats_int64s": [1], "zeros": 0}])[0],
        "zeros=0",
    ),
    "trees that may say nothing of a target": (
        lambda: classic_model(
            "TreeEnsembleRegressor", [two_trees("target", MIXED, [0, 1, 1, 0, 1], n_targets=2, base_values=[1.0, 2.0])]
        )[0],
        "no value",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_core_ml_cannot_express_is_rejected_by_name(tmp_path: Path, name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(ParityGateError) as refused:
        convert_model(make(), tmp_path)
    assert refused.value.code == "PG404"
    assert reason in refused.value.cause
    assert "operator" in refused.value.subject
