"""Tree ensembles of every library as Core ML's tree ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .....validate.coreml.files.proto import Message, module
from .....validate.trees.readers.links import Link
from .....validate.trees.tree import Tree
from .builder import Builder
from .labels import Labels, add_classifier, add_label_classifier
from .monotone import undo_scalers
from .wires import DOUBLE, Columns, Outputs, Wire

if TYPE_CHECKING:
    from .wires import Floats

TRANSFORMS = {
    Link.IDENTITY: "NoTransform",
    Link.SOFTMAX: "Classification_SoftMax",
    Link.SIGMOID: "Regression_Logistic",
}
"""The links that a tree ensemble of Core ML can apply -> TreeEnsemblePostEvaluationTransform."""


def sum_trees(b: Builder, x: Columns, trees: Sequence[Tree], targets: int = 1, link: Link = Link.IDENTITY) -> Wire:
    """The sums of the leaves that are reached, after ``link``: a number, or a vector if there are several targets.

    Core ML's regressors predict one number, so that each target has a model of its own.
    """
    columns, trees = undo_scalers(x, trees)
    features = b.vector(columns)
    totals = tuple(_total(b, features, _part(trees, target), link) for target in range(targets))
    return totals[0] if targets == 1 else b.vector(totals)


def _part(trees: Sequence[Tree], target: int) -> list[Tree]:
    """What the trees add to one target."""
    own = [(tree, target - tree.target) for tree in trees if 0 <= target - tree.target < tree.value.shape[1]]
    return [replace(tree, value=tree.value[:, column : column + 1], target=0) for tree, column in own]


def _total(b: Builder, x: Wire, trees: Sequence[Tree], link: Link) -> Wire:
    total = b.wire("total", DOUBLE)
    body = b.stage((x,), (total,), predicted=total.name).treeEnsembleRegressor
    _fill(body, trees, 1, link)
    return total


def classify_by_trees(
    b: Builder, x: Columns, trees: Sequence[Tree], targets: int, labels: Labels, link: Link = Link.IDENTITY
) -> Outputs:
    """A classifier by the sums: one for each class, or a single one (SIGMOID) for the second of two."""
    columns, trees = undo_scalers(x, trees)
    spec, outputs = add_classifier(b, (b.vector(columns),), labels)
    _fill(spec.treeEnsembleClassifier, trees, targets, link)
    labels.write(spec.treeEnsembleClassifier)
    return outputs


def label_by_limit(b: Builder, x: Wire, limit: float, labels: Labels) -> Wire:
    """The first of two labels where the number ``x`` is at most ``limit``, else the second."""
    spec, label = add_label_classifier(b, (x,), labels)
    leaves = np.array([-1, -1])
    tree = Tree(
        feature=np.zeros(3, np.int64),
        threshold=np.array([limit, 0.0, 0.0]),
        left=np.array([1, *leaves]),
        right=np.array([2, *leaves]),
        missing_left=np.zeros(3, np.bool_),
        value=np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
    )
    _fill(spec.treeEnsembleClassifier, [tree], 2, Link.IDENTITY)
    labels.write(spec.treeEnsembleClassifier)
    return label


def _fill(body: Message, trees: Sequence[Tree], targets: int, link: Link) -> None:
    """Trees of one leaf become the base, unless there are no others."""
    base, grown = np.zeros(targets), [tree for tree in trees if len(tree.left) > 1]
    for tree in trees:
        if len(tree.left) == 1:
            base[tree.target : tree.target + tree.value.shape[1]] += tree.value[0]
    ensemble = body.treeEnsemble
    ensemble.numPredictionDimensions = targets
    ensemble.basePredictionValue.extend(base)
    for number, tree in enumerate(grown or [Tree.constant(np.zeros(targets))]):
        _add_tree(ensemble.nodes, number, tree)
    transforms = module("TreeEnsemble_pb2").TreeEnsemblePostEvaluationTransform
    body.postEvaluationTransform = transforms.Value(TRANSFORMS[link])


def _add_tree(nodes: Message, number: int, tree: Tree) -> None:
    leaf = module("TreeEnsemble_pb2").TreeEnsembleParameters.TreeNode.LeafNode
    columns = (tree.feature, tree.threshold, tree.left, tree.right, tree.missing_left)
    fields = zip(*(column.tolist() for column in columns), strict=True)
    for place, (feature, threshold, left, right, missing_left) in enumerate(fields):
        if left < 0:
            node = nodes.add(treeId=number, nodeId=place, nodeBehavior=leaf)
            _add_values(node.evaluationInfo, tree.value[place], tree.target)
        else:
            nodes.add(
                treeId=number, nodeId=place, branchFeatureIndex=feature, branchFeatureValue=threshold,
                trueChildNodeId=left, falseChildNodeId=right, missingValueTracksTrueChild=missing_left,
            )  # fmt: skip


def _add_values(infos: Message, values: Floats, target: int) -> None:
    """The values that aren't zero, and at least one."""
    for column in np.flatnonzero(values).tolist() or [0]:
        infos.add(evaluationIndex=target + column, evaluationValue=values[column])
