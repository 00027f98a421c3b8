"""CatBoost's models, symmetric or not, over numeric features.

They are read from CatBoost's JSON form. CatBoost compares float32 with ``x > border``.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ..tree import Tree
from .links import Link

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..tree import Floats, Ints

    Split = dict[str, Any]

_INDEPENDENT_LABELS = ("MultiLogloss", "MultiCrossEntropy")
_INDEPENDENT_CLASSES = ("MultiClassOneVsAll",)

_LINKS = {"Exponent": Link.EXPONENTIAL, "RMSEWithUncertainty": Link.MEAN_AND_VARIANCE}
"""Default prediction type -> link, where it isn't the identity."""


def trees_of(model: Any) -> tuple[Tree, ...]:
    """The scaled trees, and the bias as the last of them. Raises PG404 if there are other features than numbers."""
    content = read(model)
    missing_left = _missing_left(content["features_info"])
    scale, bias = content["scale_and_bias"]
    trees = [_symmetric(tree, missing_left) for tree in content.get("oblivious_trees", ())]
    trees += [_asymmetric(tree, missing_left) for tree in content.get("trees", ())]
    return (*(replace(tree, value=tree.value * scale) for tree in trees), Tree.constant(np.atleast_1d(bias)))


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


def read(model: Any) -> dict[str, Any]:
    """The model's JSON form. Raises PG404 if it has features other than numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    others = [kind for kind, found in content["features_info"].items() if kind.endswith("_features") and found]
    others = [kind.replace("_", " ") for kind in others if kind != "float_features"]
    if others:
        raise ParityGateError(
            "PG404", "CatBoost", f"it uses {' and '.join(others)}; no operator computes CatBoost's hashes of them"
        )
    return content


def _missing_left(info: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """For each feature whether NaN fails every ``x > border``; where it counts as infinity, it passes all of them."""
    return np.array([feature["nan_value_treatment"] != "AsTrue" for feature in info["float_features"]])


def _symmetric(raw: dict[str, Any], missing_left: npt.NDArray[np.bool_]) -> Tree:
    """A tree with one split per level. The first split is the lowest bit of a leaf's number: it comes last."""
    depth = len(raw["splits"])
    inner, leaves = 2**depth - 1, 2**depth
    levels = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    splits = [raw["splits"][depth - 1 - level] for level in levels]
    nodes = np.arange(inner)
    value = np.array(raw["leaf_values"], np.float64).reshape(leaves, -1)
    return _tree(splits, 2 * nodes + 1, 2 * nodes + 2, value, missing_left)


def _asymmetric(raw: dict[str, Any], missing_left: npt.NDArray[np.bool_]) -> Tree:
    """A tree of nested nodes; in the arrays, inner nodes come before leaves."""
    queue = [raw]
    for node in queue:
        queue += [node[side] for side in ("left", "right") if side in node]
    inner, leaves = [node for node in queue if "split" in node], [node for node in queue if "split" not in node]
    place = {id(node): number for number, node in enumerate([*inner, *leaves])}
    left, right = (np.array([place[id(node[side])] for node in inner], np.int64) for side in ("left", "right"))
    value = np.array([node["value"] for node in leaves], np.float64).reshape(len(leaves), -1)
    return _tree([node["split"] for node in inner], left, right, value, missing_left)


def _tree(splits: list[Split], left: Ints, right: Ints, value: Floats, missing_left: npt.NDArray[np.bool_]) -> Tree:
    """A tree from its inner nodes, followed by its leaves."""
    inner, leaves = len(splits), len(value)
    feature = np.array([split["float_feature_index"] for split in splits], np.int64)
    border = np.array([split["border"] for split in splits], np.float64)
    none = np.full(leaves, -1)
    return Tree(
        feature=np.concatenate([feature, np.zeros(leaves, np.int64)]),
        threshold=np.concatenate([border, np.zeros(leaves)]),
        left=np.concatenate([left, none]),
        right=np.concatenate([right, none]),
        missing_left=np.concatenate([missing_left[feature], np.zeros(leaves, np.bool_)]),
        value=np.concatenate([np.zeros((inner, value.shape[1])), value]),
    )
