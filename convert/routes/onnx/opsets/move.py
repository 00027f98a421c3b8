"""The walk: a model from one opset to the next, until it has the one that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import onnx

from .....validate.errors import ParityGateError
from .....validate.onnx_graphs import all_nodes, subgraphs
from . import operators as _operators  # noqa: F401  (registers the rules)
from .bodies import body_of, defaults_of, instantiated
from .dtypes import fit_types
from .inference import types_of
from .local import inline_local_functions
from .names import Names
from .plain import plain_down, plain_up
from .prune import drop_unread_constants
from .refusal import InexpressibleError
from .rewrite import Rewrite
from .rules import DOWN, UP
from .schemas import DOMAINS, is_onnx, opset_of, since
from .scope import Scope

Visit = Callable[[onnx.NodeProto, Scope], list[onnx.NodeProto] | None]
"""The nodes in place of one; None where it stays."""


class _StuckError(Exception):
    """A node that a step refuses."""

    def __init__(self, node: onnx.NodeProto, reason: InexpressibleError) -> None:
        super().__init__(node, reason)
        self.node, self.reason = node, reason


def move(model: onnx.ModelProto, opset: int, oldest: int, newest: int, folder: Path | None = None) -> None:
    """Bring ``model``, in place, to ``opset``. ``oldest`` and ``newest`` are the opsets that can be written at all.

    ``folder`` is where its external data is: only small constants are read from there, as they are needed. Raises
    ParityGateError PG408 with the operator, the node and the opsets that are possible.
    """
    names = Names(model)
    inline_local_functions(model, names)
    while (current := opset_of(model)) != opset:
        after = current + 1 if current < opset else current - 1
        try:
            _Step(model, names, current, after, folder).take()
        except _StuckError as stuck:
            raise _refusal(stuck, opset, _possible(current, opset, oldest, newest)) from stuck.reason
        _declare(model, after)
    drop_unread_constants(model)


def _possible(stuck_at: int, wanted: int, oldest: int, newest: int) -> str:
    """The opsets between where the model is and where it can't get any further."""
    low, high = (stuck_at, newest) if wanted < stuck_at else (oldest, stuck_at)
    return f"{low} to {high}" if low < high else str(low)


def _refusal(stuck: _StuckError, opset: int, possible: str) -> ParityGateError:
    node = stuck.node
    name = f" '{node.name}'" if node.name else f" that gives '{next(iter(node.output), '')}'"
    return ParityGateError(
        "PG408",
        f"opset {opset}",
        f"{node.op_type}{name} can't be written in it: {stuck.reason}",
        f"Choose a possible opset with --opset: {possible}.",
    )


def _declare(model: onnx.ModelProto, opset: int) -> None:
    others = [entry for entry in model.opset_import if entry.domain not in DOMAINS]
    copies = [onnx.OperatorSetIdProto.FromString(entry.SerializeToString()) for entry in others]
    del model.opset_import[:]
    model.opset_import.extend([onnx.helper.make_opsetid("", opset), *copies])


class _Step:
    """One step of a model, from the opset ``before`` to its neighbour ``after``."""

    def __init__(self, model: onnx.ModelProto, names: Names, before: int, after: int, folder: Path | None) -> None:
        self._model, self._names, self._folder = model, names, folder
        self._before, self._after = before, after
        self._changes_at = max(before, after)

    def take(self) -> None:
        """Rewrite every node whose operator's schema changes."""
        if not any(self._changes(node) for node in all_nodes(self._model)):
            return
        if self._after < self._before:
            while self._walk(self._expanded):
                pass
        self._walk(self._rewritten)

    def _changes(self, node: onnx.NodeProto) -> bool:
        return is_onnx(node) and since(node.op_type, self._changes_at) == self._changes_at

    def _walk(self, visit: Visit) -> bool:
        """Whether ``visit`` replaced a node anywhere."""
        types = iter(types_of(self._model, self._folder).values())

        def walk(graph: onnx.GraphProto, outer: Scope | None) -> bool:
            scope = Scope.of(graph, next(types), self._before, self._folder, outer)
            replaced = [False]
            nodes = list(_replaced(graph, scope, visit, walk, replaced))
            if replaced[0]:
                del graph.node[:]
                graph.node.extend(nodes)
            return replaced[0]

        return walk(self._model.graph, None)

    def _expanded(self, node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto] | None:
        """The operator's definition, or its value if that is constant, where no rule can express the node."""
        if not self._changes(node):
            return None
        try:
            self._rewritten(node, scope)
        except _StuckError:
            computed = len(node.output) == 1 and node.op_type != "Constant"
            value = scope.constant(node.output[0]) if computed else None
            if value is not None:
                return [onnx.helper.make_node("Constant", [], node.output, value=onnx.numpy_helper.from_array(value))]
            body = body_of(node, scope, self._before)
            if body is None:
                raise
            return instantiated(body, node, self._names, defaults_of(node, self._before))
        return None

    def _rewritten(self, node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto] | None:
        if not self._changes(node):
            return None
        going_up = self._after > self._before
        rule = (UP if going_up else DOWN).get((node.op_type, self._changes_at), plain_up if going_up else plain_down)
        rewrite = Rewrite(node, scope, self._names, self._before, self._after)
        try:
            rule(rewrite)
            if not going_up:
                fit_types(rewrite)
        except InexpressibleError as reason:
            raise _StuckError(node, reason) from reason
        return rewrite.emitted


def _replaced(
    graph: onnx.GraphProto,
    scope: Scope,
    visit: Visit,
    walk: Callable[[onnx.GraphProto, Scope], bool],
    replaced: list[bool],
) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        for inner in subgraphs(node):
            replaced[0] = walk(inner, scope) or replaced[0]
        nodes = visit(node, scope)
        replaced[0] = replaced[0] or nodes is not None
        yield from [node] if nodes is None else nodes
