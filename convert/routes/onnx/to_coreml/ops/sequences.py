"""Sequences and optionals: Core ML has neither, so they must be resolved during the translation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..common import countable, unsqueezed
from ..mil import is_symbolic, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Operand, cast_name, variable


@translates("SequenceConstruct", folds=False)
def sequence_construct(node: Node, *items: Operand) -> Operand:
    """The values as one sequence."""
    return Operand(items, items[0].dtype)


@translates("SequenceEmpty", folds=False)
def sequence_empty(node: Node, *, dtype: int = 1) -> Operand:
    """An empty sequence."""
    return Operand((), np.dtype("float32"))


@translates("SequenceInsert", folds=False)
def sequence_insert(node: Node, sequence: Operand, tensor: Operand, position: Array | None = None) -> Operand:
    """The sequence with one more value, at its end or before ``position``."""
    items = _items(node, sequence)
    index = len(items) if position is None else int(position)
    return Operand((*items[:index], tensor, *items[index:]), tensor.dtype)


@translates("SequenceErase", folds=False)
def sequence_erase(node: Node, sequence: Operand, position: Array | None = None) -> Operand:
    """The sequence without its last value, or the one at ``position``."""
    items = _items(node, sequence)
    index = (-1 if position is None else int(position)) % len(items)
    return Operand((*items[:index], *items[index + 1 :]), sequence.dtype)


@translates("SequenceAt", folds=False)
def sequence_at(node: Node, sequence: Operand, position: Array) -> Operand:
    """The value at ``position``."""
    return _items(node, sequence)[int(position)]


@translates("SequenceLength", folds=False)
def sequence_length(node: Node, sequence: Operand) -> Array:
    """How many values the sequence has."""
    return np.array(len(_items(node, sequence)), np.int64)


@translates("ConcatFromSequence", since=11, folds=False)
def concat_from_sequence(node: Node, sequence: Operand, *, axis: int, new_axis: int = 0) -> Operand:
    """The values concatenated along an axis, or with ``new_axis`` stacked along a new one."""
    variables = [countable(variable(item)) for item in _items(node, sequence)]
    if new_axis:
        axis %= variables[0].rank + 1
        variables = [unsqueezed(x, [axis]) for x in variables]
    joined = mb.concat(values=variables, axis=axis)
    return Operand(mb.cast(x=joined, dtype=cast_name(sequence.dtype)), sequence.dtype)


@translates("SplitToSequence", folds=False)
def split_to_sequence(
    node: Node, x: Operand, split: Array | None = None, *, axis: int = 0, keepdims: int = 1
) -> Operand:
    """Pieces of ``split`` elements along an axis; by default single elements, without the axis if ``keepdims`` is 0."""
    whole = variable(x)
    total = whole.shape[axis]
    if is_symbolic(total):
        raise node.unsupported("the length of the axis that it splits is unknown")
    pieces = mb.split(x=countable(whole), split_sizes=_sizes(split, int(total)), axis=axis)
    pieces = pieces if isinstance(pieces, (list, tuple)) else [pieces]
    if split is None and not keepdims:
        pieces = [mb.squeeze(x=piece, axes=[axis]) for piece in pieces]
    return Operand(tuple(Operand(mb.cast(x=p, dtype=cast_name(x.dtype)), x.dtype) for p in pieces), x.dtype)


def _sizes(split: Array | None, total: int) -> list[int]:
    if split is not None and split.ndim:
        return [int(size) for size in split]
    size = 1 if split is None else int(split)
    return [min(size, total - start) for start in range(0, total, size)]


@translates("Optional", folds=False)
def optional(node: Node, value: Operand | None = None, *, type: object = None) -> Operand:
    """The value, or nothing."""
    return value or Operand(None, np.dtype("float32"))


@translates("OptionalHasElement", folds=False)
def optional_has_element(node: Node, value: Operand | None = None) -> Array:
    """Whether there is a value."""
    return np.array(value is not None)


@translates("OptionalGetElement", folds=False)
def optional_get_element(node: Node, value: Operand) -> Operand:
    """The value, which must be there."""
    return value


def _items(node: Node, sequence: Operand) -> Sequence[Operand]:
    if not isinstance(sequence.content, tuple):
        raise node.unsupported("Core ML has no sequences: its length must be known during the translation")
    return sequence.content
