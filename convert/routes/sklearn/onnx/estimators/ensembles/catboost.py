"""CatBoost's models, symmetric or not, over numeric features.

CatBoost can write ONNX itself, but not with boolean labels, not for non-symmetric trees, and through
TreeEnsembleClassifier; so its trees are read from its JSON form instead. CatBoost compares float32 with
``x > border``.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .......validate.errors import ParityGateError
from ...declare import Conversion, Output, declare, label_dtype, labels, regressor
from ...tensors import Tensor
from .forests import features
from .trees import Ensemble, Tree, add_ensemble

if TYPE_CHECKING:
    import numpy.typing as npt

    from .trees import Floats, Ints

    Split = dict[str, Any]

SEVERAL_LABELS = ("MultiLogloss", "MultiCrossEntropy")
INDEPENDENT_CLASSES = ("MultiClassOneVsAll",)


def register() -> None:
    """Register this module's converters."""
    import catboost

    declare(catboost.CatBoostClassifier, catboost_classifier, _classifier_outputs)
    regressor(catboost.CatBoostRegressor, catboost_regressor, _dimensions)
    for kind in (catboost.CatBoostRanker, catboost.CatBoost):
        regressor(kind, raw_scores, _dimensions)


def raw_scores(c: Conversion, model: Any) -> Tensor:
    """The scaled sum of the trees and the bias, (n, dimensions): ``predict`` of a ranker or a plain CatBoost."""
    trees = trees_of(model)
    return add_ensemble(c, features(c), Ensemble(trees, trees[-1].value.shape[1]))


def trees_of(model: Any) -> tuple[Tree, ...]:
    """The scaled trees, and the bias as the last of them."""
    content = read(model)
    missing_left = _missing_left(content["features_info"])
    scale, bias = content["scale_and_bias"]
    trees = [_symmetric(tree, missing_left) for tree in content.get("oblivious_trees", ())]
    trees += [_asymmetric(tree, missing_left) for tree in content.get("trees", ())]
    return (*(replace(tree, value=tree.value * scale) for tree in trees), Tree.constant(np.atleast_1d(bias)))


def catboost_regressor(c: Conversion, model: Any) -> Tensor:
    """``predict``: the score, or what the loss makes of it."""
    score, kind = raw_scores(c, model), model._get_default_prediction_type()
    if kind == "RMSEWithUncertainty":  # the mean and the variance, from the logarithm of the standard deviation
        return c.concat([score.columns([0]), (score.columns([1]) * 2.0).exp()])
    return score.exp() if kind == "Exponent" else score


def catboost_classifier(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``; like CatBoost's, the labels of more than two classes are (n, 1)."""
    score, loss = raw_scores(c, model), loss_of(model)
    if loss in SEVERAL_LABELS:
        return [(score > 0.0).cast(np.int64), score.sigmoid()]
    if len(model.classes_) > 2:
        shares = score.sigmoid() if loss in INDEPENDENT_CLASSES else score.softmax()
        return [labels(score.argmax(), model.classes_).reshape(-1, 1), shares]
    share, limit = score.sigmoid(), model.get_probability_threshold() or 0.5
    index = (score > np.log(limit / (1 - limit))).cast(np.int64).reshape(-1)
    return [labels(index, model.classes_), c.concat([1.0 - share, share])]


def _classifier_outputs(model: Any) -> list[Output]:
    """Shapes as CatBoost's own: one label per row for two classes, a column of them for more."""
    loss, count = loss_of(model), len(model.classes_)
    if loss in SEVERAL_LABELS:
        return [Output("label", (count,), np.dtype(np.int64)), Output("probabilities", (count,))]
    shape = (1,) if count > 2 else ()
    return [Output("label", shape, label_dtype(model.classes_)), Output("probabilities", (count,))]


def _dimensions(model: Any) -> int:
    return int(np.size(model.get_scale_and_bias()[1]))


def read(model: Any) -> dict[str, Any]:
    """The model's JSON form. Raises PG404 if it has features other than numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    others = [kind for kind, found in content["features_info"].items() if kind.endswith("_features") and found]
    others = [kind.replace("_", " ") for kind in others if kind != "float_features"]
    if others:
        raise ParityGateError("PG404", "CatBoost", f"it uses {' and '.join(others)}, which ONNX can't hash as it does")
    return content


def loss_of(model: Any) -> str:
    """The name of the loss that the model was fitted with."""
    return str(model.get_all_params()["loss_function"]).partition(":")[0]


def _missing_left(info: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """For each feature whether NaN fails every ``x > border``; where it stands for infinity it holds instead."""
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
    """A tree of nested nodes; in the arrays, inner nodes stand before leaves."""
    queue = [raw]
    for node in queue:
        queue += [node[side] for side in ("left", "right") if side in node]
    inner, leaves = [node for node in queue if "split" in node], [node for node in queue if "split" not in node]
    place = {id(node): number for number, node in enumerate([*inner, *leaves])}
    left, right = (np.array([place[id(node[side])] for node in inner], np.int64) for side in ("left", "right"))
    value = np.array([node["value"] for node in leaves], np.float64).reshape(len(leaves), -1)
    return _tree([node["split"] for node in inner], left, right, value, missing_left)


def _tree(splits: list[Split], left: Ints, right: Ints, value: Floats, missing_left: npt.NDArray[np.bool_]) -> Tree:
    """A tree from its inner nodes and, behind them, its leaves."""
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
