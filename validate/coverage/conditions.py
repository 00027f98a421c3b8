"""The conditions of an ONNX graph (of Ifs and Wheres, and comparisons), and the comparison that each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..noise.tensors import input_dependent

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

_COMPARISONS = {"Greater": 1, "GreaterOrEqual": 1, "Less": -1, "LessOrEqual": -1, "Equal": 0}
"""Operator -> the sign of first - second where it is true; 0 where it is true of equal operands."""

_PASSING = frozenset({"Not", "Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Expand"})

_CHOOSING = frozenset({"If", "Where"})


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of an If or a Where, or a comparison that is used otherwise.

    ``name`` is the operator's for the user, ``tensor`` the condition's. ``first`` and ``second`` are the tensors that
    are compared, "" where no comparison is behind it. ``sign`` is the sign of ``first - second`` where the comparison
    is true, 0 where it is true of equal operands; ``negated`` says that the condition is its opposite. ``root`` is the
    tensor that it comes from through negations and changes of shape. ``operator`` is the operator's type.
    """

    name: str
    tensor: str
    first: str = ""
    second: str = ""
    sign: int = 0
    negated: bool = False
    operator: str = "If"
    root: str = ""

    @property
    def guides(self) -> bool:
        """Whether a search can come nearer to its other side, or must say that it wasn't taken."""
        return bool(self.first) or self.operator == "If"

    @property
    def tensors(self) -> tuple[str, ...]:
        """The tensors that tell which side is taken, and how near the other one is."""
        return (self.tensor, self.first, self.second) if self.first else (self.tensor,)

    def holds(self, values: Mapping[str, Array], *, condition: bool) -> bool:
        """Whether a run made the condition ``condition`` anywhere; ``values`` holds the tensors that it showed."""
        return self.tensor in values and bool(np.any(np.asarray(values[self.tensor], bool) == condition))

    def nearness(self, values: Mapping[str, Array], *, condition: bool) -> float:
        """A number that rises as ``values`` come nearer to making the condition ``condition`` at one element.

        It is the negated branch distance of search-based testing.
        """
        if not {self.first, self.second} <= values.keys():
            return 0.0
        gaps = values[self.first].astype(float) - values[self.second].astype(float)
        finite = gaps[np.isfinite(gaps)]
        if not finite.size:
            return 0.0
        wanted = condition != self.negated
        if not self.sign:
            return float(-abs(finite).min() if wanted else abs(finite).max())
        return float((finite * self.sign).max() if wanted else (-finite * self.sign).max())


def find_conditions(model: onnx.ModelProto) -> tuple[Condition, ...]:
    """The graph's own conditions that depend on values that are fed, one for those that are the same or opposite.

    Those inside of loops and of branches are left out, and so are conditions on shapes and the test for a negative
    index, which converters put before a lookup.
    """
    graph = model.graph
    producers = {name: node for node in graph.node for name in node.output}
    dependent = input_dependent(graph)
    found: dict[str, Condition] = {}
    for node in [*_choosing(graph), *(node for node in graph.node if node.op_type in _COMPARISONS)]:
        tensor = node.input[0] if node.op_type in _CHOOSING else node.output[0]
        if tensor in dependent and not _wraps_index(node, producers):
            condition = _describe(node, tensor, producers)
            found.setdefault(condition.root, condition)
        elif node.op_type == "Where":
            found.setdefault(_describe(node, tensor, producers).root, _IGNORED)
    return tuple(condition for condition in found.values() if condition is not _IGNORED)


_IGNORED = Condition("", "")


def _choosing(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [node for node in graph.node if node.op_type in _CHOOSING]


def _wraps_index(node: onnx.NodeProto, producers: Mapping[str, onnx.NodeProto]) -> bool:
    """Whether it is Where(i < 0, i + n, i), or Where(i < 0, n, i): a negative index counts from the end."""
    if node.op_type != "Where":
        return False
    test = producers.get(node.input[0])
    if test is None or test.op_type != "Less" or test.input[0] != node.input[2]:
        return False
    other = producers.get(node.input[1])
    return other is None or other.op_type == "Constant" or node.input[2] in other.input


def show_tensors(model: onnx.ModelProto, conditions: tuple[Condition, ...]) -> onnx.ModelProto:
    """Add the tensors of the conditions to the model's outputs, in place; ONNX Runtime infers their types.

    A tensor that is an input of the graph is left out: its value is known from the feed.
    """
    import onnx

    names = dict.fromkeys(name for condition in conditions for name in condition.tensors)
    known = {each.name for each in (*model.graph.output, *model.graph.input)}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    return model


def _describe(node: onnx.NodeProto, tensor: str, producers: Mapping[str, onnx.NodeProto]) -> Condition:
    name = node.name or node.output[0]
    *passing, last = _walk_back(tensor, producers)
    root = next((each for each in last.output), tensor) if last is not None else _source(tensor, producers)
    if last is None or last.op_type not in _COMPARISONS:
        return Condition(name, tensor, operator=node.op_type, root=root)
    negated = sum(each is not None and each.op_type == "Not" for each in passing) % 2 == 1
    first, second = last.input
    return Condition(name, tensor, first, second, _COMPARISONS[last.op_type], negated, node.op_type, root)


def _source(tensor: str, producers: Mapping[str, onnx.NodeProto]) -> str:
    """The graph input or initializer that a tensor comes from through changes of shape."""
    while tensor in producers:
        tensor = producers[tensor].input[0]
    return tensor


def _walk_back(name: str, producers: Mapping[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto | None]:
    """The nodes before a tensor: those that pass it on, then the first that doesn't, or None where there is none."""
    node = producers.get(name)
    while node is not None and node.op_type in _PASSING:
        yield node
        node = producers.get(node.input[0])
    yield node
