"""scikit-learn's histogram gradient boosting: doubles compared with doubles, missing values, categories."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...declare import Conversion, classifier, labels, regressor
from ...tensors import STRING, Tensor
from .categories import SetSplit, append_columns, tabulate
from .trees import Ensemble, Tree, add_ensemble, numbers

if TYPE_CHECKING:
    import numpy.typing as npt

    from .categories import Tables

    Array = npt.NDArray[Any]

MISSING = 0
"""The number of the category of missing and unknown values; the known ones follow."""


def register() -> None:
    """Register this module's converters."""
    from sklearn import ensemble

    classifier(ensemble.HistGradientBoostingClassifier, hist_gradient_boosting_classifier, raw_scores)
    regressor(ensemble.HistGradientBoostingRegressor, hist_gradient_boosting_regressor)


def hist_gradient_boosting_regressor(c: Conversion, model: Any) -> Tensor:
    """``predict``: the raw score, or its exponential for the losses on a logarithmic scale."""
    raw = raw_scores(c, model)
    return raw.exp() if model.loss in ("poisson", "gamma") else raw


def hist_gradient_boosting_classifier(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``."""
    raw = raw_scores(c, model)
    if model.n_trees_per_iteration_ > 1:
        return [labels(raw.argmax(), model.classes_), raw.softmax()]
    index, positive = (raw > 0.0).cast(np.int64).reshape(-1), raw.sigmoid()
    return [labels(index, model.classes_), c.concat([1.0 - positive, positive])]


def raw_scores(c: Conversion, model: Any) -> Tensor:
    """The sum of the trees, (n, trees per iteration)."""
    base = Tree.constant(model._baseline_prediction.ravel())
    trees = trees_of(model)
    x, final = (numbers(c, c.inputs), trees) if model._preprocessor is None else _with_categories(c, model, trees)
    return add_ensemble(c, x, Ensemble((base, *final), model.n_trees_per_iteration_))


def trees_of(model: Any) -> tuple[Tree, ...]:
    """All trees, as they read the features that the model's preprocessor, if there is one, gives them."""
    targets = model.n_trees_per_iteration_
    return tuple(_read_tree(predictor, number % targets) for number, predictor in enumerate(_predictors(model)))


def _predictors(model: Any) -> list[Any]:
    return [predictor for stage in model._predictors for predictor in stage]


def _read_tree(predictor: Any, target: int) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(np.bool_)
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].copy(),
        left=left,
        right=right,
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        value=nodes["value"].reshape(-1, 1),
        target=target,
    )


def known_categories(model: Any) -> list[list[Any]]:
    """The categories of each categorical feature, by code."""
    return [_known(categories) for categories in model._preprocessor.named_transformers_["encoder"].categories_]


def tabulated(model: Any, trees: tuple[Tree, ...]) -> tuple[tuple[Tree, ...], Tables]:
    """Trees over the numerical features and the columns of the tables, whose rows are MISSING and then the categories.

    The preprocessor puts the categorical features before the others.
    """
    counts = [len(values) for values in known_categories(model)]
    splits = [
        split for number, predictor in enumerate(_predictors(model)) for split in _set_splits(number, predictor, counts)
    ]
    shifted = [replace(tree, feature=tree.feature - len(counts)) for tree in trees]
    return tabulate(shifted, splits, int((~model.is_categorical_).sum()))


def _with_categories(c: Conversion, model: Any, trees: tuple[Tree, ...]) -> tuple[Tensor, tuple[Tree, ...]]:
    """Features and trees of a model with categorical features."""
    known = known_categories(model)
    final, tables = tabulated(model, trees)
    categorical, numerical = np.flatnonzero(model.is_categorical_), np.flatnonzero(~model.is_categorical_)
    if len(c.inputs) == model.n_features_in_:  # one input for each column of a table
        x = [numbers(c, [c.inputs[column] for column in numerical])] if len(numerical) else []
        indices = {k: _category_number(c.inputs[categorical[k]], known[k]) for k in tables}
    else:
        x = [numbers(c, [c.inputs[0].columns(numerical)])]
        indices = {k: _category_number(c.inputs[0].columns([categorical[k]]), known[k]) for k in tables}
    return append_columns(c, x, tables, indices), final


def _set_splits(number: int, predictor: Any, counts: list[int]) -> list[SetSplit]:
    """The categorical splits of one tree; ``counts`` holds the number of known categories by feature."""
    splits = []
    for node in np.flatnonzero(predictor.nodes["is_categorical"] & ~predictor.nodes["is_leaf"].astype(np.bool_)):
        row = predictor.nodes[node]
        codes = np.arange(counts[row["feature_idx"]])
        words = predictor.raw_left_cat_bitsets[row["bitset_idx"]]
        left = (words[codes // 32] >> (codes % 32).astype(np.uint32)) & 1
        right = np.concatenate([[not row["missing_go_to_left"]], left == 0])
        splits.append(SetSplit(number, int(node), int(row["feature_idx"]), right))
    return splits


def _known(categories: Array) -> list[Any]:
    """The categories that have a code: all but the missing value, which stands last."""
    return [value for value in categories.tolist() if value is not None and value == value]


def _category_number(column: Tensor, known: list[Any]) -> Tensor:
    """The number of each category, int64 (n,): its place among the known ones from 1 on, else MISSING."""
    places = np.arange(1, len(known) + 1)
    if column.dtype == STRING:
        keys = [str(value) for value in known]
        return column.graph.op(
            "LabelEncoder",
            column,
            dtype=np.int64,
            domain="ai.onnx.ml",
            keys_strings=keys,
            values_int64s=places.tolist(),
            default_int64=MISSING,
        ).reshape(-1)
    hits = column.cast(np.float64).equals(np.asarray(known, np.float64).reshape(1, -1))
    return (hits.cast(np.float64) @ places).cast(np.int64)
