"""scikit-learn's trees and forests, which compare features in single precision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.trees.readers.forests import path_lengths, read_tree
from .....validate.trees.tree import SplitTest, Tree
from .builder import Builder
from .labels import as_labels, labels_of
from .links import exponentiate, scale_number
from .single_precision import widen_limit, widen_thresholds
from .trees import classify_by_trees, label_by_limit, sum_trees
from .wires import Columns, Outputs, unsupported

if TYPE_CHECKING:
    from .wires import Floats


def tree_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba``: a leaf holds the share of each class; a forest averages them."""
    labels, trees = labels_of(model), _mean(model)
    return classify_by_trees(b, x, trees, len(labels.values), labels)


def tree_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``, of one target or several."""
    return Outputs({"prediction": sum_trees(b, x, _mean(model), model.n_outputs_)})


def _mean(model: Any) -> list[Tree]:
    members = getattr(model, "estimators_", None) or [model]
    trees = [read_tree(member) for member in members]
    return widen_thresholds([replace(tree, value=tree.value / len(trees)) for tree in trees])


def bagging_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba`` of bagged trees: the mean of their shares."""
    labels = labels_of(model)
    trees = [
        replace(tree, value=_placed(tree.value, member.classes_, len(labels.values)))
        for member, tree in zip(model.estimators_, _bagged(model), strict=True)
    ]
    return classify_by_trees(b, x, trees, len(labels.values), labels)


def _placed(shares: Floats, seen: Floats, count: int) -> Floats:
    """A member's class shares among those of all ``count`` classes; ``seen`` are the numbers of its classes."""
    full = np.zeros((len(shares), count))
    full[:, np.asarray(seen, np.int64)] = shares
    return full


def bagging_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of bagged trees: their mean."""
    trees = _bagged(model)
    return Outputs({"prediction": sum_trees(b, x, trees, trees[0].value.shape[1])})


def _bagged(model: Any) -> list[Tree]:
    """The trees, each over its own features, with leaves divided by their number. Raises PG404 for other members."""
    if not all(hasattr(member, "tree_") for member in model.estimators_):
        raise unsupported(model, "Core ML can express bagging of trees only")
    members = zip(model.estimators_, model.estimators_features_, strict=True)
    trees = [read_tree(member, columns=features) for member, features in members]
    return widen_thresholds([replace(tree, value=tree.value / len(trees)) for tree in trees])


def isolation_forest(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``decision_function``.

    As in the route to ONNX, the label compares path lengths in single precision: the training sample that defines
    ``offset_`` lies exactly on the limit.
    """
    trees, unit = path_lengths(model)
    length = sum_trees(b, x, widen_thresholds(trees))
    limit = widen_limit(np.array([-unit * np.log2(-model.offset_)], np.float32).astype(np.float64), SplitTest.BELOW)
    label = label_by_limit(b, length, float(limit[0]), as_labels(model, np.array([-1, 1])))
    share = exponentiate(b, b.vector((length,)), -np.log(2.0) / unit)
    return Outputs({"label": label, "scores": scale_number(b, share, -1.0, -model.offset_)})


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
