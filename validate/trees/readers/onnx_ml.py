"""ONNX's operators for trees: TreeEnsembleRegressor, TreeEnsembleClassifier, and TreeEnsemble of ai.onnx.ml 5."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...onnx_graphs import all_graphs
from ..ensemble import Ensemble, Reading
from ..tree import SplitTest, Tree

if TYPE_CHECKING:
    from ..tree import Ints

    Attributes = Mapping[str, Any]
    Splits = tuple["Nodes", "Ints", "Ints", Any]

_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT")
"""The modes that can be read; version 5 numbers them so. Those after a GT go left where its test fails."""

_DOMAIN = "ai.onnx.ml"


class UnreadableError(ValueError):
    """A node that this reader doesn't understand; the message says why."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """All nodes of one operator. A leaf has ``left`` < 0; children are places in these arrays."""

    feature: Ints
    threshold: Any
    left: Ints
    right: Ints
    missing_left: Any
    roots: Sequence[int]
    test: SplitTest


def read_onnx(model: onnx.ModelProto) -> Reading:
    """The ensembles of a graph, in the order of its nodes; what can't be read is said in a note."""
    found, notes = [], []
    for graph in all_graphs(model.graph):
        for node in graph.node:
            if node.domain != _DOMAIN or not node.op_type.startswith("TreeEnsemble"):
                continue
            try:
                found.append(_ensemble(node, graph))
            except (UnreadableError, KeyError, IndexError, ValueError) as error:
                notes.append(f"the trees of {node.op_type} '{node.name or node.output[0]}' can't be read: {error}")
    return Reading(tuple(found), tuple(notes))


def _ensemble(node: onnx.NodeProto, graph: onnx.GraphProto) -> Ensemble:
    given: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    direct, single = _features(node.input[0], graph)
    read = _version_5 if node.op_type == "TreeEnsemble" else _version_3
    trees, targets, test, outside = read(given)
    return Ensemble(
        tuple(trees), targets, test, node.name or node.output[0], single, direct=direct, outside=tuple(outside)
    )


def _numbers(given: Attributes, name: str) -> Any:
    """An attribute of numbers, which may be a list or a tensor, as float64 or int64."""
    for key in (name, f"{name}_as_tensor"):
        if key in given:
            value = given[key]
            array = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
            return array.astype(np.float64) if array.dtype.kind == "f" else array.astype(np.int64)
    return np.zeros(0)


def _version_3(given: Attributes) -> tuple[list[Tree], int, SplitTest, list[str]]:
    _check_sum(given.get("aggregate_function", b"SUM"))
    nodes, place, order = _nodes_3(given)
    weights = "class" if "class_ids" in given else "target"
    labels = given.get("classlabels_strings", ()) or given.get("classlabels_int64s", ())
    targets = len(labels) if weights == "class" else int(given.get("n_targets", 1))
    value = np.zeros((len(order), targets))
    rows = [place[key] for key in zip(given[f"{weights}_treeids"], given[f"{weights}_nodeids"], strict=True)]
    np.add.at(
        value, (np.array(rows, np.int64), _numbers(given, f"{weights}_ids")), _numbers(given, f"{weights}_weights")
    )
    trees = list(trees_of(nodes, value))
    base, outside = _numbers(given, "base_values"), []
    if len(base) == targets:
        trees.append(Tree.constant(base))
    elif len(base):
        outside.append(f"the {len(base)} base values of {targets} columns")
    return trees, targets, nodes.test, outside


def _check_sum(function: bytes) -> None:
    if function not in (b"SUM", b"AVERAGE"):
        raise UnreadableError(f"it takes the {function.decode().lower()} of its leaves")


def _nodes_3(given: Attributes) -> tuple[Nodes, dict[tuple[int, int], int], Ints]:
    keys = list(zip(given["nodes_treeids"], given["nodes_nodeids"], strict=True))
    place = {key: n for n, key in enumerate(keys)}
    modes = np.array([mode.decode() for mode in given["nodes_modes"]])
    leaf = modes == "LEAF"
    children = {
        side: np.array(
            [
                -1 if is_leaf else place[tree, child]
                for is_leaf, (tree, _), child in zip(leaf, keys, given[f"nodes_{side}nodeids"], strict=True)
            ],
            np.int64,
        )
        for side in ("true", "false")
    }
    tracks = np.array(given.get("nodes_missing_value_tracks_true", ()), np.bool_)
    tracks = tracks if len(tracks) else np.zeros(len(keys), np.bool_)
    roots = list({tree: place[tree, node] for tree, node in reversed(keys)}.values())[::-1]
    nodes = normalised(
        np.array(given["nodes_featureids"], np.int64),
        _numbers(given, "nodes_values").astype(np.float64),
        (children["true"], children["false"]),
        tracks,
        modes,
        leaf,
        roots,
    )
    return nodes, place, np.arange(len(keys))


def normalised(
    feature: Ints, threshold: Any, children: tuple[Ints, Ints], tracks: Any, modes: Any, leaf: Any, roots: list[int]
) -> Nodes:
    """Nodes that go left where a value is at most (or below) the threshold; a leaf's children are -1."""
    used = set(modes[~leaf].tolist())
    if not used <= set(_MODES):
        raise UnreadableError(f"its nodes test {', '.join(sorted(used - set(_MODES)))}")
    greater = np.isin(modes, _MODES[2:]) & ~leaf
    at_most = {mode in ("BRANCH_LEQ", "BRANCH_GT") for mode in used}
    if len(at_most) > 1:
        raise UnreadableError("its nodes mix two kinds of test")
    left, right = (np.where(greater, children[1 - n], children[n]) for n in (0, 1))
    _check_roots(left, right, roots)
    test = SplitTest.BELOW if at_most == {False} else SplitTest.AT_MOST
    return Nodes(feature, threshold, left, right, np.where(greater, ~tracks, tracks), roots, test)


def _check_roots(left: Ints, right: Ints, roots: Sequence[int]) -> None:
    children = np.concatenate([left[left >= 0], right[right >= 0]])
    if np.isin(roots, children).any() or len(np.unique(children)) < len(children):
        raise UnreadableError("its nodes don't form trees")


def trees_of(nodes: Nodes, value: Any) -> Iterator[Tree]:
    """One tree from each root, its nodes in preorder."""
    left, right = nodes.left.tolist(), nodes.right.tolist()
    for root in nodes.roots:
        order, todo = [], [root]
        while todo:
            node = todo.pop()
            order.append(node)
            todo += [] if left[node] < 0 else [right[node], left[node]]
        place = dict(zip(order, range(len(order)), strict=True)) | {-1: -1}
        yield Tree(
            nodes.feature[order],
            nodes.threshold[order],
            np.array([place[left[node]] for node in order], np.int64),
            np.array([place[right[node]] for node in order], np.int64),
            nodes.missing_left[order],
            value[order],
        )


def _version_5(given: Attributes) -> tuple[list[Tree], int, SplitTest, list[str]]:
    """Inner nodes and leaves have arrays of their own; leaves are put after the inner nodes."""
    function = (b"AVERAGE", b"SUM")[given["aggregate_function"]] if given.get("aggregate_function", 1) < 2 else b"MIN"
    _check_sum(function)
    modes = _numbers(given, "nodes_modes")
    inner, targets = len(modes), int(given["n_targets"])
    weights, owners = _numbers(given, "leaf_weights"), np.array(given["leaf_targetids"], np.int64)
    total, none = inner + len(weights), np.full(len(weights), -1)
    sides = []
    for side in ("true", "false"):
        ids, is_leaf = (np.array(given[f"nodes_{side}{part}"], np.int64) for part in ("nodeids", "leafs"))
        sides.append(np.concatenate([np.where(is_leaf, inner + ids, ids), none]))
    value = np.zeros((total, targets))
    value[inner + np.arange(len(weights)), owners] = weights
    tracks = np.array(given.get("nodes_missing_value_tracks_true", np.zeros(inner)), np.bool_)
    leaf = np.arange(total) >= inner
    names = np.array(
        [*(_MODES[mode] if mode < len(_MODES) else f"mode {mode}" for mode in modes), *["LEAF"] * len(none)]
    )
    nodes = normalised(
        np.concatenate([np.array(given["nodes_featureids"], np.int64), np.zeros(len(none), np.int64)]),
        np.concatenate([_numbers(given, "nodes_splits").astype(np.float64), np.zeros(len(none))]),
        (sides[0], sides[1]),
        np.concatenate([tracks, np.zeros(len(none), np.bool_)]),
        names,
        leaf,
        [int(root) for root in given["tree_roots"]],
    )
    return list(trees_of(nodes, value)), targets, nodes.test, []


def _features(name: str, graph: onnx.GraphProto) -> tuple[bool, bool]:
    """Whether a tensor holds the graph's inputs column by column in their order, and whether it is float32.

    Where that isn't known, the numbers are taken for float32: the proof then is of these only.
    """
    makers = {output: node for node in graph.node for output in node.output}
    inputs = {value.name: value.type.tensor_type.elem_type for value in graph.input}
    constants = {tensor.name for tensor in graph.initializer}
    order = [each for each in inputs if each not in constants]
    found = _origin(name, makers, inputs)
    if found is None:
        return False, True
    names, single = found
    return names == order, single


def _origin(
    name: str, makers: Mapping[str, onnx.NodeProto], inputs: Mapping[str, int]
) -> tuple[list[str], bool] | None:
    """The inputs that a tensor joins, and whether they are rounded to float32; None for anything else."""
    if name in inputs:
        return [name], inputs[name] == onnx.TensorProto.FLOAT
    node = makers.get(name)
    if node is None or node.op_type not in ("Cast", "Identity", "Concat"):
        return None
    parts = [_origin(each, makers, inputs) for each in node.input]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    narrowed = node.op_type == "Cast" and helper.get_attribute_value(node.attribute[0]) == onnx.TensorProto.FLOAT
    return [each for names, _ in known for each in names], narrowed or any(single for _, single in known)
