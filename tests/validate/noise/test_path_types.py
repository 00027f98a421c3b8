"""A float64 output that is only widened at its end may be off as far as what was computed before."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import parser

from paritygate.validate.noise.path_types import path_types
from paritygate.validate.report.types import Tolerance
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.computed import ComputedPolicy
from paritygate.validate.verdict.evidence import Evidence


@pytest.mark.parametrize(
    ("dtype", "body", "expected"),
    [
        ("float", "d = Cast<to = 11>(x)\n y = Exp(d)", "float32"),
        ("double", "y = Exp(x)", "float64"),
        ("double", "f = Cast<to = 1>(x)\n y = Cast<to = 11>(f)", "float32"),
        ("double", "f = Cast<to = 10>(x)\n y = Cast<to = 11>(f)", "float32"),
        ("double", "f = Cast<to = 1>(x)\n s = Shape(f)\n y = Reshape(x, s)", "float64"),
        ("double", "c = Constant<value = float {1.0}>()\n d = Cast<to = 11>(c)\n y = Add(x, d)", "float64"),
    ],
    ids=["widened", "float64 throughout", "narrowed between", "float16 counts as float32", "shape only", "constant"],
)
def test_the_coarsest_type_on_the_way_counts(dtype, body, expected):
    model = parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 20]> g ({dtype}[N, 4] x) => (double[N, 4] y) {{ {body} }}'
    )
    assert path_types(model) == {"y": expected}


@pytest.mark.parametrize(("coarsest", "allowed"), [({}, 1e-9), ({"y": "float32"}, 4e-6)])
def test_a_floor_is_capped_by_the_row_of_that_type(coarsest, allowed):
    """A floor of 1e-6 on a value of 1: four of them where float32 was on the way, else what float64's row allows."""
    want = [np.ones((1, 1))]
    policy = ComputedPolicy().informed(Evidence({"y": (np.full((1, 1), 1e-6),)}, runs=10, coarsest=coarsest))
    spec = TensorSpec("y", "float64", (1, 1))
    tolerance: Tolerance = policy.tolerance(spec, want, "float64")
    (found,) = policy.allowances(spec, want, tolerance)
    assert found[0, 0] == pytest.approx(allowed, rel=0.01)
