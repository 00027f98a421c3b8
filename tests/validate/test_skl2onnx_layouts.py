"""Files as skl2onnx writes them by default are compared with the estimator as they are, and faults are still found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from paritygate.validate import validate
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import Signature, TensorSpec
from paritygate.validate.tasks.binding import check_classes, columns_for_vectors
from paritygate.validate.tasks.types import Bindings

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(100, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.4)
TABLE = pd.DataFrame(X, columns=["a", "b", "c"])
PARTS = ColumnTransformer([("s", StandardScaler(), ["a", "b"]), ("p", "passthrough", ["c"])])
COLUMNS = [(name, FloatTensorType([None, 1])) for name in TABLE]

ESTIMATORS: dict[str, Any] = {
    "a dictionary per row": LogisticRegression().fit(X, Y),
    "a dictionary per row, by text": LogisticRegression().fit(X, np.array(["no", "maybe", "yes"])[Y]),
    "a column for a vector": LinearRegression().fit(X, X[:, 0] * 2),
    "one output": StandardScaler().fit(X),
    "an input per column": make_pipeline(PARTS, LogisticRegression()).fit(TABLE, Y),
    "labels of 64 bits": KMeans(3, n_init=1, random_state=0).fit(X),
}


def written(name: str, folder: Path) -> Path:
    by_columns = name == "an input per column"
    estimator = ESTIMATORS[name]
    model = convert_sklearn(estimator, initial_types=COLUMNS) if by_columns else to_onnx(estimator, X[:1])
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_default_layout_passes(name: str, tmp_path: Path) -> None:
    report = validate(ESTIMATORS[name], written(name, tmp_path), budget=0, batch_sizes=(1, 3), localise=False)
    assert report.passed, str(report)


def _scale_attributes(graph: onnx.GraphProto) -> int:
    """Skl2onnx's own linear operators hold their weights as attributes."""
    found = [a for node in graph.node for a in node.attribute if a.name == "coefficients"]
    for attribute in found:
        attribute.floats[0] *= 1.01
    return len(found)


def _scale_initializers(graph: onnx.GraphProto) -> int:
    """Other converters may be registered in this process, which write products of matrices."""
    found = [t for t in graph.initializer if t.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)]
    for tensor in found:
        values = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array((values * 1.01).astype(values.dtype), tensor.name))
    return len(found)


@pytest.mark.parametrize("name", ["a dictionary per row", "a column for a vector"])
def test_a_wrong_weight_fails(name: str, tmp_path: Path) -> None:
    path = written(name, tmp_path)
    model = onnx.load(path)
    changed = [_scale_attributes(model.graph), _scale_initializers(model.graph)]
    assert any(changed)
    onnx.save(model, path)
    report = validate(ESTIMATORS[name], path, budget=0, batch_sizes=(1, 3), localise=False)
    assert not report.passed, str(report)


def test_classes_in_another_order_are_refused() -> None:
    scores = TensorSpec("scores", "float32", ("N", 2))
    one, other = (Signature((), (scores,), classes={"scores": order}) for order in (("a", "b"), ("b", "a")))
    check_classes(Bindings(), one, one)
    with pytest.raises(ParityGateError, match="are not those of the reference"):
        check_classes(Bindings(), one, other)


@pytest.mark.parametrize(
    ("reference", "candidate", "flat"),
    [(("N",), ("N", 1), True), (("N",), ("N", 2), False), (("N", 1), ("N", 1), False), (("N",), ("N",), False)],
)
def test_only_a_column_stands_for_a_vector(reference: Any, candidate: Any, flat: bool) -> None:
    sides = (Signature((), (TensorSpec("y", "float32", shape),)) for shape in (reference, candidate))
    assert bool(columns_for_vectors(Bindings(), *sides)) is flat
