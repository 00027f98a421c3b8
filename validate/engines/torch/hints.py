"""Bounds of integer inputs that index an embedding table, read from a program's graph."""

from __future__ import annotations

import math
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
"""An operator's name, its tensor arguments, its results (both as hashable keys), and the shape of its first argument,
None where that isn't fixed.
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
            shape = tuple(map(int, sizes)) if sizes and all(map(is_fixed, sizes)) else None
            names = [each.name for each in node.all_input_nodes]
            yield node.target.__name__.split(".")[0], names, [node.name], shape


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
            shape = _shape(module, inputs[0]) if node.kind().removeprefix("aten::") in _LOOKUPS else None
            results = [each.unique() for each in node.outputs()]
            yield node.kind().removeprefix("aten::"), [each.unique() for each in inputs], results, shape


def _shape(module: Any, value: Any) -> tuple[int, ...] | None:
    """The shape of a weight: an attribute of the module, or a constant of its graph."""
    path = attribute_path(value)
    weight = reduce(getattr, path, module) if path else value.toIValue()
    return tuple(map(int, weight.shape)) if hasattr(weight, "shape") else None


def _hints(owners: dict[Any, str], steps: Iterable[Step]) -> tuple[Hint, ...]:
    """Follow the inputs (``owners``: key -> name) through the steps to the tables that they index."""
    import numpy as np

    limits: dict[str, int] = {}
    tables: dict[str, int] = {}
    for operator, arguments, results, shape in steps:
        if operator in _SAME_VALUES and arguments[0] in owners:
            owners |= dict.fromkeys(results, owners[arguments[0]])
        if operator in _LOOKUPS and len(arguments) > 1 and arguments[1] in owners and shape:
            name = owners[arguments[1]]
            limits[name] = min(shape[0], limits.get(name, shape[0]))
            tables[name] = tables.get(name, 0) + math.prod(shape)
    return tuple(
        Hint(name, low=np.array(0), high=np.array(limit - 1), table=tables[name]) for name, limit in limits.items()
    )
