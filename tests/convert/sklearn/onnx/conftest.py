"""One way to compare a fitted model with its ONNX form, through paritygate's own engine and route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from threadpoolctl import threadpool_limits

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.onnx.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load as load_estimator
from paritygate.validate.engines.sklearn.thresholds import thresholds_of


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Models this small train faster alone than in a team that waits for each other on a busy machine."""
    with threadpool_limits(1):
        yield


Parity = Callable[..., onnx.ModelProto]


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    """``parity(source, x)``: every label equal, every number equal up to rounding.

    Where either side is float32, an ensemble's sum was rounded to it once (6e-8); exponentials and XGBoost's own
    float32 sums multiply that; ``single`` says that the source computes in float32 inside, whatever it gives. Doubles
    differ by the order of sums only. ``x`` is a matrix, or a mapping of an input's name to its column.
    """

    def check(
        source: Any,
        x: Any,
        opset: int | None = None,
        single: bool = False,
        load: Callable[[Any, LoadOptions], Any] = load_estimator,
    ) -> onnx.ModelProto:
        feed = x if isinstance(x, dict) else {"X": x}
        dtype = "float64" if any(column.dtype == np.float64 for column in feed.values()) else "float32"
        model = load(source, LoadOptions(dtype=dtype, example=feed))
        assert len(model.hints()) == len(feed), "thresholds are found wherever the trees are"
        path = tmp_path / "model.onnx"
        convert(model, path, RouteOptions(opset))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        given = {k: v.astype(object) if v.dtype.kind == "U" else v for k, v in feed.items()}
        actual = dict(zip(names, session.run(None, given), strict=True))
        expected = model.run(feed)
        assert set(actual) == set(expected)
        for name, reference in expected.items():
            assert actual[name].shape == reference.shape
            if reference.dtype.kind == "f":
                narrow = single or np.float32 in (reference.dtype, actual[name].dtype)
                rtol, atol = (5e-6, 1e-6) if narrow else (1e-11, 1e-12)
                np.testing.assert_allclose(actual[name], reference, rtol, atol, err_msg=name)
            else:
                np.testing.assert_array_equal(actual[name], reference, err_msg=name)
        return onnx.load(path)

    return check


@pytest.fixture
def around() -> Callable[[Any, np.ndarray], np.ndarray]:
    """``around(estimator, x)``: ``x``, and rows on the thresholds of the trees and one float step beside them."""

    def rows(estimator: Any, x: np.ndarray, most: int = 60) -> np.ndarray:
        kind = x.dtype.type
        found = [x]
        for feature, thresholds in enumerate(thresholds_of(estimator, x.shape[1])):
            points = np.unique(thresholds[np.isfinite(thresholds)].astype(kind))[:most]
            with np.errstate(over="ignore"):  # CatBoost splits off missing values at the least of float32
                steps = [points, np.nextafter(points, kind(np.inf)), np.nextafter(points, kind(-np.inf))]
            block = x[np.arange(3 * len(points)) % len(x)].copy()
            block[:, feature] = np.concatenate(steps)
            found.append(block)
        return np.concatenate(found)

    return rows
