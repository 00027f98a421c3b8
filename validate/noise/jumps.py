"""Where rounding decides: outputs behind an operator whose result jumps, and values that must stay whole."""

from __future__ import annotations

import onnx

from ..onnx_graphs import names_read, subgraphs
from .operators import COMPARISONS, EXACT, JUMPS

_INTEGERS = set(range(2, 14)) - {onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.STRING}


def jumps(node: onnx.NodeProto) -> bool:
    """Whether a small change of an operand may change the result much."""
    return node.op_type in JUMPS or (node.op_type == "Cast" and _target(node) in _INTEGERS)


def behind_jumps(graph: onnx.GraphProto, noisy: set[str]) -> set[str]:
    """The graph's outputs that may jump when ``noisy`` (all tensors that depend on the input) round another way."""
    decided: set[str] = set()
    for node in graph.node:
        names = set(names_read(node))
        if names & decided or (names & noisy and _jumps_within(node)):
            decided.update(node.output)
    return {output.name for output in graph.output} & decided


def read_by_jumps(graph: onnx.GraphProto) -> set[str]:
    """The tensors that such an operator reads, or reads after they were only moved.

    A count or an index that is kept in floats is exact, and rounding it down would make another number of it.
    """
    found: set[str] = set()
    for node in reversed(graph.node):
        if node.op_type in COMPARISONS or jumps(node) or (node.op_type in EXACT and found.intersection(node.output)):
            found.update(node.input)
    return found


def _jumps_within(node: onnx.NodeProto) -> bool:
    return jumps(node) or any(_jumps_within(inner) for body in subgraphs(node) for inner in body.node)


def _target(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "to"), 0)
