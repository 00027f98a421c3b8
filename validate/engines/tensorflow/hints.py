"""Sensible input values read from a frozen TensorFlow graph: embedding sizes, words of tables, byte images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...signature import STRING, Hint, Signature

if TYPE_CHECKING:
    from .freeze import FrozenGraph

_TRANSPARENT = {
    "Cast": 0,
    "EnsureShape": 0,
    "ExpandDims": 0,
    "Identity": 0,
    "Reshape": 0,
    "SelectV2": 2,
    "Squeeze": 0,
    "StridedSlice": 0,
    "Transpose": 0,
}
"""Operators that don't change values -> the position of the input that they pass on.

SelectV2 is among them because negative indices wrap by where(i < 0, i + n, i).
"""

_BYTE_SCALES = (1 / 300, 1 / 100)
"""A factor in this range, applied directly to an image, scales bytes to -1..1 or 0..1 (1/255, 1/127.5)."""


def graph_hints(frozen: FrozenGraph, signature: Signature) -> tuple[Hint, ...]:
    """Hints for the inputs that lead directly to a lookup or to a scaling of bytes; the tightest for each input."""
    nodes = {node.name: node for node in frozen.graph_def.node}
    found: dict[str, Hint] = {}
    for node in nodes.values():
        for hint in _node_hints(node, nodes, frozen, signature):
            known = found.get(hint.name)
            if known is None or (known.high is not None and hint.high is not None and hint.high < known.high):
                found[hint.name] = hint
    return tuple(found.values())


def _node_hints(node: Any, nodes: dict[str, Any], frozen: FrozenGraph, signature: Signature) -> Iterator[Hint]:
    sources = {tensor.split(":")[0]: name for name, tensor in frozen.inputs.items()}
    specs = {spec.name: spec for spec in signature.inputs}
    for position, origin in enumerate(_origin(tensor, nodes) for tensor in node.input):
        spec = specs.get(sources.get(origin.name, "")) if origin is not None else None
        if spec is None:
            continue
        if node.op in {"Gather", "GatherV2", "ResourceGather"} and position == 1:
            yield from _index_hint(spec.name, _constant(node.input[0], nodes, frozen))
        elif node.op == "LookupTableFindV2" and position == 1:
            yield from _table_hint(spec.name, spec.dtype, _origin(node.input[0], nodes), frozen)
        elif node.op == "Mul" and spec.shape is not None and len(spec.shape) == 4:
            yield from _byte_hint(spec.name, _constant(node.input[1 - position], nodes, frozen))


def _origin(tensor: str, nodes: dict[str, Any]) -> Any:
    """The node that a tensor comes from, looking through operators that don't change its values."""
    node = nodes.get(tensor.split(":")[0])
    while node is not None and node.op in _TRANSPARENT:
        node = nodes.get(node.input[_TRANSPARENT[node.op]].split(":")[0])
    return node


def _constant(tensor: str, nodes: dict[str, Any], frozen: FrozenGraph) -> Any | None:
    node = _origin(tensor, nodes)
    return None if node is None else frozen.constant(node)


def _index_hint(name: str, table: Any | None) -> Iterator[Hint]:
    import numpy as np

    if table is not None and table.tensor_shape.dim:
        sizes = [dim.size for dim in table.tensor_shape.dim]
        yield Hint(name, low=np.array(0), high=np.array(sizes[0] - 1), table=math.prod(sizes))


def _table_hint(name: str, dtype: str, table: Any, frozen: FrozenGraph) -> Iterator[Hint]:
    if table is None or table.attr["shared_name"].s not in frozen.tables:
        return
    keys, _ = frozen.tables[table.attr["shared_name"].s]
    words = [key.decode() if isinstance(key, bytes) else key for key in keys.ravel().tolist()]
    yield Hint(name, vocabulary=tuple(map(str, words)) if dtype == STRING else tuple(map(int, words)))


def _byte_hint(name: str, factor: Any | None) -> Iterator[Hint]:
    import numpy as np
    import tensorflow as tf

    if factor is None or factor.tensor_shape.dim:
        return
    value = np.abs(tf.make_ndarray(factor))
    if value.dtype.kind == "f" and _BYTE_SCALES[0] < value.item() < _BYTE_SCALES[1]:
        yield Hint(name, low=np.array(0.0), high=np.array(255.0))
