"""Models that are rejected: not public, or damaged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_specs import (
    TRANSFORMERS,
    X,
    Y,
    add_tree,
    classifier,
    model,
    nested,
    session,
    svc,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from paritygate.validate.coreml.files.proto import parse_model
from paritygate.validate.errors import ParityGateError


@pytest.mark.parametrize("kind", ["visionFeaturePrint", "wordTagger", "gazetteer", "customModel"])
def test_private_model_types_are_rejected_by_name(kind: str):
    inner = model({"x": 2}, {"out": 2})
    getattr(inner, kind).SetInParent()
    spec = model({"x": 2}, {"out": 2})
    spec.pipeline.models.append(inner)
    with pytest.raises(ParityGateError, match=f"model type '{kind}'") as caught:
        session(spec)
    assert caught.value.code == "PG404"


def small_models() -> list[bytes]:
    x, y = X[:40, :3], Y[:40]
    forest = classifier(3)
    forest.treeEnsembleClassifier.treeEnsemble.numPredictionDimensions = 2
    forest.treeEnsembleClassifier.int64ClassLabels.vector.extend([0, 1])
    tree = RandomForestClassifier(1, max_depth=2, random_state=0).fit(X[:, :3], Y > 0).estimators_[0].tree_
    add_tree(forest.treeEnsembleClassifier.treeEnsemble, 0, tree, tree.value[:, 0])
    machine = svc(SVC(kernel="poly").fit(X[::20, :3], Y[::20]))
    machine.description.ClearField("predictedProbabilitiesName")
    neighbours = classifier(3)
    for row in x[:5]:
        neighbours.kNearestNeighborsClassifier.nearestNeighborsIndex.floatSamples.add().vector.extend(row)
    neighbours.kNearestNeighborsClassifier.int64ClassLabels.vector.extend(y[:5].tolist())
    specs = [forest, machine, neighbours, nested(3), *(spec for spec, *_ in TRANSFORMERS.values())]
    return [spec.SerializeToString() for spec in specs]


SMALL = small_models()


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_damaged_models_are_rejected_or_run(data: st.DataObject):
    content = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    outcome = "runs"
    try:
        session(parse_model(bytes(content), "damaged"))
    except ParityGateError as e:
        outcome = e.code
    assert outcome in {"runs", "PG402", "PG404", "PG405"}
