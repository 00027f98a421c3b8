"""Opsets of converted estimators, and what the route to ONNX refuses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx_parity import parity
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn_data import DIABETES, WINE, Doubler, Tripler
from sklearn_tables import TABLE, TABLE_MODELS

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.onnx.route import NEWEST, convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import newest_opset
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError

OPSET_MODELS = {
    "linear": make_pipeline(StandardScaler(), LogisticRegression()),
    "svm": make_pipeline(MinMaxScaler(), SVC(probability=True)),
    "forest": RandomForestClassifier(5, random_state=0),
    "neighbours": KNeighborsClassifier(3),
    "components": make_pipeline(PCA(3), MLPClassifier((4,), max_iter=20)),
}


@pytest.mark.parametrize("opset", [11, 13, 15, 17, NEWEST, newest_opset()])
@pytest.mark.parametrize("estimator", OPSET_MODELS.values(), ids=OPSET_MODELS.keys())
def test_opsets(estimator: Any, opset: int, tmp_path: Path) -> None:
    """Neighbours and the SVM use Loop, Scan, TopK and Unsqueeze, which have changed most."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(*WINE)
    candidate = parity(estimator, tmp_path, WINE[0], opset=opset)
    imports = {entry.domain: entry.version for entry in onnx.load(candidate.path).opset_import}
    assert imports[""] == opset
    assert imports.get("ai.onnx.ml", 1) <= (3 if opset >= 16 else 2)


def test_newer_opsets_change_no_operator_that_is_written(tmp_path: Path) -> None:
    """Opsets newer than skl2onnx's are only stamped: every operator must have kept its inputs, outputs and
    attributes, and a new attribute (Cast's round_mode) must have a default."""
    for i, estimator in enumerate([*OPSET_MODELS.values(), TABLE_MODELS["linear"]]):
        data = (TABLE, WINE[1]) if i == len(OPSET_MODELS) else WINE
        candidate = convert(load(estimator.fit(*data), LoadOptions()), tmp_path / f"{i}.onnx", RouteOptions(NEWEST))
        for kind in {node.op_type for node in onnx.load(candidate.path).graph.node if node.domain == ""}:
            old, new = (onnx.defs.get_schema(kind, opset, "") for opset in (NEWEST, newest_opset()))
            assert [part.name for part in old.inputs] == [part.name for part in new.inputs]
            assert [part.name for part in old.outputs] == [part.name for part in new.outputs]
            added = new.attributes.keys() - old.attributes.keys()
            assert not [name for name in added if new.attributes[name].required]
            assert not old.attributes.keys() - new.attributes.keys()


@pytest.mark.parametrize("opset", [8, newest_opset() + 1])
def test_unsupported_opsets_are_rejected(opset: int, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError) as caught:
        convert(load(Ridge().fit(*DIABETES), LoadOptions()), tmp_path / "model.onnx", RouteOptions(opset))
    assert caught.value.code == "PG408"


def test_an_opset_without_a_needed_operator_is_reported(tmp_path: Path) -> None:
    model = load(KNeighborsClassifier().fit(*WINE), LoadOptions())
    with pytest.raises(ParityGateError, match="TopK") as caught:
        convert(model, tmp_path / "model.onnx", RouteOptions(9))
    assert caught.value.code == "PG408"


def test_all_estimators_without_a_converter_are_named(tmp_path: Path) -> None:
    model = load(make_pipeline(Doubler(), StandardScaler(), Tripler(), Ridge()).fit(*DIABETES), LoadOptions())
    with pytest.raises(ParityGateError) as caught:
        convert(model, tmp_path / "model.onnx", RouteOptions())
    assert (caught.value.code, caught.value.subject) == ("PG404", "Doubler, Tripler")
    assert not (tmp_path / "model.onnx").exists()


def test_a_python_function_is_rejected_by_name(tmp_path: Path) -> None:
    def halve(x: Any) -> Any:
        return x / 2

    model = load(make_pipeline(FunctionTransformer(halve), Ridge()).fit(*DIABETES), LoadOptions())
    with pytest.raises(ParityGateError, match="halve") as caught:
        convert(model, tmp_path / "model.onnx", RouteOptions())
    assert caught.value.code == "PG405"
