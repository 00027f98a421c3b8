"""scikit-learn's trees and forests, which compare features in single precision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..onnx.estimators.ensembles.forests import read_tree
from ..onnx.estimators.ensembles.isolation_forest import path_lengths
from ..onnx.estimators.ensembles.trees import BELOW, Tree
from .builder import Builder
from .labels import as_labels, labels_of
from .links import exponential, scaled
from .single import single, single_limit
from .trees import parted, sorted_out, summed
from .wires import Answer, Columns, refused

if TYPE_CHECKING:
    from .wires import Floats


def tree_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``: a leaf holds the share of each class, and a forest takes the mean."""
    labels, trees = labels_of(model), _mean(model)
    return sorted_out(b, x, trees, len(labels.values), labels)


def tree_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``, of one target or several."""
    return Answer({"prediction": summed(b, x, _mean(model), model.n_outputs_)})


def _mean(model: Any) -> list[Tree]:
    members = getattr(model, "estimators_", None) or [model]
    trees = [read_tree(member) for member in members]
    return single([replace(tree, value=tree.value / len(trees)) for tree in trees])


def bagging_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba`` of bagged trees: the mean of their shares."""
    labels = labels_of(model)
    trees = [
        replace(tree, value=_placed(tree.value, member.classes_, len(labels.values)))
        for member, tree in zip(model.estimators_, _bagged(model), strict=True)
    ]
    return sorted_out(b, x, trees, len(labels.values), labels)


def _placed(shares: Floats, seen: Floats, count: int) -> Floats:
    """Shares of the classes that a member has seen, which are numbers of the ensemble's, among those of all."""
    full = np.zeros((len(shares), count))
    full[:, np.asarray(seen, np.int64)] = shares
    return full


def bagging_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` of bagged trees: their mean."""
    trees = _bagged(model)
    return Answer({"prediction": summed(b, x, trees, trees[0].value.shape[1])})


def _bagged(model: Any) -> list[Tree]:
    """The trees, each over its own features, with leaves divided by their number. Raises PG404 for other members."""
    if not all(hasattr(member, "tree_") for member in model.estimators_):
        raise refused(model, "only trees can be bagged in one model of Core ML's")
    members = zip(model.estimators_, model.estimators_features_, strict=True)
    trees = [read_tree(member, columns=features) for member, features in members]
    return single([replace(tree, value=tree.value / len(trees)) for tree in trees])


def isolation_forest(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``decision_function``.

    As on the way to ONNX the verdict compares path lengths in single precision: the sample that defines ``offset_``
    lies exactly on the limit.
    """
    trees, unit = path_lengths(model)
    length = summed(b, x, single(trees))
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
    "BaggingClassifier": bagging_classifier,
    "BaggingRegressor": bagging_regressor,
    "IsolationForest": isolation_forest,
}
