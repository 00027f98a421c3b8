"""ONNX' tree ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from .......validate.signature import ClassLabel
from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Array, Floats, Ints
from .forest import MODES, Forest, flat, with_weights
from .scores import ML, TRANSFORMS, above, both, classes_of, greatest, label_of, rows, transformed

Strings = tuple[str, ...]

_AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
_ABSENT = {"MIN": 3e38, "MAX": -3e38}


@translates("TreeEnsembleRegressor", domain=ML)
def tree_ensemble_regressor(
    node: Node, x: Var, *, aggregate_function: str, base_values: Floats = (), base_values_as_tensor: Any = None,
    n_targets: int = 1, nodes_falsenodeids: Ints, nodes_featureids: Ints, nodes_hitrates: Floats = (),
    nodes_hitrates_as_tensor: Any = None, nodes_missing_value_tracks_true: Ints = (), nodes_modes: Strings,
    nodes_nodeids: Ints, nodes_treeids: Ints, nodes_truenodeids: Ints, nodes_values: Floats = (),
    nodes_values_as_tensor: Any = None, post_transform: str, target_ids: Ints, target_nodeids: Ints,
    target_treeids: Ints, target_weights: Floats = (), target_weights_as_tensor: Any = None,
) -> Var:  # fmt: skip
    """The trees' values, aggregated, plus the base values."""
    forest, positions = _forest(node)
    weights = _numbers(target_weights, target_weights_as_tensor)
    forest = with_weights(
        forest, positions, np.array(target_treeids), np.array(target_nodeids), np.array(target_ids), weights, n_targets,
        _ABSENT.get(aggregate_function, 0.0),
    )  # fmt: skip
    scores = _aggregated(node, forest, rows(x), aggregate_function)
    base = _numbers(base_values, base_values_as_tensor)
    if len(base):
        _check_complete(node, forest)
        scores = mb.add(x=scores, y=base.astype(np.float32))
    return transformed(node, post_transform, scores)


def _forest(node: Node) -> tuple[Forest, dict[tuple[int, int], int]]:
    """The nodes in the attributes ``nodes_...``."""

    def numbers(name: str) -> Array:
        return np.array(node.attribute(name) or (), np.int64)

    thresholds = _numbers(node.attribute("nodes_values") or (), node.attribute("nodes_values_as_tensor"))
    return flat(
        numbers("nodes_treeids"), numbers("nodes_nodeids"), numbers("nodes_featureids"), thresholds,
        node.attribute("nodes_modes"), numbers("nodes_truenodeids"), numbers("nodes_falsenodeids"),
        numbers("nodes_missing_value_tracks_true"),
    )  # fmt: skip


def _numbers(floats: Floats, tensor: Array | None) -> Array:
    return np.array(floats, np.float32) if tensor is None else tensor


def _aggregated(node: Node, forest: Forest, x: Var, kind: str) -> Var:
    # A double that Core ML narrows is compared with thresholds that are narrowed in the same way.
    rounds = node.dtype() == np.float64 and not node.single()
    scores = (forest if rounds else forest.rounded()).scores(x)
    if kind in ("SUM", "AVERAGE"):
        total = mb.reduce_sum(x=scores, axes=[1], keep_dims=False)
        return mb.mul(x=total, y=np.float32(1 / len(forest.roots))) if kind == "AVERAGE" else total
    if kind in ("MIN", "MAX"):
        _check_complete(node, forest)
        reduce = mb.reduce_min if kind == "MIN" else mb.reduce_max
        return reduce(x=scores, axes=[1], keep_dims=False)
    raise node.unsupported(f"its aggregate_function '{kind}' is not one of {', '.join(_AGGREGATES)}")


def _check_complete(node: Node, forest: Forest) -> None:
    if not forest.complete:
        raise node.unsupported("some rows may get no value for a target, on which runtimes disagree")


@translates("TreeEnsembleClassifier", domain=ML)
def tree_ensemble_classifier(
    node: Node, x: Var, *, base_values: Floats = (), base_values_as_tensor: Any = None, class_ids: Ints,
    class_nodeids: Ints, class_treeids: Ints, class_weights: Floats = (), class_weights_as_tensor: Any = None,
    classlabels_int64s: Ints = (), classlabels_strings: Strings = (), nodes_falsenodeids: Ints,
    nodes_featureids: Ints, nodes_hitrates: Floats = (), nodes_hitrates_as_tensor: Any = None,
    nodes_missing_value_tracks_true: Ints = (), nodes_modes: Strings, nodes_nodeids: Ints, nodes_treeids: Ints,
    nodes_truenodeids: Ints, nodes_values: Floats = (), nodes_values_as_tensor: Any = None, post_transform: str,
) -> tuple[Var | None, Var]:  # fmt: skip
    """The class with the greatest score, and all scores; weights of a single class are a binary classifier."""
    classes = classes_of(node, classlabels_strings, classlabels_int64s)
    forest, positions = _forest(node)
    weights, base = _numbers(class_weights, class_weights_as_tensor), _numbers(base_values, base_values_as_tensor)
    forest = with_weights(
        forest, positions, np.array(class_treeids), np.array(class_nodeids), np.array(class_ids), weights, len(classes)
    )
    scores = _aggregated(node, forest, rows(x), "SUM")
    if len(classes) == 2:
        return _two_classes(node, scores, set(class_ids), weights, base, post_transform, classes)
    if len(base) not in (0, len(classes)):
        raise node.unsupported(f"it has {len(base)} base values for {len(classes)} classes")
    if len(base) or (weights < 0).any():
        _check_complete(node, forest)
    scores = mb.add(x=scores, y=base.astype(np.float32)) if len(base) else scores
    return label_of(node, classes, greatest(scores)), transformed(node, post_transform, scores)


def _two_classes(
    node: Node, scores: Var, ids: set[int], weights: Array, base: Array, kind: str, classes: tuple[ClassLabel, ...]
) -> tuple[Var | None, Var]:
    """As in ONNX Runtime: weights of class 0 only are those of class 1; the threshold is 1/2 if none is negative."""
    if len(base) > 1 or (len(base) and ids != {0}):
        raise node.unsupported("runtimes disagree on base values of two classes")
    threshold = 0.5 if (weights >= 0).all() else 0.0
    first, second = mb.split(x=scores, num_splits=2, axis=1)
    if ids != {0}:
        if ids == {0, 1} and classes != (0, 1) and node.proto.output[0]:
            raise node.unsupported("ONNX Runtime returns the labels 0 and 1 here instead of the names of the classes")
        index = above(second, threshold if ids == {1} else 0.0)
        return label_of(node, classes, index), transformed(node, kind, scores)
    score = mb.add(x=first, y=base.astype(np.float32)) if len(base) else first
    return label_of(node, classes, above(score, threshold)), _complemented(node, score, threshold, kind)


def _complemented(node: Node, score: Var, threshold: float, kind: str) -> Var:
    if kind == "PROBIT":
        raise node.unsupported("its post_transform 'PROBIT' is undefined for a single score")
    opposite = mb.sub(x=np.float32(2 * threshold if kind != "LOGISTIC" else 0.0), y=score)
    return both(*(mb.sigmoid(x=s) if kind == "LOGISTIC" else s for s in (opposite, score)))


@translates("TreeEnsemble", domain=ML, since=5)
def tree_ensemble(
    node: Node, x: Var, *, aggregate_function: int, leaf_targetids: Ints, leaf_weights: Array,
    membership_values: Any = None, n_targets: int = 1, nodes_falseleafs: Ints, nodes_falsenodeids: Ints,
    nodes_featureids: Ints, nodes_hitrates: Any = None, nodes_missing_value_tracks_true: Ints = (),
    nodes_modes: Array, nodes_splits: Array, nodes_trueleafs: Ints, nodes_truenodeids: Ints, post_transform: int,
    tree_roots: Ints,
) -> Var:  # fmt: skip
    """As before, with separate numbers for leaves and nodes, and with nodes that test set membership."""
    kind = _AGGREGATES[aggregate_function]
    inner, leaves = len(nodes_splits), len(leaf_weights)
    own = np.arange(inner + leaves, dtype=np.int32)

    def children(nodes: Ints, ends: Ints) -> Array:
        to = np.array(nodes, np.int32) + inner * np.array(ends, np.int32)
        return np.concatenate([to, own[inner:]])

    def padded(values: Sequence[Any] | Array, fill: float) -> Array:
        given = np.asarray(values if len(values) else [fill] * inner)
        return np.concatenate([given, np.full(leaves, fill, given.dtype)])

    table = np.full((inner + leaves, n_targets), _ABSENT.get(kind, 0.0))
    table[own[inner:], np.array(leaf_targetids)] = leaf_weights
    defined = np.zeros(table.shape, bool)
    defined[own[inner:], np.array(leaf_targetids)] = True
    # ONNX numbers the modes of this operator in the order <=, <, >=, >, ==, !=, in.
    modes = padded(nodes_modes, MODES.index("LEAF")).astype(np.int32)
    forest = Forest(
        padded(nodes_featureids, 0).astype(np.int32), padded(nodes_splits, 0), modes,
        children(nodes_truenodeids, nodes_trueleafs), children(nodes_falsenodeids, nodes_falseleafs),
        padded(nodes_missing_value_tracks_true, 0), table, defined, np.array(tree_roots, np.int32),
    )  # fmt: skip
    sets = _sets(membership_values) if membership_values is not None else []
    scores = _aggregated(node, _without_sets(forest, sets), rows(x), kind)
    return transformed(node, tuple(TRANSFORMS)[post_transform], scores)


def _sets(values: Array) -> list[Array]:
    """The sets of all nodes that have one; each ends with NaN."""
    ends = np.flatnonzero(np.isnan(values))
    return [part[~np.isnan(part)] for part in np.split(values, ends + 1) if len(part)]


def _without_sets(forest: Forest, sets: Sequence[Array]) -> Forest:
    """Nodes that test set membership as chains of nodes that test one element each."""
    for position, members in zip(np.flatnonzero(forest.modes == MODES.index("BRANCH_MEMBER")), sets, strict=True):
        count = len(forest.modes)
        chain = np.array([position, *range(count, count + len(members) - 1)])
        rows_of = np.concatenate([np.arange(count), np.full(len(members) - 1, position)])
        tables = {field.name: getattr(forest, field.name)[rows_of] for field in fields(Forest) if field.name != "roots"}
        tables["thresholds"][chain] = members
        tables["modes"][chain] = MODES.index("BRANCH_EQ")
        tables["false"][chain[:-1]] = chain[1:]
        forest = replace(forest, **tables)
    return forest
