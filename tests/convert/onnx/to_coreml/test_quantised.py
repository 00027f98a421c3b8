"""ONNX to Core ML: quantised graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx_models import (
    Feed,
    assert_agreement,
    convert_model,
    model_of,
    run_candidate,
)

from paritygate.convert.routes.base import RouteOptions
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml


def _quantised(kind: str, axis: int, block: int = 0) -> tuple[onnx.ModelProto, Feed]:
    """x, quantised and dequantised, times weights stored in ``kind``."""
    rng = np.random.default_rng(0)
    rows, columns = 64, 32
    weights = rng.integers(0, 7, size=(rows, columns))
    shape = (rows // block, columns) if block else ((rows, columns)[axis],)
    scales = (rng.random(size=shape) * 0.1 + 0.01).astype(np.float32)
    element = getattr(onnx.TensorProto, kind)
    more = {"block_size": block} if block else {}
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "sx", "zx"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "sx", "zx"], ["d"]),
            helper.make_node("DequantizeLinear", ["w", "sw"], ["f"], axis=axis, **more),
            helper.make_node("MatMul", ["d", "f"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", 1, [3, rows])],
        [helper.make_tensor_value_info("y", 1, [3, columns])],
        [
            helper.make_tensor("w", element, (rows, columns), weights.ravel().tolist()),
            numpy_helper.from_array(scales, "sw"),
            numpy_helper.from_array(np.array(0.02, np.float32), "sx"),
            numpy_helper.from_array(np.array(100, np.uint8), "zx"),
        ],
    )
    return model_of(graph, 21), {"x": rng.normal(size=(3, rows)).astype(np.float32)}


AFFINE, BLOCKWISE = "constexpr_affine_dequantize", "constexpr_blockwise_shift_scale"

QUANTISED: list[tuple[str, int, int, str | None, set[str]]] = [
    ("INT8", 1, 0, None, {AFFINE}),
    ("UINT8", 0, 0, "iOS17", {AFFINE, "quantize", "dequantize"}),
    ("INT8", 1, 0, "iOS15", set()),
    ("INT4", 1, 0, None, {BLOCKWISE, "quantize", "dequantize"}),
    ("UINT4", 0, 32, "iOS18", {BLOCKWISE, "quantize", "dequantize"}),
    ("INT8", 0, 32, "iOS16", set()),
]
"""(weights, axis, block, deployment target, the expected operators for quantised tensors)."""


@pytest.mark.parametrize(("kind", "axis", "block", "target", "operators"), QUANTISED)
def test_quantised_tensors_keep_their_width(
    tmp_path: Path, kind: str, axis: int, block: int, target: str | None, operators: set[str]
) -> None:
    model, feed = _quantised(kind, axis, block)
    candidate = convert_model(model, tmp_path, RouteOptions(deployment_target=target))
    assert_agreement(model, candidate, feed)
    found = set(coreml.load(candidate.path, LoadOptions()).facts().operators)
    assert {name for name in found if "quantize" in name or name.startswith("constexpr")} == operators


def test_large_sums_of_integers_stay_exact(tmp_path: Path) -> None:
    """700 products of up to 254 * 254 pass 2^24, above which float32 isn't exact."""
    rng = np.random.default_rng(2)
    w = rng.integers(200, 255, size=(2, 700, 1)).astype(np.uint8)
    graph = helper.make_graph(
        [helper.make_node("ConvInteger", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", 2, [1, 700, 8])],
        [helper.make_tensor_value_info("y", 6, [1, 2, 8])],
        [numpy_helper.from_array(w, "w")],
    )
    model = model_of(graph)
    x = rng.integers(200, 255, size=(1, 700, 8)).astype(np.uint8)
    found = run_candidate(convert_model(model, tmp_path), {"x": x})["y"]
    expected = np.einsum("oc,ncs->nos", w[:, :, 0].astype(np.int64), x.astype(np.int64))
    assert expected.min() > 1 << 24
    np.testing.assert_array_equal(found, expected)
