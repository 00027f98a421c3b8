"""The branches of an ONNX graph: its conditions, and the comparison that each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..onnx_graphs import names_captured

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

_COMPARISONS = {"Greater": 1, "GreaterOrEqual": 1, "Less": -1, "LessOrEqual": -1, "Equal": 0}
"""Operator -> the sign that left - right has where it is true; 0 where they are equal."""

_PASSING = frozenset({"Not", "Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten"})

_SHAPES = frozenset({"Shape", "Size"})


@dataclass(frozen=True, slots=True)
class Branch:
    """One If: its name for the user, its condition's tensor, and the comparison behind it, if there is one.

    ``sign`` is that of ``left - right`` where the comparison holds, 0 where it holds of equals; ``negated`` says that
    the condition is its opposite.
    """

    name: str
    condition: str
    left: str = ""
    right: str = ""
    sign: int = 0
    negated: bool = False

    @property
    def watched(self) -> tuple[str, ...]:
        """The tensors that tell which way it goes, and how far it is from going the other way."""
        return (self.condition, self.left, self.right) if self.left else (self.condition,)

    def nearness(self, values: Mapping[str, Array], *, wanted: bool) -> float:
        """How near ``values`` are to a condition that is ``wanted``: a number that rises on the way there."""
        if not {self.left, self.right} <= values.keys():
            return 0.0
        gap = float((values[self.left].astype(float) - values[self.right].astype(float)).mean())
        toward = 1.0 if wanted != self.negated else -1.0
        return toward * (gap * self.sign if self.sign else -abs(gap))


def branches_of(model: onnx.ModelProto) -> tuple[Branch, ...]:
    """The graph's own branches whose condition depends on values that are fed.

    Those inside of loops and of other branches are left out, and so are conditions on shapes.
    """
    made = {name: node for node in model.graph.node for name in node.output}
    fed = {each.name for each in model.graph.input} - {each.name for each in model.graph.initializer}
    return tuple(
        _branch(node, made) for node in model.graph.node if node.op_type == "If" and _depends(node.input[0], made, fed)
    )


def _depends(name: str, made: dict[str, onnx.NodeProto], fed: set[str]) -> bool:
    """Whether a tensor is computed from the values of one that is fed, not from its shape alone."""
    waiting, seen = [name], {name}
    while waiting:
        current = waiting.pop()
        if current in fed:
            return True
        node = made.get(current)
        if node is None or node.op_type in _SHAPES:
            continue
        reached = set(names_captured(node)) - seen
        seen |= reached
        waiting += reached
    return False


def watching(model: onnx.ModelProto, branches: tuple[Branch, ...]) -> onnx.ModelProto:
    """The model with the branches' tensors among its outputs; ONNX Runtime finds out their types.

    A tensor that is an input of the graph is no output, too: its value is the feed's.
    """
    import onnx

    names = dict.fromkeys(name for branch in branches for name in branch.watched)
    known = {each.name for each in (*model.graph.output, *model.graph.input)}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    return model


def _branch(node: onnx.NodeProto, made: dict[str, onnx.NodeProto]) -> Branch:
    title, condition = node.name or node.output[0], node.input[0]
    *passed, last = _back(condition, made)
    if last is None or last.op_type not in _COMPARISONS:
        return Branch(title, condition)
    negated = sum(each is not None and each.op_type == "Not" for each in passed) % 2 == 1
    left, right = last.input
    return Branch(title, condition, left, right, _COMPARISONS[last.op_type], negated)


def _back(name: str, made: dict[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto | None]:
    """The nodes behind a tensor: those that pass it on, and the first that doesn't; None where there is none."""
    node = made.get(name)
    while node is not None and node.op_type in _PASSING:
        yield node
        node = made.get(node.input[0])
    yield node
