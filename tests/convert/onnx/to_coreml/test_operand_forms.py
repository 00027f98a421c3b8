"""Operands in ranks, dtypes and lengths that ONNX Runtime takes and MIL doesn't, and lengths that are open or fixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import parser
from onnx_models import assert_agreement, convert_model

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.onnx.to_coreml import route as onnx_to_coreml
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples.options import parse_input

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 3, 4)).astype(np.float32)
IDS = np.array([[1, 0, 2]], np.int64)

FORMS = {
    # name: (constants, nodes, type of the result)
    "Clip by vectors of one": ("float[1] lo = {-0.5}, float[1] hi = {0.5}", "y = Clip(x, lo, hi)", "float[a,b,c]"),
    "CumSum along a vector of one": ("int64[1] a = {1}", "y = CumSum(x, a)", "float[a,b,c]"),
    "Trilu by a vector of one": ("int64[1] k = {-1}", "y = Trilu <upper = 0> (x, k)", "float[a,b,c]"),
    "Unsqueeze at a scalar": ("int64 a = {1}", "y = Unsqueeze(x, a)", "float[a,b,c,d]"),
    "Pad by a vector of one": (
        "int64[6] p = {0, 0, 1, 0, 0, 2}, float[1] v = {3}", "y = Pad(x, p, v)", "float[a,b,c]"
    ),
    "Slice by int32 and a negative step": (
        "int32[1] b = {-1}, int32[1] e = {-100}, int32[1] a = {2}, int32[1] s = {-1}", "y = Slice(x, b, e, a, s)",
        "float[a,b,c]",
    ),
    "Pow to an integer": ("int64 e = {2}", "y = Pow(x, e)", "float[a,b,c]"),
    "PRelu of rank 3": ("float[3, 1] s = {0.1, 0.2, 0.3}", "y = PRelu(x, s)", "float[a,b,c]"),
    "MatMul by a vector": ("float[3] v = {1, 2, 3}", "y = MatMul(v, x)", "float[a,b]"),
    "Where on a scalar": ("bool c = {1}, float z = {0}", "y = Where(c, x, z)", "float[a,b,c]"),
    "Gather of a negative scalar": ("int64 i = {-1}", "y = Gather <axis = 1> (x, i)", "float[a,b]"),
    "GatherElements of fewer rows": (
        "int64[1, 2, 3] i = {0, 1, 2, 0, 1, -1}", "y = GatherElements <axis = 1> (x, i)", "float[a,b,c]"
    ),
    "ScatterElements of fewer rows": (
        "int64[1, 1, 4] i = {0, 1, 2, -1}, float[1, 1, 4] u = {1, 2, 3, 4}",
        "y = ScatterElements <axis = 1, reduction = \"add\"> (x, i, u)", "float[a,b,c]",
    ),
    "QuantizeLinear by vectors of one": (
        "float[1] s = {0.1}, uint8[1] z = {128}", "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)",
        "float[a,b,c]",
    ),
    "If on a vector of one": (
        "int64[1] one = {1}, float z = {0}",
        "s = ReduceSum <keepdims = 0> (x) c = Greater(s, z) v = Reshape(c, one) "
        "y = If (v) <then_branch = t () => (float[2,3,4] p) { p = Identity(x) }, "
        "else_branch = e () => (float[2,3,4] q) { q = Neg(x) }>",
        "float[a,b,c]",
    ),
}  # fmt: skip


def model_of(
    constants: str, nodes: str, result: str, given: str = "float[2,3,4] x", opset: int = 18
) -> onnx.ModelProto:
    head = f'<ir_version: 8, opset_import: ["" : {opset}]>'
    return parser.parse_model(f"{head} g ({given}) => ({result} y) <{constants}> {{ {nodes} }}")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_operands_as_onnx_runtime_takes_them(form: tuple[str, str, str], tmp_path: Path):
    model = model_of(*form)
    assert_agreement(model, convert_model(model, tmp_path), {"x": X})


@pytest.mark.parametrize("operator", ["GatherElements", "ScatterElements"])
def test_indices_of_open_lengths_may_be_fewer_than_the_data(operator: str, tmp_path: Path):
    given = "float[b, 3, 4] x, int64[c, 2, 3] i" + (", float[c, 2, 3] u" if operator == "ScatterElements" else "")
    update = ", u" if operator == "ScatterElements" else ""
    model = model_of("float z = {0}", f"y = {operator} <axis = 2> (x, i{update})", "float[p,q,r]", given)
    feed: dict[str, Any] = {"x": X, "i": np.array([[[0, 1, 2], [3, -1, 0]]])[:, :, :3]}
    feed["i"][0, 1] = [3, 1, 0]
    if update:
        feed["u"] = RANDOM.normal(size=(1, 2, 3)).astype(np.float32)
    assert_agreement(model, convert_model(model, tmp_path), feed)


@pytest.mark.parametrize(("opset", "scales"), [(10, (1.5, 0.7)), (10, (0.5, 3.0)), (9, (1.5, 2.0))])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_resize_before_opset_11_rounds_as_onnx_runtime_does(
    opset: int, scales: tuple[float, ...], mode: str, tmp_path: Path
):
    """Down where an axis grows, up where it shrinks."""
    operator, given = "Resize" if opset == 10 else "Upsample", "float[1,1,4,5] x"
    factors = ", ".join(map(str, scales))
    model = model_of(f"float[4] s = {{1, 1, {factors}}}", f'y = {operator} <mode = "{mode}"> (x, s)', "float[a,b,c,d]",
                     given, opset)  # fmt: skip
    assert_agreement(model, convert_model(model, tmp_path), {"x": RANDOM.normal(size=(1, 1, 4, 5)).astype(np.float32)})


COMPUTED = {
    "Pad": "n = Shape <start = 1> (x) r = Mod(n, eight) m = Sub(eight, r) p = Mod(m, eight) "
    "all = Concat <axis = 0> (none, p) y = Pad(x, all)",
    "Slice": "n = Shape <start = 1> (x) s = Shape(x) k = Size(s) a = Sub(k, one) v = Reshape(a, minus) "
    "y = Slice(x, first, n, v)",
    "Resize": 'n = Shape <start = 1> (x) m = Add(n, n) rows = Constant <value_ints = [2]> () '
    'sizes = Concat <axis = 0> (rows, m) y = Resize <mode = "nearest"> (x, , , sizes)',
}  # fmt: skip
CONSTANTS = (
    "int64[1] eight = {8}, int64[3] none = {0, 0, 0}, int64 one = {1}, int64[1] first = {1}, int64[1] minus = {-1}"
)


@pytest.mark.parametrize("operator", COMPUTED)
def test_what_follows_from_lengths_is_constant_once_they_are_fixed(operator: str, tmp_path: Path):
    """By --input or by --shapes; the refusal names the first. The batch, too, is a number if it is given as one."""
    model = model_of(CONSTANTS, COMPUTED[operator], "float[p,q]", "float[n, c] x")
    path = tmp_path / "source.onnx"
    onnx.save(model, str(path))
    feed = {"x": RANDOM.normal(size=(2, 13)).astype(np.float32)}
    fixed = onnxruntime.load(path, LoadOptions(inputs=(parse_input("x:float32:2,13"),)))
    assert_agreement(model, onnx_to_coreml.convert(fixed, tmp_path / "a.mlpackage", RouteOptions()), feed)
    listed = RouteOptions(shapes={"x": ((2, 13),)})
    assert_agreement(model, convert_model(model, tmp_path, listed), feed)


@pytest.mark.parametrize("operator", ["Pad", "Resize"])
def test_a_refusal_for_open_lengths_says_how_to_fix_them(operator: str, tmp_path: Path):
    model = model_of(CONSTANTS, COMPUTED[operator], "float[p,q]", "float[n, c] x")
    with pytest.raises(ParityGateError, match=operator) as caught:
        convert_model(model, tmp_path)
    assert caught.value.code == "PG404"
    assert "--input x:float32:n,c" in caught.value.remedy


SQUEEZE = ("float[8, 1] w = {1, 2, 3, 4, 5, 6, 7, 8}", "a = Gemm(x, w) y = Squeeze(a)", "float[m]", "float[n, 8] x", 13)


def test_squeeze_without_axes_is_refused_where_a_length_decides_about_the_rank(tmp_path: Path):
    with pytest.raises(ParityGateError, match=r"Squeeze .*drops axis 0") as caught:
        convert_model(model_of(*SQUEEZE), tmp_path)
    assert caught.value.code == "PG404"


def test_squeeze_without_axes_keeps_an_axis_that_is_always_longer(tmp_path: Path):
    model = model_of(*SQUEEZE)
    candidate = convert_model(model, tmp_path, RouteOptions(ranges={("x", 0): (2, 64)}))
    assert any("Squeeze" in note for note in candidate.notes)
    assert_agreement(model, candidate, {"x": RANDOM.normal(size=(3, 8)).astype(np.float32)})
