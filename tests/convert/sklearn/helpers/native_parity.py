"""Compare an estimator with its Core ML model of classic model types, row by row."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn_data import Feed

from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.sklearn.coreml.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.sklearn.estimator import load

IN_DOUBLE = 1e-11
"""Relative, and absolute below 1: scikit-learn and the model add the same doubles, in different orders."""

IN_SINGLE = 3e-6
"""XGBoost adds its leaves in single precision (6e-8 a step, some dozen steps); so are
exponentials, of large sums; scikit-learn's own linear models compute in single precision for such samples."""


def outputs_of(estimator: Any, feed: Feed, folder: Path, dtype: str) -> tuple[Candidate, dict[str, np.ndarray]]:
    """The converted file's outputs for every row, by the source's names."""
    model = load(estimator, LoadOptions(dtype=dtype))
    candidate = convert(model, folder / "model.mlmodel", RouteOptions())
    session = coreml.load(candidate.path, LoadOptions()).session
    count = len(next(iter(feed.values())))
    rows = [session.predict({name: feed[source][i] for name, source in candidate.inputs.items()}) for i in range(count)]
    found = {}
    for feature, source in candidate.outputs.items():
        order = candidate.classes.get(feature)
        values = [row[feature] if order is None else [row[feature][label] for label in order] for row in rows]
        found[source] = np.array(values)
    return candidate, found


def assert_agrees(
    estimator: Any, rows: Any, folder: Path, dtype: str = "float32", tolerance: float = IN_SINGLE
) -> Candidate:
    """Every row has the estimator's own outputs: labels exactly, numbers within the tolerance."""
    model = load(estimator, LoadOptions(dtype=dtype))
    feed = _feed(model, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown categories, which are wanted here
        expected = model.run(feed)
    candidate, found = outputs_of(estimator, feed, folder, dtype)
    assert_well_formed(coreml.load(candidate.path, LoadOptions()).native.spec)
    assert set(found) == set(expected)
    for name, want in expected.items():
        got = found[name].reshape(want.shape)
        if want.dtype.kind == "f" and name != "label":
            np.testing.assert_allclose(got, want, tolerance, tolerance, equal_nan=True, err_msg=name)
        else:
            assert got.tolist() == want.tolist(), name
    return candidate


def assert_well_formed(spec: Any) -> None:
    """The rules that Core ML checks when it loads a model, as far as these models could break them.

    They are in coremltools' C++ sources (mlmodel/src/Validation, TreeEnsembleCommon.cpp); its library needs a Mac.
    """
    kind, description = spec.WhichOneof("Type"), spec.description
    body = getattr(spec, kind)
    inputs, outputs = ({f.name: f.type for f in features} for features in (description.input, description.output))
    assert not inputs.keys() & outputs.keys()
    if kind.startswith("pipeline"):
        known = dict(inputs)
        for stage in (body if kind == "pipeline" else body.pipeline).models:
            assert_well_formed(stage)
            assert all(known[feature.name] == feature.type for feature in stage.description.input)
            known |= {feature.name: feature.type for feature in stage.description.output}
        assert all(known[name] == declared for name, declared in outputs.items())
    elif kind.endswith("Regressor"):
        assert [declared.WhichOneof("Type") for declared in outputs.values()] == ["doubleType"]
    if kind.startswith("glm"):
        assert len(body.weights) == len(body.offset) > 0
    if kind == "glmClassifier":
        count = len(body.int64ClassLabels.vector) or len(body.stringClassLabels.vector)
        assert len(body.weights) == (count if body.classEncoding == body.OneVsRest else count - 1)
        assert count > 2 or body.classEncoding == body.ReferenceClass
    if kind.startswith("treeEnsemble"):
        trees = body.treeEnsemble
        assert trees.nodes
        assert len(trees.basePredictionValue) == trees.numPredictionDimensions
        for node in trees.nodes:
            indices = [info.evaluationIndex for info in node.evaluationInfo]
            assert len(set(indices)) == len(indices)
            assert indices or node.nodeBehavior != node.LeafNode
            assert node.nodeBehavior == node.LeafNode or node.nodeId not in (
                node.trueChildNodeId,
                node.falseChildNodeId,
            )
    if kind in ("imputer", "scaler", "normalizer"):
        assert list(inputs.values()) == list(outputs.values())


def _feed(model: Any, rows: Any) -> dict[str, np.ndarray]:
    specs = model.signature.inputs
    frame = isinstance(rows, pd.DataFrame)
    table = rows if frame else np.asarray(rows)
    columns = [table[spec.name].to_numpy()[:, None] for spec in specs] if frame else [table]
    return {s.name: c.astype(str if s.dtype == "str" else s.dtype) for s, c in zip(specs, columns, strict=True)}
