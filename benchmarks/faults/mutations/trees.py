"""Faults in trees, of the older operators (TreeEnsembleClassifier, ...) and of TreeEnsemble (ai.onnx.ml opset 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ..graphs import Array, Mutant, Mutation, attribute, on_nodes, on_slots, set_attribute

_OLD = {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}
_ALL = {*_OLD, "TreeEnsemble"}
_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
_NEIGHBOUR = {
    "BRANCH_LEQ": "BRANCH_LT",
    "BRANCH_LT": "BRANCH_LEQ",
    "BRANCH_GTE": "BRANCH_GT",
    "BRANCH_GT": "BRANCH_GTE",
}


def modes(node: onnx.NodeProto) -> list[str]:
    """The comparison of each node, "LEAF" for leaves."""
    if node.op_type in _OLD:
        return [mode.decode() for mode in attribute(node, "nodes_modes", [])]
    return [_MODES[mode] for mode in numpy_helper.to_array(attribute(node, "nodes_modes"))]


def _set_modes(node: onnx.NodeProto, new: list[str]) -> None:
    if node.op_type in _OLD:
        set_attribute(node, "nodes_modes", new)
    else:
        numbers = np.array([_MODES.index(mode) for mode in new], np.uint8)
        set_attribute(node, "nodes_modes", numpy_helper.from_array(numbers))


def _splits(node: onnx.NodeProto) -> tuple[str, Array]:
    """The attribute that holds the thresholds, and its values."""
    for name in ("nodes_splits", "nodes_values_as_tensor"):
        if (tensor := attribute(node, name)) is not None:
            return name, numpy_helper.to_array(tensor).copy()
    return "nodes_values", np.array(attribute(node, "nodes_values", []), np.float32)


def _set_splits(node: onnx.NodeProto, name: str, values: Array) -> None:
    set_attribute(node, name, values.tolist() if name == "nodes_values" else numpy_helper.from_array(values))


def _at_branches(
    model: onnx.ModelProto, rng: np.random.Generator, edit: Callable[[onnx.NodeProto, int], str]
) -> Iterator[Mutant]:
    """Two mutants per ensemble, each with one changed branch node."""

    def at(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        branches = [number for number, mode in enumerate(modes(node)) if mode != "LEAF"]
        return edit(node, int(rng.choice(branches))) if branches else ""

    for _ in range(2):
        yield from on_nodes(model, rng, _ALL, at)


def threshold(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change one threshold by a float32 step, so that one float32 value takes the other branch."""

    def edit(node: onnx.NodeProto, at: int) -> str:
        name, values = _splits(node)
        old = values[at]
        values[at] = stepped(old, up=bool(rng.integers(2)))
        _set_splits(node, name, values)
        return f"threshold {at} of {values.size}: {old!r} -> {values[at]!r}"

    return _at_branches(model, rng, edit)


def stepped(value: Any, *, up: bool) -> Any:
    """The smallest float32 above the value, or the one before the largest float32 that is not above it."""
    near = np.float32(value)
    below = near if near <= value else np.nextafter(near, np.float32(-np.inf))
    return np.nextafter(below, np.float32(np.inf if up else -np.inf))


def strictness(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace every ``<=`` of an ensemble by ``<``, or vice versa."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = modes(node)
        new = [_NEIGHBOUR.get(mode, mode) for mode in old]
        _set_modes(node, new)
        return f"{sum(a != b for a, b in zip(old, new, strict=True))} comparisons strict for not strict"

    return on_nodes(model, rng, _ALL, edit)


def one_strict(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace one ``<=`` by ``<``, or vice versa."""

    def edit(node: onnx.NodeProto, at: int) -> str:
        new = modes(node)
        if new[at] not in _NEIGHBOUR:
            return ""
        old, new[at] = new[at], _NEIGHBOUR[new[at]]
        _set_modes(node, new)
        return f"node {at}: {old} -> {new[at]}"

    return _at_branches(model, rng, edit)


def missing_values(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Let NaN take the other branch at every node."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "nodes_missing_value_tracks_true")
        if old is None:
            flipped = np.ones(len(modes(node)), np.int64)
        elif isinstance(old, onnx.TensorProto):
            flipped = 1 - numpy_helper.to_array(old).astype(np.int64)
        else:
            flipped = 1 - np.array(old, np.int64)
        set_attribute(node, "nodes_missing_value_tracks_true", flipped.tolist())
        return "missing_value_tracks_true flipped"

    return on_nodes(model, rng, _ALL, edit)


def leaf(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change one leaf's value by a hundredth."""

    def edit(array: Array) -> tuple[Array, str] | None:
        flat = array.reshape(-1)
        places = np.flatnonzero(flat)
        if not places.size:
            return None
        at = int(rng.choice(places))
        flat[at] *= flat.dtype.type(1.01)
        return flat.reshape(array.shape), f"leaf {at} times 1.01"

    wanted = {"target_weights", "class_weights", "leaf_weights"}
    for _ in range(2):
        yield from on_slots(model, rng, lambda slot: slot.name.rpartition(".")[2] in wanted, edit)


def branches_swapped(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap one node's two branches (older operators only, whose node ids make that safe)."""

    def edit(node: onnx.NodeProto, at: int) -> str:
        names = ("nodes_truenodeids", "nodes_falsenodeids")
        true, false = (list(attribute(node, name, ())) for name in names)
        if not true or node.op_type not in _OLD:
            return ""
        true[at], false[at] = false[at], true[at]
        for name, ids in zip(names, (true, false), strict=True):
            set_attribute(node, name, ids)
        return f"node {at}: branches swapped"

    return _at_branches(model, rng, edit)


def feature(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Let one node test the previous feature."""

    def edit(node: onnx.NodeProto, at: int) -> str:
        ids = list(attribute(node, "nodes_featureids", ()))
        old = ids[at]
        ids[at] = old - 1 if old else 1
        set_attribute(node, "nodes_featureids", ids)
        return f"node {at}: feature {old} -> {ids[at]}"

    return _at_branches(model, rng, edit)


TABLE: dict[str, Mutation] = {
    "threshold one float step off": threshold,
    "all <= as <": strictness,
    "one <= as <": one_strict,
    "NaN the other way": missing_values,
    "leaf off by 1 %": leaf,
    "branches swapped": branches_swapped,
    "feature off by one": feature,
}
