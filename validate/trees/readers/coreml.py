"""Core ML's tree ensembles, alone or in pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ensemble import Ensemble, Reading
from ..tree import Tree
from .onnx_ml import Nodes, UnreadableError, normalised, trees_of

if TYPE_CHECKING:
    Message = Any

_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "LEAF")
"""TreeNodeBehavior, by ONNX's names."""

_PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")
_ENSEMBLES = ("treeEnsembleClassifier", "treeEnsembleRegressor")


def read_coreml(spec: Message) -> Reading:
    """The ensembles of a specification, in the order of its models; what can't be read is said in a note."""
    found, notes = [], []
    for model, direct in _models(spec, direct=True):
        kind = model.WhichOneof("Type")
        try:
            found.append(_ensemble(getattr(model, kind).treeEnsemble, kind, direct=direct, single=_is_single(model)))
        except (UnreadableError, KeyError, IndexError, ValueError) as error:
            notes.append(f"the trees of a {kind} can't be read: {error}")
    return Reading(tuple(found), tuple(notes))


def _models(spec: Message, *, direct: bool) -> Iterator[tuple[Message, bool]]:
    """The models with trees, and whether each reads the input itself: it is the first one and takes an array."""
    kind = spec.WhichOneof("Type")
    if kind in _ENSEMBLES:
        features = spec.description.input
        yield spec, direct and len(features) == 1 and features[0].type.WhichOneof("Type") == "multiArrayType"
    if kind in _PIPELINES:
        body = spec.pipeline if kind == "pipeline" else getattr(spec, kind).pipeline
        for place, model in enumerate(body.models):
            yield from _models(model, direct=direct and place == 0)


def _is_single(model: Message) -> bool:
    """Whether the features are float32 by the model's own word."""
    array = model.description.input[0].type.multiArrayType if len(model.description.input) else None
    return array is not None and array.dataType == array.FLOAT32


def _ensemble(body: Message, kind: str, *, direct: bool, single: bool) -> Ensemble:
    targets = int(body.numPredictionDimensions) or 1
    nodes, value = _nodes(body, targets)
    trees = [*trees_of(nodes, value)]
    base = np.array(list(body.basePredictionValue), np.float64)
    outside: tuple[str, ...] = ()
    if len(base) in (1, targets):
        trees.append(Tree.constant(np.broadcast_to(base, targets)))
    elif len(base):
        outside = (f"the {len(base)} base values of {targets} columns",)
    return Ensemble(tuple(trees), targets, nodes.test, kind, single, direct=direct, outside=outside)


def _nodes(body: Message, targets: int) -> tuple[Nodes, Any]:
    keys = [(node.treeId, node.nodeId) for node in body.nodes]
    place = {key: n for n, key in enumerate(keys)}
    modes = np.array([_MODES[node.nodeBehavior] for node in body.nodes])
    leaf = modes == "LEAF"
    true, false = (
        np.array([-1 if n.nodeBehavior == len(_MODES) - 1 else place[n.treeId, getattr(n, side)] for n in body.nodes])
        for side in ("trueChildNodeId", "falseChildNodeId")
    )
    children = {*true.tolist(), *false.tolist()}
    value = np.zeros((len(keys), targets))
    for row, node in zip(value, body.nodes, strict=True):
        for info in node.evaluationInfo:
            row[info.evaluationIndex] += info.evaluationValue
    nodes = normalised(
        np.array([node.branchFeatureIndex for node in body.nodes], np.int64),
        np.array([node.branchFeatureValue for node in body.nodes], np.float64),
        (true, false),
        np.array([node.missingValueTracksTrueChild for node in body.nodes], np.bool_),
        modes,
        leaf,
        [n for n in range(len(keys)) if n not in children],
    )
    return nodes, value
