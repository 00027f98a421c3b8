"""Tensors joined and split."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common import (
    countable,
    length,
    static,
)
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Ints, Operand


@translates("Concat", since=4)
def concat(node: Node, *xs: Operand, axis: int) -> Any:
    """Tensors concatenated; empty ones are skipped."""
    filled = [node.variable(x) for x in xs if not (x.known and x.content.size == 0)]
    return mb.concat(values=[countable(x) for x in filled], axis=axis) if len(filled) > 1 else filled[0]


@translates("Split", since=2)
def split_attribute(node: Node, x: Var, *, axis: int, split: Ints = ()) -> Any:
    """Parts with the attribute's lengths, or one equal part per output."""
    return _parts(node, countable(x), axis, list(split), node.outputs)


@translates("Split", since=13)
def split_input(node: Node, x: Var, split: Array | None = None, *, axis: int, num_outputs: int | None = None) -> Any:
    """Parts with the given lengths, or one equal part per output, of which the last may be smaller."""
    sizes = [] if split is None else [int(n) for n in split]
    return _parts(node, countable(x), axis, sizes, num_outputs or node.outputs)


def _parts(node: Node, x: Var, axis: int, sizes: list[int], count: int) -> Any:
    total = length(x, axis)
    if not sizes and isinstance(total, int):
        chunk = -(-total // count)
        sizes = [max(0, min(chunk, total - i * chunk)) for i in range(count)]
    if 0 in sizes and static(x):
        return _some_empty(node, x, axis, sizes)
    if len(sizes) == 1 or (not sizes and count == 1):
        return (x,)
    return mb.split(x=x, axis=axis, **({"split_sizes": sizes} if sizes else {"num_splits": count}))


def _some_empty(node: Node, x: Var, axis: int, sizes: list[int]) -> list[Any]:
    """Core ML has no empty tensors: empty parts become constants, which a later Concat skips."""
    filled = [n for n in sizes if n]
    parts = iter(mb.split(x=x, axis=axis, split_sizes=filled) if len(filled) > 1 else [x])
    shape = list(map(int, x.shape))
    shape[axis] = 0
    return [next(parts) if n else np.zeros(shape, node.dtype()) for n in sizes]
