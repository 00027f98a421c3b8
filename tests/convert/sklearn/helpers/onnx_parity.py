"""Compare an estimator with its ONNX model, on real rows and on generated samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from sklearn_data import Feed

from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.sklearn.onnx.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.samples import generate_samples
from paritygate.validate.signature import TensorSpec

TOLERANCE = 1e-5
"""Absolute and relative: float32 rounds a result once (6e-8), and what scikit-learn itself computes in float32 may add
about a hundred such steps; the candidate computes in double and adds nothing."""


def run(path: Path, feed: Feed) -> dict[str, np.ndarray]:
    """What ONNX Runtime computes, strings as numpy text."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    arrays = {name: array.astype(object) if array.dtype.kind == "U" else array for name, array in feed.items()}
    results = zip((output.name for output in session.get_outputs()), session.run(None, arrays), strict=True)
    return {name: array.astype(str) if array.dtype == object else array for name, array in results}


def differences(expected: Feed, actual: Feed) -> list[str]:
    """A sentence on every output that differs; a label may differ where two scores are equal to 1e-6."""
    assert list(expected) == list(actual)
    found = []
    for name, want in expected.items():
        got = actual[name]
        if want.shape != got.shape:
            found.append(f"{name}: shape {want.shape} became {got.shape}")
        elif want.dtype.kind == "f":
            if not np.allclose(got, want, TOLERANCE, TOLERANCE, equal_nan=True):
                found.append(f"{name}: {np.nanmax(abs(got - want))} difference")
        elif want.dtype.kind != got.dtype.kind or (want != got)[~_tied(expected, want)].any():
            found.append(f"{name}: {want} became {got}")
    return found


def _tied(outputs: Feed, label: np.ndarray) -> np.ndarray:
    scores = outputs.get("probabilities", outputs.get("scores"))
    if scores is None or scores.ndim != 2 or label.ndim != 1:
        return np.zeros(label.shape, bool)
    best = np.sort(scores, axis=1)
    return best[:, -1] - best[:, -2] < 1e-6


def parity(
    estimator: Any,
    folder: Path,
    real: Feed | np.ndarray | None = None,
    *,
    opset: int | None = None,
    options: LoadOptions | None = None,
) -> Candidate:
    """Convert, then compare the file with the estimator on real rows and on generated samples of every kind."""
    model = load(estimator, options or LoadOptions())
    candidate = convert(model, folder / "model.onnx", RouteOptions(opset))
    feeds = [item.feed for item in generate_samples(model.signature, model.hints()).items]
    feeds += [] if real is None else [_cast(model.signature.inputs, real)]
    for feed in feeds:
        got = {candidate.outputs[name]: array for name, array in run(candidate.path, feed).items()}
        assert differences(model.run(feed), got) == []
    declared = onnx.load(candidate.path).graph
    assert [value.name for value in declared.input] == [spec.name for spec in model.signature.inputs]
    assert [candidate.outputs[value.name] for value in declared.output] == [s.name for s in model.signature.outputs]
    return candidate


def _cast(specs: tuple[TensorSpec, ...], real: Feed | np.ndarray) -> dict[str, np.ndarray]:
    feed = real if isinstance(real, Mapping) else {specs[0].name: real}
    return {spec.name: feed[spec.name].astype(str if spec.dtype == "str" else spec.dtype) for spec in specs}
