"""Walks over an ONNX graph and the graphs nested in it: branches and loop bodies. Light: onnx is imported on use.

Nothing here knows what the operators do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """The graphs in a node's attributes: branches, loop bodies."""
    return [graph for a in node.attribute for graph in ([a.g] if a.HasField("g") else a.graphs)]


def all_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and every graph nested in its nodes, at any depth."""
    yield graph
    for node in graph.node:
        for inner in subgraphs(node):
            yield from all_graphs(inner)


def all_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """The nodes of all graphs and of the model's own functions."""
    for graph in all_graphs(model.graph):
        yield from graph.node
    for function in model.functions:
        for node in function.node:
            yield node
            yield from (inner for body in subgraphs(node) for graph in all_graphs(body) for inner in graph.node)


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """All names that a node reads, those in its subgraphs included (some may be defined inside the subgraph)."""
    yield from node.input
    for body in subgraphs(node):
        for inner in body.node:
            yield from names_read(inner)
        yield from (output.name for output in body.output)


def names_captured(node: onnx.NodeProto) -> Iterator[str]:
    """The names that a node reads from the graph that it stands in: not those that its subgraphs define themselves."""
    inside = set(_names_defined(node))
    return (name for name in names_read(node) if name and name not in inside)


def _names_defined(node: onnx.NodeProto) -> Iterator[str]:
    for body in subgraphs(node):
        yield from (value.name for value in (*body.input, *body.initializer))
        for inner in body.node:
            yield from inner.output
            yield from _names_defined(inner)


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with calls of its local functions replaced by their operators; itself where it has none."""
    from onnx import inliner

    return inliner.inline_local_functions(model) if model.functions else model
