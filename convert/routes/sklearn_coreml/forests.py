"""scikit-learn's trees and forests, which compare features in single precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..sklearn_gaps.forests import read_tree
from ..sklearn_gaps.isolation_forest import path_lengths
from ..sklearn_gaps.trees import BELOW, Tree
from .builder import Builder
from .labels import as_labels, labels_of
from .links import exponential, scaled
from .trees import parted, single, single_limit, sorted_out, summed
from .wires import Answer, Columns


def tree_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``: a leaf holds the share of each class, and a forest takes the mean."""
    labels, trees = labels_of(model), _mean(model)
    return sorted_out(b, b.vector(x), trees, len(labels.values), labels)


def tree_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``, of one target or several."""
    return Answer({"prediction": summed(b, b.vector(x), _mean(model), model.n_outputs_)})


def _mean(model: Any) -> list[Tree]:
    members = getattr(model, "estimators_", None) or [model]
    trees = [read_tree(member) for member in members]
    return single([replace(tree, value=tree.value / len(trees)) for tree in trees])


def isolation_forest(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``decision_function``.

    As on the way to ONNX the verdict compares path lengths in single precision: the sample that defines ``offset_``
    lies exactly on the limit.
    """
    trees, unit = path_lengths(model)
    length = summed(b, b.vector(x), single(trees))
    limit = single_limit(np.array([-unit * np.log2(-model.offset_)], np.float32).astype(np.float64), BELOW)
    label = parted(b, length, float(limit[0]), as_labels(model, np.array([-1, 1])))
    share = exponential(b, b.vector((length,)), -np.log(2.0) / unit)
    return Answer({"label": label, "scores": scaled(b, share, -1.0, -model.offset_)})


PREDICTORS = {
    **dict.fromkeys(
        ("DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier"),
        tree_classifier,
    ),
    **dict.fromkeys(
        ("DecisionTreeRegressor", "ExtraTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor"), tree_regressor
    ),
    "IsolationForest": isolation_forest,
}
