"""Rewrites of an ONNX graph that show or replace its tensors, and the walk back from a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx
from onnx import helper, numpy_helper

from ..noise.tensors import tensors_of
from ..onnx_graphs import names_captured

if TYPE_CHECKING:
    from ..signature import Array

SHOWN = "paritygate.shown/"
"""Prefix of the outputs that show what isn't computed: weights and inputs of the graph."""

_FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16}


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a graph: operators in their order, and the tensors that they take from outside of the part.

    These are computed tensors, inputs and weights.
    """

    nodes: tuple[onnx.NodeProto, ...]
    taken: tuple[str, ...]


def floating_tensors(model: onnx.ModelProto) -> list[str]:
    """The floating tensors that the graph's own operators compute, in their order.

    Shape inference doesn't know the operators of other domains; their results are taken for floating.
    """
    dtypes = tensors_of(model).dtypes
    return [
        name
        for node in model.graph.node
        for name in node.output
        if name and (dtypes.get(name) in _FLOATS or (node.domain not in ("", "ai.onnx") and not dtypes.get(name)))
    ]


def show_tensors(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """Make tensors outputs of the graph, in place; what it doesn't compute is shown by a copy named SHOWN + name."""
    given = {output.name for output in model.graph.output}
    computed = {name for node in model.graph.node for name in node.output}
    for name in names:
        if name not in computed:
            model.graph.node.append(helper.make_node("Identity", [name], [SHOWN + name]))
        shown = name if name in computed else SHOWN + name
        if shown not in given:
            model.graph.output.append(onnx.ValueInfoProto(name=shown))
            given.add(shown)
    return model


def replace_tensors(model: onnx.ModelProto, values: Mapping[str, Array]) -> onnx.ModelProto:
    """Replace computed tensors by constants, in place."""
    for node in model.graph.node:
        node.output[:] = [f"{name}/computed" if name in values else name for name in node.output]
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    return model


def segment(graph: onnx.GraphProto, targets: Iterable[str], known: Set[str]) -> Segment:
    """The operators that lead from ``known`` tensors, inputs and weights to ``targets``.

    A target is always computed, even where it is among the ``known`` tensors.
    """
    wanted, nodes = set(targets), []
    for node in reversed(graph.node):
        if wanted.isdisjoint(node.output):
            continue
        nodes.append(node)
        wanted.update(name for name in names_captured(node) if name not in known)
    nodes.reverse()
    made = {name for node in nodes for name in node.output}
    taken = dict.fromkeys(name for node in nodes for name in names_captured(node) if name not in made or name in known)
    return Segment(tuple(nodes), tuple(taken))
