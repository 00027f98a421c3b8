"""Tree ensembles as ONNX, for the trees of every library.

``ai.onnx.ml.TreeEnsembleRegressor`` of version 3 has double thresholds and weights: its comparisons are those of the
source, its sums are double and rounded to float32 once, on output. It is used in place of

- ``TreeEnsemble`` (version 5): it can't be mixed with nodes of version 3 in one model, its leaves have one target,
  and skl2onnx 1.20 can't declare it;
- ``TreeEnsembleClassifier``: its short cuts for two classes differ between releases of ONNX Runtime;
- ``base_values``: ONNX Runtime 1.31 ignores them for a target that no reached leaf contributes to. A base is a tree
  of one leaf instead, :meth:`Tree.constant`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper

from .......validate.errors import ParityGateError
from .......validate.trees.ensemble import Ensemble as Ensemble
from .......validate.trees.tree import SplitTest, Tree, narrow
from ...declare import EstimatorGraph
from ...tensors import STRING, Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

    from .......validate.trees.tree import Floats, Ints

DOUBLE_KERNEL = 3
"""The first version of ai.onnx.ml whose ensembles may hold doubles."""

_MODES = {SplitTest.AT_MOST: "BRANCH_LEQ", SplitTest.BELOW: "BRANCH_LT"}


def add_ensemble(g: EstimatorGraph, x: Tensor, ensemble: Ensemble) -> Tensor:
    """Append the ensemble over ``x`` (n, features) and return its sums in double, (n, targets).

    They are rounded to float32 first, except in a model of doubles, where :func:`split` avoids that. Before version 3
    of ai.onnx.ml thresholds are float32 as well, rounded so that every float32 ``x`` still reaches the same leaf; a
    double ``x`` raises PG408 there.
    """
    wide = g.ml_opset >= DOUBLE_KERNEL
    if not wide and x.dtype == np.float64:
        raise ParityGateError(
            "PG408",
            "tree ensemble",
            "double thresholds need ai.onnx.ml 3, that is opset 16",
            "Choose --opset 16 or newer, or convert for float32 inputs.",
        )
    parts = split(ensemble) if g.floating == np.float64 else ensemble
    attributes = (_double_numbers if wide else _float_numbers)(parts.trees, parts.test)
    sums = g.op(
        "TreeEnsembleRegressor",
        x.cast(np.float64 if wide else np.float32),
        dtype=np.float32,
        domain="ai.onnx.ml",
        n_targets=parts.targets,
        **_structure(parts),
        **attributes,
    ).cast(np.float64)
    levels = parts.targets // ensemble.targets
    return sums if levels == 1 else sums.reshape(-1, ensemble.targets, levels).sum(axis=2)


def split(ensemble: Ensemble) -> Ensemble:
    """An ensemble of float32 sums that add up to the double sums of the given one.

    Every target becomes up to three neighbouring ones. The first two hold the leading bits of each leaf, as
    multiples of a unit so coarse that no sum of them needs more than the 24 bits of a float32, whatever the order;
    the last holds the rest, which is so small that its rounding doesn't change the double.
    """
    rest = [np.where(tree.left[:, None] < 0, tree.value, 0.0) for tree in ensemble.trees]
    levels: list[list[Floats]] = []
    while len(levels) < 2 and any(part.any() for part in rest):
        units = _units(ensemble, rest)
        levels.append([np.round(part / unit) * unit for part, unit in zip(rest, units, strict=True)])
        rest = [part - leading for part, leading in zip(rest, levels[-1], strict=True)]
    if not levels or any(part.any() for part in rest):
        levels.append(rest)
    count = len(levels)
    trees = [
        replace(tree, value=np.stack(parts, axis=2).reshape(len(tree.left), -1), target=tree.target * count)
        for tree, *parts in zip(ensemble.trees, *levels, strict=True)
    ]
    return Ensemble(tuple(trees), ensemble.targets * count, ensemble.test)


def _units(ensemble: Ensemble, values: list[Floats]) -> list[Floats]:
    """For each tree's columns the power of two such that sums over all trees stay below 2**24 multiples of it."""
    bound = np.zeros(ensemble.targets)
    columns = [
        slice(tree.target, tree.target + value.shape[1]) for tree, value in zip(ensemble.trees, values, strict=True)
    ]
    for place, value in zip(columns, values, strict=True):
        bound[place] += np.abs(value).max(axis=0)
    unit = np.exp2(np.ceil(np.log2(np.where(bound > 0, bound, 1.0))) - 23)
    return [unit[place] for place in columns]


def single_features(g: EstimatorGraph) -> Tensor:
    """The features rounded to float32, for a library that compares these."""
    return g.concat([value.cast(np.float32) for value in g.inputs])


def double_features(g: EstimatorGraph, columns: Sequence[Tensor]) -> Tensor:
    """Columns joined for a library that compares doubles."""
    kind = exact_type(columns)
    return g.concat([column.cast(kind) for column in columns])


def exact_type(columns: Sequence[Tensor]) -> np.dtype[Any]:
    """What holds the columns for a library that compares doubles: float32 if all numbers are (exact as well)."""
    is_single = all(column.dtype in (np.float32, STRING) for column in columns)
    return np.dtype(np.float32 if is_single else np.float64)


def _structure(ensemble: Ensemble) -> dict[str, Any]:
    """The attributes that hold neither thresholds nor weights."""
    trees = ensemble.trees
    entries = [_entries(tree) for tree in trees]
    leaf = np.concatenate([tree.left for tree in trees]) < 0
    numbers = np.arange(len(trees))

    def inner(field: Callable[[Tree], npt.NDArray[Any]]) -> list[int]:
        content: list[int] = np.where(leaf, 0, np.concatenate([field(tree) for tree in trees])).tolist()
        return content

    return {
        "nodes_treeids": np.repeat(numbers, [len(tree.left) for tree in trees]).tolist(),
        "nodes_nodeids": np.concatenate([np.arange(len(tree.left)) for tree in trees]).tolist(),
        "nodes_featureids": inner(lambda tree: tree.feature),
        "nodes_modes": np.where(leaf, "LEAF", _MODES[ensemble.test]).tolist(),
        "nodes_truenodeids": inner(lambda tree: tree.left),
        "nodes_falsenodeids": inner(lambda tree: tree.right),
        "nodes_missing_value_tracks_true": inner(lambda tree: tree.missing_left.astype(np.int64)),
        "target_treeids": np.repeat(numbers, [len(nodes) for nodes, _ in entries]).tolist(),
        "target_nodeids": np.concatenate([nodes for nodes, _ in entries]).tolist(),
        "target_ids": np.concatenate(
            [columns + tree.target for tree, (_, columns) in zip(trees, entries, strict=True)]
        ).tolist(),
    }


def _entries(tree: Tree) -> tuple[Ints, Ints]:
    """The (node, column) pairs that contribute: what is not zero at a leaf, and one pair for each leaf at least."""
    first = np.arange(tree.value.shape[1]) == 0
    nodes, columns = np.nonzero((tree.left < 0)[:, None] & ((tree.value != 0) | first))
    return nodes, columns


def _double_numbers(trees: tuple[Tree, ...], test: SplitTest) -> dict[str, Any]:
    return {
        "nodes_values_as_tensor": numpy_helper.from_array(_thresholds(trees)),
        "target_weights_as_tensor": numpy_helper.from_array(_weights(trees)),
    }


def _float_numbers(trees: tuple[Tree, ...], test: SplitTest) -> dict[str, Any]:
    return {"nodes_values": narrow(_thresholds(trees), test).tolist(), "target_weights": _weights(trees).tolist()}


def _thresholds(trees: tuple[Tree, ...]) -> Floats:
    return np.concatenate([np.where(tree.left < 0, 0.0, tree.threshold) for tree in trees])


def _weights(trees: tuple[Tree, ...]) -> Floats:
    return np.concatenate([tree.value[_entries(tree)] for tree in trees])
