"""Bounds of integer inputs that index an embedding table, read from a program's graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from ...signature import Hint
from .axes import is_fixed
from .call import Call
from .state import attribute_path, forward_graph
from .tensors import shape_of

_SAME_VALUES = {
    "to", "_to_copy", "type_as", "int", "long", "clone", "contiguous", "view", "reshape", "flatten", "unsqueeze",
    "squeeze", "expand", "repeat", "slice", "select", "transpose", "permute", "clamp",
}  # fmt: skip
"""Operators whose results are values of their first argument."""

_LOOKUPS = {"embedding", "embedding_bag"}
"""Operators that take (table, indices, ...)."""

Step = tuple[str, list[Any], list[Any], Any]
"""An operator's name, its tensor arguments, its results (both as hashable keys), and the length of its first argument.
"""


def program_hints(program: Any, call: Call) -> tuple[Hint, ...]:
    """Hints for the inputs of an exported program."""
    arguments = [each.arg for each in program.graph_signature.input_specs if each.kind.name == "USER_INPUT"]
    owners = {each.name: leaf.name for each, leaf in zip(arguments, call.leaves, strict=True) if leaf.name}
    return _hints(owners, _program_steps(program))


def _program_steps(program: Any) -> Iterator[Step]:
    for node in program.graph.nodes:
        if node.op == "call_function" and node.all_input_nodes:
            sizes = shape_of(node.all_input_nodes[0].meta.get("val"))
            length = sizes[0] if sizes and is_fixed(sizes[0]) else None
            names = [each.name for each in node.all_input_nodes]
            yield node.target.__name__.split(".")[0], names, [node.name], length


def script_hints(module: Any) -> tuple[Hint, ...]:
    """Hints for the inputs of a TorchScript module's forward."""
    graph = forward_graph(module)
    names = [each.name for each in module.forward.schema.arguments]
    owners = {value.unique(): name for value, name in zip(graph.inputs(), names, strict=True)}
    return _hints(owners, _script_steps(module, graph))


def _script_steps(module: Any, block: Any) -> Iterator[Step]:
    for node in block.nodes():
        for inner in node.blocks():
            yield from _script_steps(module, inner)
        inputs = list(node.inputs())
        if node.kind().startswith("aten::") and inputs:
            length = _length(module, inputs[0]) if node.kind().removeprefix("aten::") in _LOOKUPS else None
            results = [each.unique() for each in node.outputs()]
            yield node.kind().removeprefix("aten::"), [each.unique() for each in inputs], results, length


def _length(module: Any, value: Any) -> int | None:
    """The length of a weight: an attribute of the module, or a constant of its graph."""
    path = attribute_path(value)
    weight = reduce(getattr, path, module) if path else value.toIValue()
    return int(weight.shape[0]) if hasattr(weight, "shape") else None


def _hints(owners: dict[Any, str], steps: Iterable[Step]) -> tuple[Hint, ...]:
    """Follow the inputs (``owners``: key -> name) through the steps to the tables that they index."""
    import numpy as np

    limits: dict[str, int] = {}
    for operator, arguments, results, length in steps:
        if operator in _SAME_VALUES and arguments[0] in owners:
            owners |= dict.fromkeys(results, owners[arguments[0]])
        if operator in _LOOKUPS and len(arguments) > 1 and arguments[1] in owners and length is not None:
            name = owners[arguments[1]]
            limits[name] = min(int(length), limits.get(name, int(length)))
    return tuple(Hint(name, low=np.array(0), high=np.array(limit - 1)) for name, limit in limits.items())
