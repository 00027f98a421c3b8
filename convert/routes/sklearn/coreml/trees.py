"""Tree ensembles of every library as Core ML's own, with the library's comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .....validate.coreml.files.proto import Message, module
from ..onnx.estimators.ensembles.trees import Tree
from .builder import Builder
from .labels import Labels, labelled, probable
from .monotone import carried_back
from .wires import DOUBLE, Answer, Columns, Wire

if TYPE_CHECKING:
    from .wires import Floats

PLAIN, SOFTMAX, LOGISTIC = "NoTransform", "Classification_SoftMax", "Regression_Logistic"
"""TreeEnsemblePostEvaluationTransform."""


def summed(b: Builder, x: Columns, trees: Sequence[Tree], targets: int = 1, *, transform: str = PLAIN) -> Wire:
    """The sums of the leaves that are reached: a number, or a vector if there are several targets.

    Core ML's regressors predict one number, so that each target has a model of its own.
    """
    columns, trees = carried_back(x, trees)
    features = b.vector(columns)
    totals = tuple(_total(b, features, _part(trees, target), transform) for target in range(targets))
    return totals[0] if targets == 1 else b.vector(totals)


def _part(trees: Sequence[Tree], target: int) -> list[Tree]:
    """What the trees add to one target."""
    own = [(tree, target - tree.target) for tree in trees if 0 <= target - tree.target < tree.value.shape[1]]
    return [replace(tree, value=tree.value[:, column : column + 1], target=0) for tree, column in own]


def _total(b: Builder, x: Wire, trees: Sequence[Tree], transform: str) -> Wire:
    total = b.wire("total", DOUBLE)
    body = b.stage((x,), (total,), predicted=total.name).treeEnsembleRegressor
    _fill(body, trees, 1, transform)
    return total


def sorted_out(
    b: Builder, x: Columns, trees: Sequence[Tree], targets: int, labels: Labels, *, transform: str = PLAIN
) -> Answer:
    """A classifier by the sums: one for each class, or one alone (LOGISTIC) for the second of two."""
    columns, trees = carried_back(x, trees)
    spec, answer = probable(b, (b.vector(columns),), labels)
    _fill(spec.treeEnsembleClassifier, trees, targets, transform)
    labels.write(spec.treeEnsembleClassifier)
    return answer


def parted(b: Builder, x: Wire, limit: float, labels: Labels) -> Wire:
    """The first of two labels where the number ``x`` is at most ``limit``, else the second."""
    spec, label = labelled(b, (x,), labels)
    leaves = np.array([-1, -1])
    tree = Tree(
        feature=np.zeros(3, np.int64),
        threshold=np.array([limit, 0.0, 0.0]),
        left=np.array([1, *leaves]),
        right=np.array([2, *leaves]),
        missing_left=np.zeros(3, np.bool_),
        value=np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
    )
    _fill(spec.treeEnsembleClassifier, [tree], 2, PLAIN)
    labels.write(spec.treeEnsembleClassifier)
    return label


def _fill(body: Message, trees: Sequence[Tree], targets: int, transform: str) -> None:
    """Trees of one leaf become the base, as long as there are others."""
    base, grown = np.zeros(targets), [tree for tree in trees if len(tree.left) > 1]
    for tree in trees:
        if len(tree.left) == 1:
            base[tree.target : tree.target + tree.value.shape[1]] += tree.value[0]
    ensemble = body.treeEnsemble
    ensemble.numPredictionDimensions = targets
    ensemble.basePredictionValue.extend(base)
    for number, tree in enumerate(grown or [Tree.constant(np.zeros(targets))]):
        _add_tree(ensemble.nodes, number, tree)
    body.postEvaluationTransform = module("TreeEnsemble_pb2").TreeEnsemblePostEvaluationTransform.Value(transform)


def _add_tree(nodes: Message, number: int, tree: Tree) -> None:
    leaf = module("TreeEnsemble_pb2").TreeEnsembleParameters.TreeNode.LeafNode
    rows = zip(tree.feature.tolist(), tree.threshold.tolist(), tree.left.tolist(), tree.right.tolist(),
               tree.missing_left.tolist(), strict=True)  # fmt: skip
    for place, (feature, threshold, left, right, missing_left) in enumerate(rows):
        if left < 0:
            node = nodes.add(treeId=number, nodeId=place, nodeBehavior=leaf)
            _add_values(node.evaluationInfo, tree.value[place], tree.target)
        else:
            nodes.add(
                treeId=number, nodeId=place, branchFeatureIndex=feature, branchFeatureValue=threshold,
                trueChildNodeId=left, falseChildNodeId=right, missingValueTracksTrueChild=missing_left,
            )  # fmt: skip


def _add_values(infos: Message, values: Floats, target: int) -> None:
    """What isn't zero, and one number at least."""
    for column in np.flatnonzero(values).tolist() or [0]:
        infos.add(evaluationIndex=target + column, evaluationValue=values[column])
