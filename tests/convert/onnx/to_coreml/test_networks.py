"""ONNX to Core ML: operators for which a neural network has no layer, and slices with computed steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_models import (
    assert_agreement,
    convert_model,
    parsed,
)

NETWORKS = {
    "a scalar index": """g (float[2,3] x) => (float[2] y) {
        i = Constant<value: tensor = int64 {1}>()  y = Gather<axis=1>(x, i) }""",
    "several exponents": """g (float[2,3] x) => (float[2,3] y) {
        e = Constant<value_floats=[2.0, 0.5, -1.0]>()  y = Pow(x, e) }""",
}
"""Neural networks have no layer for these: coremltools would write another shape, or fail."""


@pytest.mark.parametrize("name", NETWORKS)
def test_operators_without_a_layer_in_neural_networks(tmp_path: Path, name: str) -> None:
    model = parsed(NETWORKS[name])
    candidate = convert_model(model, tmp_path, suffix=".mlmodel")
    for x in (np.arange(6), [[-1.5, np.inf, 0.0], [np.nan, 9.0, np.inf]]):
        assert_agreement(model, candidate, {"x": np.array(x, np.float32).reshape(2, 3)})


@pytest.mark.parametrize(("bounds", "step"), [((0, 7), 2), ((-1, -8), -3), ((5, -100), -2), ((-4, 100), 3)])
def test_steps_may_be_computed(tmp_path: Path, bounds: tuple[int, int], step: int) -> None:
    model = parsed(
        """g (float[2,7] x, int64[1] start, int64[1] stop, int64[1] step) => (float[2,N] y) {
            axes = Constant<value_ints=[1]>()  y = Slice(x, start, stop, axes, step) }"""
    )
    feed = {"x": np.arange(14, dtype=np.float32).reshape(2, 7), "step": np.array([step])}
    feed |= {name: np.array([number]) for name, number in zip(("start", "stop"), bounds, strict=True)}
    assert_agreement(model, convert_model(model, tmp_path), feed)
