"""CatBoost's models, symmetric or not, over numbers and categories.

They are read from CatBoost's JSON form. CatBoost compares float32 with ``x > border``, and categories by their hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engines.sklearn.catboost_categories import CategoryColumn, category_columns, content_of
from ...errors import ParityGateError
from ..tree import Tree
from .categories import FIRST, SetSplit
from .links import Link

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..tree import Floats, Ints

    Split = dict[str, Any]

_INDEPENDENT_LABELS = ("MultiLogloss", "MultiCrossEntropy")
_INDEPENDENT_CLASSES = ("MultiClassOneVsAll",)

_LINKS = {"Exponent": Link.EXPONENTIAL, "RMSEWithUncertainty": Link.MEAN_AND_VARIANCE}
"""Default prediction type -> link, where it isn't the identity."""


@dataclass(frozen=True, slots=True)
class Boosting:
    """The scaled trees, the bias as the last of them, and their splits by category.

    Features of the trees are numbers of ``floats``, which are columns of the input; features of the splits are numbers
    of ``categories``.
    """

    trees: tuple[Tree, ...]
    splits: tuple[SetSplit, ...]
    floats: tuple[int, ...]
    categories: tuple[CategoryColumn, ...]

    @property
    def targets(self) -> int:
        """How many scores the model has."""
        return int(self.trees[-1].value.shape[1])


def read(model: Any) -> Boosting:
    """The trees and their splits. Raises PG404 where a category is replaced by statistics of the target."""
    content = content_of(model)
    info = content["features_info"]
    _refuse_statistics(model, info)
    shapes = [*map(_symmetric, content.get("oblivious_trees", ())), *map(_asymmetric, content.get("trees", ()))]
    scale, bias = content["scale_and_bias"]
    missing_left, categories = _missing_left(info), category_columns(model)
    trees = [_tree(shape, missing_left) for shape in shapes]
    return Boosting(
        (*(replace(tree, value=tree.value * scale) for tree in trees), Tree.constant(np.atleast_1d(bias))),
        tuple(split for number, shape in enumerate(shapes) for split in _set_splits(number, shape, categories)),
        tuple(each["flat_feature_index"] for each in info.get("float_features", ())),
        categories,
    )


def _refuse_statistics(model: Any, info: dict[str, Any]) -> None:
    """Raise PG404 where trees split statistics of the target (CTR) that CatBoost looks up by hashes of categories."""
    places = {
        element["cat_feature_index"]
        for ctr in info.get("ctrs", ())
        for element in ctr["elements"]
        if "cat_feature_index" in element
    }
    if places:
        names = ", ".join(repr(each.name) for each in category_columns(model) if each.number in places)
        cause = f"it replaces the categories of {names} by statistics of the target (CTR), looked up by hashes of texts"
        remedy = (
            "Fit it with one_hot_max_size as large as the number of categories, or encode them before CatBoost, for "
            "example with scikit-learn's TargetEncoder."
        )
        raise ParityGateError("PG404", "CatBoost", cause, remedy)


def dimensions(model: Any) -> int:
    """How many scores the model has."""
    return int(np.size(model.get_scale_and_bias()[1]))


def prediction_link(model: Any) -> Link:
    """The link from the score to a regressor's ``predict``."""
    return _LINKS.get(model._get_default_prediction_type(), Link.IDENTITY)


def probability_link(model: Any) -> Link:
    """The link from the scores to a classifier's ``predict_proba``; a single score is that of the second class."""
    if dimensions(model) > 1 and not has_independent_probabilities(model):
        return Link.SOFTMAX
    return Link.SIGMOID


def has_several_labels(model: Any) -> bool:
    """Whether a classifier gives several labels at once."""
    return loss_of(model) in _INDEPENDENT_LABELS


def has_independent_probabilities(model: Any) -> bool:
    """Whether a classifier's probabilities need not sum to 1."""
    return loss_of(model) in (*_INDEPENDENT_LABELS, *_INDEPENDENT_CLASSES)


def loss_of(model: Any) -> str:
    """The name of the loss that the model was fitted with."""
    return str(model.get_all_params()["loss_function"]).partition(":")[0]


def threshold_of(model: Any) -> float:
    """The probability above which a classifier of two classes chooses the second."""
    return float(model.get_probability_threshold() or 0.5)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A tree as its inner nodes' splits and children, which count the leaves after the inner nodes."""

    splits: list[Split]
    left: Ints
    right: Ints
    value: Floats


def _missing_left(info: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """For each feature whether NaN fails every ``x > border``; where it counts as infinity, it passes all of them."""
    return np.array([feature["nan_value_treatment"] != "AsTrue" for feature in info.get("float_features", ())])


def _symmetric(raw: dict[str, Any]) -> _Shape:
    """A tree with one split per level. The first split is the lowest bit of a leaf's number: it comes last."""
    depth = len(raw["splits"])
    inner, leaves = 2**depth - 1, 2**depth
    levels = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    splits = [raw["splits"][depth - 1 - level] for level in levels]
    nodes = np.arange(inner)
    value = np.array(raw["leaf_values"], np.float64).reshape(leaves, -1)
    return _Shape(splits, 2 * nodes + 1, 2 * nodes + 2, value)


def _asymmetric(raw: dict[str, Any]) -> _Shape:
    """A tree of nested nodes; in the arrays, inner nodes come before leaves."""
    queue = [raw]
    for node in queue:
        queue += [node[side] for side in ("left", "right") if side in node]
    inner, leaves = [node for node in queue if "split" in node], [node for node in queue if "split" not in node]
    place = {id(node): number for number, node in enumerate([*inner, *leaves])}
    left, right = (np.array([place[id(node[side])] for node in inner], np.int64) for side in ("left", "right"))
    value = np.array([node["value"] for node in leaves], np.float64).reshape(len(leaves), -1)
    return _Shape([node["split"] for node in inner], left, right, value)


def _tree(shape: _Shape, missing_left: npt.NDArray[np.bool_]) -> Tree:
    """A tree from its inner nodes, followed by its leaves; what splits by a category is filled in later."""
    inner, leaves = len(shape.splits), len(shape.value)
    feature = np.array([split.get("float_feature_index", 0) for split in shape.splits], np.int64)
    border = np.array([split.get("border", 0.0) for split in shape.splits], np.float64)
    by_number = np.array(["float_feature_index" in split for split in shape.splits], np.bool_)
    goes_left = np.zeros(inner, np.bool_)
    goes_left[by_number] = missing_left[feature[by_number]]
    none = np.full(leaves, -1)
    return Tree(
        feature=np.concatenate([feature, np.zeros(leaves, np.int64)]),
        threshold=np.concatenate([border, np.zeros(leaves)]),
        left=np.concatenate([shape.left, none]),
        right=np.concatenate([shape.right, none]),
        missing_left=np.concatenate([goes_left, np.zeros(leaves, np.bool_)]),
        value=np.concatenate([np.zeros((inner, shape.value.shape[1])), shape.value]),
    )


def _set_splits(number: int, shape: _Shape, categories: Sequence[CategoryColumn]) -> Iterator[SetSplit]:
    """The splits by whether a category is a certain one: that one goes right."""
    hashes = {each.number: each.hashes for each in categories}
    for node, split in enumerate(shape.splits):
        if (feature := split.get("cat_feature_index")) is not None:
            right = np.zeros(FIRST + len(hashes[feature]), np.bool_)
            right[FIRST + hashes[feature].index(split["value"])] = True
            yield SetSplit(number, node, feature, right)
