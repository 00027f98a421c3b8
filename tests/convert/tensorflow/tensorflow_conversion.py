"""A TensorFlow source and its ONNX candidate, compared with the framework's own values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.tensorflow import to_onnx
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions, Model

Arrays = Mapping[str, np.ndarray[Any, Any]]

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
"""Float32 sums of a few dozen terms in a different order: a few units in the last place of values around 1."""


def convert_to_onnx(
    model: Model, folder: Path, opset: int | None = None, route: Any = to_onnx
) -> tuple[Candidate, onnxruntime.OnnxModel]:
    candidate = route.convert(model, folder / "model.onnx", RouteOptions(opset))
    return candidate, onnxruntime.load(candidate.path, LoadOptions())


def run_bound(candidate: Candidate, engine: onnxruntime.OnnxModel, feed: Arrays) -> dict[str, Any]:
    """The candidate's outputs under the source's names."""
    outputs = engine.run({name: feed[source] for name, source in candidate.inputs.items()})
    return {source: outputs[name] for name, source in candidate.outputs.items()}


def check_against(
    expected: Callable[..., Any], model: Model, folder: Path, *feeds: Arrays, tolerance: Mapping[str, float] = CLOSE
) -> Candidate:
    """Convert, run on each feed, and compare every output with what ``expected(**feed)`` gives by name."""
    candidate, engine = convert_to_onnx(model, folder)
    for feed in feeds:
        actual = run_bound(candidate, engine, feed)
        for name, value in expected(**feed).items():
            value = np.asarray(value)
            assert actual[name].shape == value.shape, name
            assert actual[name].dtype == value.dtype, name
            np.testing.assert_allclose(actual[name], value, err_msg=name, **tolerance)
    return candidate
