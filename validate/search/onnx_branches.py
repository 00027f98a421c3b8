"""The Ifs of an ONNX graph: their conditions, and the comparison that each condition comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..onnx_graphs import names_captured

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

_COMPARISONS = {"Greater": 1, "GreaterOrEqual": 1, "Less": -1, "LessOrEqual": -1, "Equal": 0}
"""Operator -> the sign of first - second where it is true; 0 where it is true of equal operands."""

_PASSING = frozenset({"Not", "Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten"})

_SHAPES = frozenset({"Shape", "Size"})


@dataclass(frozen=True, slots=True)
class If:
    """One If node: its name for the user, the tensor of its condition, and the comparison behind it, if there is one.

    ``first`` and ``second`` are the tensors that are compared. ``sign`` is the sign of ``first - second`` where the
    comparison is true, 0 where it is true of equal operands; ``negated`` says that the condition is its opposite.
    """

    name: str
    condition: str
    first: str = ""
    second: str = ""
    sign: int = 0
    negated: bool = False

    @property
    def tensors(self) -> tuple[str, ...]:
        """The tensors that tell which branch is taken, and how near the other one is."""
        return (self.condition, self.first, self.second) if self.first else (self.condition,)

    def nearness(self, values: Mapping[str, Array], *, condition: bool) -> float:
        """A number that rises as ``values`` come nearer to making the condition ``condition``.

        It is the negated branch distance of search-based testing.
        """
        if not {self.first, self.second} <= values.keys():
            return 0.0
        gap = float((values[self.first].astype(float) - values[self.second].astype(float)).mean())
        direction = 1.0 if condition != self.negated else -1.0
        return direction * (gap * self.sign if self.sign else -abs(gap))


def find_ifs(model: onnx.ModelProto) -> tuple[If, ...]:
    """The graph's own Ifs whose condition depends on values that are fed.

    Those inside of loops and of other branches are left out, and so are conditions on shapes.
    """
    producers = {name: node for node in model.graph.node for name in node.output}
    fed = {each.name for each in model.graph.input} - {each.name for each in model.graph.initializer}
    ifs = [node for node in model.graph.node if node.op_type == "If"]
    return tuple(_describe(node, producers) for node in ifs if _depends(node.input[0], producers, fed))


def show_conditions(model: onnx.ModelProto, ifs: tuple[If, ...]) -> onnx.ModelProto:
    """Add the tensors of the Ifs to the model's outputs, in place; ONNX Runtime infers their types.

    A tensor that is an input of the graph is left out: its value is known from the feed.
    """
    import onnx

    names = dict.fromkeys(name for node in ifs for name in node.tensors)
    known = {each.name for each in (*model.graph.output, *model.graph.input)}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    return model


def _depends(name: str, producers: dict[str, onnx.NodeProto], fed: set[str]) -> bool:
    """Whether a tensor is computed from the values of one that is fed, not from its shape alone."""
    waiting, seen = [name], {name}
    while waiting:
        current = waiting.pop()
        if current in fed:
            return True
        node = producers.get(current)
        if node is None or node.op_type in _SHAPES:
            continue
        reached = set(names_captured(node)) - seen
        seen |= reached
        waiting += reached
    return False


def _describe(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto]) -> If:
    name, condition = node.name or node.output[0], node.input[0]
    *passing, last = _walk_back(condition, producers)
    if last is None or last.op_type not in _COMPARISONS:
        return If(name, condition)
    negated = sum(each is not None and each.op_type == "Not" for each in passing) % 2 == 1
    first, second = last.input
    return If(name, condition, first, second, _COMPARISONS[last.op_type], negated)


def _walk_back(name: str, producers: dict[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto | None]:
    """The nodes before a tensor: those that pass it on, then the first that doesn't, or None where there is none."""
    node = producers.get(name)
    while node is not None and node.op_type in _PASSING:
        yield node
        node = producers.get(node.input[0])
    yield node
