"""Where rounding decides: outputs after an operator whose result jumps, and values that must stay whole numbers."""

from __future__ import annotations

import onnx

from ..onnx_graphs import names_read, subgraphs
from .operators import COMPARISONS, DISCONTINUOUS, EXACT

_INTEGERS = set(range(2, 14)) - {onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.STRING}


def is_discontinuous(node: onnx.NodeProto) -> bool:
    """Whether a small change of an operand may change the result much."""
    return node.op_type in DISCONTINUOUS or (node.op_type == "Cast" and _target(node) in _INTEGERS)


def discontinuous_outputs(graph: onnx.GraphProto, dependent: set[str]) -> set[str]:
    """The graph's outputs that may jump when the ``dependent`` tensors (on the model's inputs) round differently."""
    decided: set[str] = set()
    for node in graph.node:
        names = set(names_read(node))
        if names & decided or (names & dependent and _holds_discontinuity(node)):
            decided.update(node.output)
    return {output.name for output in graph.output} & decided


def read_by_discontinuities(graph: onnx.GraphProto) -> set[str]:
    """The tensors that a discontinuous operator or a comparison reads, directly or after they were only moved.

    A count or an index kept in a float is exact; rounding it down would turn it into another number.
    """
    found: set[str] = set()
    for node in reversed(graph.node):
        moved = node.op_type in EXACT and found.intersection(node.output)
        if moved or node.op_type in COMPARISONS or is_discontinuous(node):
            found.update(node.input)
    return found


def _holds_discontinuity(node: onnx.NodeProto) -> bool:
    return is_discontinuous(node) or any(_holds_discontinuity(n) for body in subgraphs(node) for n in body.node)


def _target(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "to"), 0)
