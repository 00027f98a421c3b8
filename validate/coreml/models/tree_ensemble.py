"""Tree ensembles, in double: all trees are walked in parallel, step by step, from root to leaf.

ONNX's own tree operators are not used: they round their results to single precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from ..errors import damaged, unsupported
from ..files.proto import Message
from ..graph import Graph, Slot, Tensor
from .base import MAX_ELEMENTS, ModelContext, regressed, vector_input
from .classifier import class_labels, classified
from .links import logistic, softmax, softmax_with_reference

if TYPE_CHECKING:
    from ...signature import Array

COMPARISONS = ("LessOrEqual", "Less", "GreaterOrEqual", "Greater", "Equal", "NotEqual")
"""TreeNodeBehavior, by ONNX's names; NotEqual is Equal negated."""
LEAF = 6
NO_TRANSFORM, SOFTMAX, LOGISTIC, SOFTMAX_WITH_REFERENCE = range(4)
TRANSFORMS = {SOFTMAX: softmax, LOGISTIC: logistic, SOFTMAX_WITH_REFERENCE: softmax_with_reference}
"""TreeEnsemblePostEvaluationTransform."""


def tree_ensemble_regressor(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """The transformed sum of the leaves that are reached."""
    return regressed(context, _transformed(g, context, slots))


def tree_ensemble_classifier(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Class probabilities; a single number is the probability of the second class."""
    labels = class_labels(context.body)
    scores = _transformed(g, context, slots)
    if scores.shape == (1,) and len(labels) == 2:
        scores = g.op("Concat", g.op("Sub", g.like(1, scores), scores), scores, axis=0)
    return classified(g, context, labels, scores)


def _transformed(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> Tensor:
    body = context.body
    scores = _scores(g, vector_input(g, context, slots), body.treeEnsemble)
    if body.postEvaluationTransform == NO_TRANSFORM:
        return scores
    if body.postEvaluationTransform not in TRANSFORMS:
        raise unsupported("the tree ensemble", f"post-evaluation transform {body.postEvaluationTransform} is unknown")
    return TRANSFORMS[body.postEvaluationTransform](g, scores)


@dataclass(frozen=True, slots=True)
class _Trees:
    """All nodes of all trees, by position. A leaf is its own child; ``rows`` maps leaves to ``weights``."""

    behaviour: Array
    feature: Array
    threshold: Array
    missing: Array
    children: Array
    rows: Array
    weights: Array
    roots: Array
    depth: int


def _scores(g: Graph, x: Tensor, parameters: Message) -> Tensor:
    trees = _read(parameters)
    if x.static_shape and trees.feature.max(initial=0) >= x.static_shape[0]:
        raise damaged("the tree ensemble", f"a node refers to feature {trees.feature.max()} of {x.static_shape[0]}")
    leaves = _descended(g, x, trees) if trees.depth else g.const(trees.roots)
    reached = g.op("Gather", g.const(trees.weights), g.op("Gather", g.const(trees.rows), leaves))
    total = g.op("ReduceSum", reached, g.const([0], "int64"), keepdims=0)
    base = list(parameters.basePredictionValue)
    if len(base) not in (0, 1, trees.weights.shape[1]):
        raise damaged("the tree ensemble", f"it has {len(base)} base values for {trees.weights.shape[1]} dimensions")
    return g.op("Add", total, g.const(base, "float64")) if base else total


def _descended(g: Graph, x: Tensor, trees: _Trees) -> Tensor:
    """The leaf that each tree reaches."""
    start = g.const(trees.roots)
    body = g.subgraph()
    body.input("pass", "int64", ())
    goes_on = body.input("goes_on", "bool", ())
    at = body.input("node", "int64", start.shape)
    holds = _condition(body, x, trees, at)
    children = (body.op("Gather", body.const(trees.children[:, i]), at) for i in (0, 1))
    body.output(goes_on)
    body.output(body.op("Where", holds, *children))
    types = [(start.dtype, start.shape)]
    return g.ops("Loop", g.const(trees.depth, "int64"), None, start, outputs=1, types=types, body=body)[0]


def _condition(g: Graph, x: Tensor, trees: _Trees, at: Tensor) -> Tensor:
    """Whether each tree follows the true branch of its node ``at``."""
    value = g.op("Gather", x, g.op("Gather", g.const(trees.feature), at))
    threshold = g.op("Gather", g.const(trees.threshold), at)
    used = sorted(set(trees.behaviour.tolist()) - {LEAF})
    tests = [_compared(g, behaviour, value, threshold) for behaviour in used]
    if len(used) > 1:
        marks = [g.op("Gather", g.const(trees.behaviour == behaviour), at) for behaviour in used]
        tests = [g.op("And", *pair) for pair in zip(marks, tests, strict=True)]
    holds = reduce(lambda one, other: g.op("Or", one, other), tests)
    absent = g.op("IsNaN", value)
    tracked = g.op("And", absent, g.op("Gather", g.const(trees.missing), at))
    return g.op("Or", tracked, g.op("And", g.op("Not", absent), holds))


def _compared(g: Graph, behaviour: int, value: Tensor, threshold: Tensor) -> Tensor:
    if COMPARISONS[behaviour] == "NotEqual":
        return g.op("Not", g.op("Equal", value, threshold))
    return g.op(COMPARISONS[behaviour], value, threshold)


def _read(parameters: Message) -> _Trees:
    nodes = parameters.nodes
    if not nodes:
        raise damaged("the tree ensemble", "it has no nodes")
    position = {(n.treeId, n.nodeId): i for i, n in enumerate(nodes)}
    if len(position) != len(nodes):
        raise damaged("the tree ensemble", "two nodes of a tree have the same number")
    children = np.array([_children(n, i, position) for i, n in enumerate(nodes)], np.int64)
    behaviour = np.array([n.nodeBehavior for n in nodes])
    if not np.isin(behaviour, range(LEAF + 1)).all():
        raise unsupported("the tree ensemble", f"node behaviour {behaviour.max()} is unknown")
    roots, depth = _shape(children)
    return _Trees(
        behaviour=behaviour,
        feature=np.array([n.branchFeatureIndex for n in nodes], np.uint64).astype(np.int64),
        threshold=np.array([n.branchFeatureValue for n in nodes], np.float64),
        missing=np.array([n.missingValueTracksTrueChild for n in nodes], np.bool_),
        children=children,
        rows=np.maximum(np.cumsum(behaviour == LEAF) - 1, 0),
        weights=_weights([n for n in nodes if n.nodeBehavior == LEAF], parameters.numPredictionDimensions or 1),
        roots=roots,
        depth=depth,
    )


def _children(node: Message, own: int, position: Mapping[tuple[int, int], int]) -> tuple[int, int]:
    if node.nodeBehavior == LEAF:
        return own, own
    try:
        return position[node.treeId, node.trueChildNodeId], position[node.treeId, node.falseChildNodeId]
    except KeyError as e:
        raise damaged(f"tree {node.treeId}, node {node.nodeId}", "it refers to a child that doesn't exist") from e


def _weights(leaves: list[Message], dimensions: int) -> Array:
    if dimensions * len(leaves) > MAX_ELEMENTS:
        raise damaged("the tree ensemble", f"{dimensions} prediction dimensions are implausibly many")
    weights = np.zeros((len(leaves), dimensions))
    for row, leaf in zip(weights, leaves, strict=True):
        for info in leaf.evaluationInfo:
            if info.evaluationIndex >= dimensions:
                raise damaged("the tree ensemble", f"a leaf adds to dimension {info.evaluationIndex} of {dimensions}")
            row[info.evaluationIndex] += info.evaluationValue
    return weights


def _shape(children: Array) -> tuple[Array, int]:
    """The roots, which have no parent, and the number of steps to the deepest leaf."""
    own = np.arange(len(children))
    inner = children[:, 0] != own
    roots = np.setdiff1d(own, children[inner])
    depth, level, seen = 0, roots[inner[roots]], len(roots)
    while level.size:
        below = np.unique(children[level])
        seen += below.size
        depth, level = depth + 1, below[inner[below]]
        if depth > len(children):
            break
    if not roots.size or depth > len(children) or seen < len(children):
        raise damaged("the tree ensemble", "its nodes form a cycle")
    return roots, depth
