"""Tree ensembles: one frozen form for the trees of every library, and one encoder that writes them as ONNX.

The encoder writes ``ai.onnx.ml.TreeEnsembleRegressor`` of version 3, with double thresholds and weights: its
comparisons are those of the source, its sums are double and rounded to float32 once, on output. It avoids

- ``TreeEnsemble`` (version 5): it can't stand in one model with nodes of version 3, its leaves have one target,
  and skl2onnx 1.20 can't declare it;
- ``TreeEnsembleClassifier``: its short cuts for two classes differ between releases of ONNX Runtime;
- ``base_values``: ONNX Runtime 1.31 forgets them for a target that no leaf on the way has contributed to. A base is
  a tree of one leaf instead, :meth:`Tree.constant`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper

from .......validate.errors import ParityGateError
from ...declare import Conversion
from ...tensors import Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

AT_MOST = "BRANCH_LEQ"
BELOW = "BRANCH_LT"
DOUBLE_KERNEL = 3
"""The version of ai.onnx.ml from which on ensembles may hold doubles."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One binary tree as parallel arrays over its nodes; node 0 is the root, a leaf has ``left`` < 0.

    An inner node tests ``x[feature] <= threshold`` (or ``<``, see :class:`Ensemble`) and goes ``left`` if that
    holds; NaN goes left where ``missing_left``. A leaf adds row ``value[node]`` to the targets from ``target`` on;
    ``value`` has shape (nodes, columns).
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    missing_left: Bools
    value: Floats
    target: int = 0

    @classmethod
    def constant(cls, value: Sequence[float] | Floats) -> Tree:
        """A single leaf, which adds ``value`` (one number per target) whatever the input."""
        child, row = np.array([-1]), np.asarray(value, np.float64).reshape(1, -1)
        return cls(np.zeros(1, np.int64), np.zeros(1), child, child, np.zeros(1, np.bool_), row)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Trees whose leaves are summed into ``targets`` columns; ``mode`` is the test of every inner node."""

    trees: tuple[Tree, ...]
    targets: int = 1
    mode: str = AT_MOST


def add_ensemble(conversion: Conversion, x: Tensor, ensemble: Ensemble) -> Tensor:
    """Append the ensemble over ``x`` (n, features) and return its sums in double, (n, targets).

    They were rounded to float32 on the way, except in a model of doubles, where :func:`split` avoids that. Before
    version 3 of ai.onnx.ml thresholds are float32 as well, rounded so that every float32 ``x`` still goes the same
    way; a double ``x`` raises PG408 there.
    """
    wide = conversion.ml_opset >= DOUBLE_KERNEL
    if not wide and x.dtype == np.float64:
        raise ParityGateError(
            "PG408",
            "tree ensemble",
            "double thresholds need ai.onnx.ml 3, that is opset 16",
            "Choose --opset 16 or newer, or convert for float32 inputs.",
        )
    parts = split(ensemble) if conversion.floating == np.float64 else ensemble
    attributes = (_double_numbers if wide else _float_numbers)(parts.trees, parts.mode)
    sums = conversion.op(
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

    Every target becomes up to three neighbouring ones. The first two take the leading bits of each leaf, as
    multiples of a unit so coarse that no sum of them needs more than the 24 bits of a float32, whatever the order;
    the last takes the rest, which is so small that its rounding is lost on a double.
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
    return Ensemble(tuple(trees), ensemble.targets * count, ensemble.mode)


def _units(ensemble: Ensemble, values: list[Floats]) -> list[Floats]:
    """For each tree's columns the power of two of which sums over all trees stay below 2**24 multiples."""
    bound = np.zeros(ensemble.targets)
    columns = [
        slice(tree.target, tree.target + value.shape[1]) for tree, value in zip(ensemble.trees, values, strict=True)
    ]
    for place, value in zip(columns, values, strict=True):
        bound[place] += np.abs(value).max(axis=0)
    unit = np.exp2(np.ceil(np.log2(np.where(bound > 0, bound, 1.0))) - 23)
    return [unit[place] for place in columns]


def numbers(conversion: Conversion, columns: Sequence[Tensor]) -> Tensor:
    """Columns joined for a library that compares doubles: float32 if they all are (exact either way), else double."""
    narrow = all(column.dtype == np.float32 for column in columns)
    return conversion.concat([column.cast(np.float32 if narrow else np.float64) for column in columns])


def narrow(threshold: Floats, mode: str) -> npt.NDArray[np.float32]:
    """Float32 thresholds that divide the float32 numbers as the given doubles do.

    ``x <= t`` needs the greatest float32 that is not above t, ``x < t`` the smallest that is not below it.
    """
    with np.errstate(over="ignore"):  # beyond float32 means infinity, which is right
        rounded = threshold.astype(np.float32)
        wrong, side = (rounded > threshold, -np.inf) if mode == AT_MOST else (rounded < threshold, np.inf)
        return np.where(wrong, np.nextafter(rounded, np.float32(side)), rounded)


def reachable(tree: Tree) -> Tree:
    """The same tree without nodes that the root doesn't lead to (a library's pruning leaves some behind)."""
    order = [0]
    for node in order:
        order += [] if tree.left[node] < 0 else [int(tree.left[node]), int(tree.right[node])]
    place = np.full(len(tree.left), -1)
    place[order] = np.arange(len(order))
    leaf = tree.left[order] < 0
    left, right = (np.where(leaf, -1, place[np.where(leaf, 0, child[order])]) for child in (tree.left, tree.right))
    return Tree(
        tree.feature[order],
        tree.threshold[order],
        left,
        right,
        tree.missing_left[order],
        tree.value[order],
        tree.target,
    )


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
        "nodes_modes": np.where(leaf, "LEAF", ensemble.mode).tolist(),
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


def _double_numbers(trees: tuple[Tree, ...], mode: str) -> dict[str, Any]:
    return {
        "nodes_values_as_tensor": numpy_helper.from_array(_thresholds(trees)),
        "target_weights_as_tensor": numpy_helper.from_array(_weights(trees)),
    }


def _float_numbers(trees: tuple[Tree, ...], mode: str) -> dict[str, Any]:
    return {"nodes_values": narrow(_thresholds(trees), mode).tolist(), "target_weights": _weights(trees).tolist()}


def _thresholds(trees: tuple[Tree, ...]) -> Floats:
    return np.concatenate([np.where(tree.left < 0, 0.0, tree.threshold) for tree in trees])


def _weights(trees: tuple[Tree, ...]) -> Floats:
    return np.concatenate([tree.value[_entries(tree)] for tree in trees])
