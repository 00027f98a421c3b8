"""Axes: which one is the batch, and the lengths of dynamic ones in generated samples."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import ParityGateError
from ..signature import Dim, Signature, TensorSpec

BATCH = "?batch"
"""Stands for a leading axis that is dynamic and has no name."""

TABLE_ROWS = 131
"""Rows of a generated table: enough to reach most leaves of a tree; a prime, which is unlikely for another axis."""

_MAX_TABLE_ELEMENTS = 1 << 20
_UNNAMED = re.compile(r"\?.*|unk__\d+|")  # unk__N is tf2onnx's name of an axis without one


@dataclass(frozen=True, slots=True)
class Layout:
    """One choice of lengths: the batch size (None where there is no batch axis) and every input's shape.

    ``lengths`` is the length of each symbol; empty where the signature lists whole shapes.
    """

    batch: int | None
    shapes: Mapping[str, tuple[int, ...]]
    lengths: Mapping[str, int] = field(default_factory=dict)


def layouts(
    signature: Signature, batch_sizes: tuple[int, ...] | None, listed: frozenset[str] = frozenset()
) -> tuple[Layout, ...]:
    """The layouts to generate samples in: two or more where an axis is dynamic, one otherwise.

    All dynamic leading axes share the batch size. Unnamed axes at the same position of inputs of the same rank share a
    length: if lengths may differ they may also be equal, but not vice versa. Axes with different names get different
    lengths, none of them a batch size or the length of a static axis, so that swapped axes show. Layouts that the
    signature lists take precedence, unless there are ``batch_sizes``. ``listed``: see :func:`is_table`. Raises
    ParityGateError PG206.
    """
    if signature.layouts and not batch_sizes:
        batched = isinstance(leading(signature), str)
        return tuple(Layout(_rows(shapes) if batched else None, shapes) for shapes in signature.layouts)
    for spec in signature.inputs:
        if spec.shape is None:
            raise ParityGateError("PG206", f"input '{spec.name}'", "its rank is unknown", "Declare it with --input.")
    symbols, batch = symbols_of(signature), batch_symbols(signature)
    if not symbols:
        return (Layout(None, shapes_at(signature, {})),)
    sizes = batch_sizes or _within_bounds(default_batch_sizes(signature, listed), signature)
    pools = {symbol: _pool(signature, symbol) for symbol in symbols if symbol not in batch}
    taken = {*sizes, *_static(signature)}
    found = []
    for size in sizes:
        lengths = dict.fromkeys(batch, size)
        for symbol, pool in pools.items():
            lengths[symbol] = next((length for length in pool if length not in taken), bounds_of(signature, symbol)[0])
            taken.add(lengths[symbol])
        found.append(Layout(size if batch else None, shapes_at(signature, lengths), lengths))
    return tuple(found)


def symbols_of(signature: Signature) -> tuple[str, ...]:
    """The symbols of all dynamic axes, in order of their first appearance."""
    return tuple(dict.fromkeys(symbol for spec, axis in _axes(signature) for symbol in _symbols(spec, axis)))


def batch_symbols(signature: Signature) -> frozenset[str]:
    """The symbols of dynamic leading axes: all of them are the batch."""
    return frozenset(symbol for spec, axis in _axes(signature) if axis == 0 for symbol in _atom(spec, axis))


def _axes(signature: Signature) -> list[tuple[TensorSpec, int]]:
    return [(spec, axis) for spec in signature.inputs for axis in range(len(spec.shape or ()))]


def bounds_of(signature: Signature, symbol: str) -> tuple[int, float]:
    """The least and the greatest length of an axis; 1 and infinity where the model names none."""
    low, high = signature.bounds.get(symbol, (1, None))
    return low, math.inf if high is None else high


def bounds_of_batch(signature: Signature) -> tuple[int, float]:
    """The least and the greatest batch that every dynamic leading axis allows; infinity where the model names none."""
    bounds = [bounds_of(signature, symbol) for symbol in batch_symbols(signature)]
    return max((low for low, _ in bounds), default=1), min((high for _, high in bounds), default=math.inf)


def _within_bounds(sizes: Sequence[int], signature: Signature) -> tuple[int, ...]:
    """``sizes``, each moved to the nearest size that the model allows."""
    low, high = bounds_of_batch(signature)
    return tuple(dict.fromkeys(int(min(size + low - 1, high)) for size in sizes))


def _rows(shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """The length of the first axis, where all inputs have the same."""
    rows = {shape[0] for shape in shapes.values() if shape}
    return rows.pop() if len(rows) == 1 else None


def is_table(signature: Signature, listed: frozenset[str] = frozenset()) -> bool:
    """Whether every input consists of rows with a fixed number of features, so that many rows cost little.

    Several whole numbers in a row are the ids of tokens, each of which costs as much as a row does, unless the input is
    ``listed``: the model names the values of its features.
    """
    return all(_is_of_rows(spec) and (spec.name in listed or not _holds_tokens(spec)) for spec in signature.inputs)


def _is_of_rows(spec: TensorSpec) -> bool:
    shape = spec.shape or ()
    return 1 <= len(shape) <= 2 and isinstance(shape[0], str) and all(isinstance(dim, int) for dim in shape[1:])


def _holds_tokens(spec: TensorSpec) -> bool:
    return spec.dtype.startswith(("int", "uint")) and (spec.shape or ())[1:] not in ((), (1,))


def default_batch_sizes(signature: Signature, listed: frozenset[str] = frozenset()) -> tuple[int, ...]:
    """1, and an odd size that no static axis has: 3 or so; up to 131 for tables, depending on their width."""
    second = 3
    if is_table(signature, listed):
        width = sum(math.prod(dim for dim in spec.shape or () if isinstance(dim, int)) for spec in signature.inputs)
        second = max(3, min(TABLE_ROWS, _MAX_TABLE_ELEMENTS // max(width, 1)))
    return (1, next(size for size in itertools.count(second | 1, 2) if size not in _static(signature)))


def leading(signature: Signature) -> Dim | None:
    """The first axis that all inputs share: its fixed length, or its symbol where it is dynamic; None if they differ.

    Scalars are ignored. None if no input has an axis.
    """
    if any(spec.shape is None for spec in signature.inputs):
        return None
    specs = [spec for spec in signature.inputs if spec.shape]
    firsts: set[Dim] = {BATCH if _unnamed(spec, 0) else spec.shape[0] for spec in specs if spec.shape}
    named = firsts - {BATCH}
    if len(named) > 1 or (BATCH in firsts and any(isinstance(dim, int) for dim in named)):
        return None
    return next(iter(named or firsts), None)


def _unnamed(spec: TensorSpec, axis: int) -> bool:
    dim = (spec.shape or ())[axis]
    return isinstance(dim, str) and (bool(_UNNAMED.fullmatch(dim)) or dim == f"{spec.name}_{axis}")


def _name(spec: TensorSpec, axis: int) -> Dim:
    shape = spec.shape or ()
    return f"?axis {axis} of {len(shape)}" if _unnamed(spec, axis) else shape[axis]


def _symbols(spec: TensorSpec, axis: int) -> tuple[str, ...]:
    dim = _name(spec, axis)
    if isinstance(dim, int):
        return ()
    expression = _expression(dim)
    if expression is None:
        return (dim,)
    return tuple(node.id for node in ast.walk(expression) if isinstance(node, ast.Name))


def _atom(spec: TensorSpec, axis: int) -> tuple[str, ...]:
    """The symbol of the axis, unless its length is an expression."""
    dim = _name(spec, axis)
    return (dim,) if isinstance(dim, str) and _expression(dim) is None else ()


def _expression(dim: str) -> ast.expr | None:
    """A sum or product such as ``past + 1`` or ``2*s0``, as torch.export writes derived axes; None for a plain name."""
    try:
        tree = ast.parse(dim, mode="eval").body
    except SyntaxError:
        return None
    legal = (ast.BinOp, ast.Add, ast.Mult, ast.Name, ast.Load, ast.Constant)
    whole = isinstance(tree, ast.BinOp) and all(isinstance(node, legal) for node in ast.walk(tree))
    return tree if whole else None


def _evaluate(node: ast.expr, lengths: Mapping[str, int]) -> int:
    match node:
        case ast.Name(id=name):
            return lengths[name]
        case ast.Constant(value=int(value)):
            return value
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _evaluate(left, lengths) + _evaluate(right, lengths)
        case ast.BinOp(left=left, right=right):
            return _evaluate(left, lengths) * _evaluate(right, lengths)
    raise ParityGateError(
        "PG206", ast.unparse(node), "this length can't be computed", "Declare the input with --input."
    )


def shapes_at(signature: Signature, lengths: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Every input's shape where the symbols have these lengths. Raises ParityGateError PG206."""
    return {
        spec.name: tuple(_length(_name(spec, axis), lengths) for axis in range(len(spec.shape or ())))
        for spec in signature.inputs
    }


def _length(dim: Dim, lengths: Mapping[str, int]) -> int:
    if isinstance(dim, int):
        return dim
    expression = _expression(dim)
    return lengths[dim] if expression is None else _evaluate(expression, lengths)


def _static(signature: Signature) -> set[int]:
    return {dim for spec in signature.inputs for dim in spec.shape or () if isinstance(dim, int)}


def _pool(signature: Signature, symbol: str) -> Iterator[int]:
    """Lengths that the model allows, the usual ones first; finite only where the model has an upper bound."""
    low, high = bounds_of(signature, symbol)
    usual = itertools.takewhile(lambda length: length <= high, _usual_lengths(signature, symbol))
    allowed = (length for length in usual if length >= low)
    return allowed if math.isinf(high) else itertools.chain(allowed, range(int(high), low - 1, -1))


def _usual_lengths(signature: Signature, symbol: str) -> Iterator[int]:
    """Lengths that suit the first input with this axis: images and audio need room for strides and pooling."""
    spec = next(spec for spec, axis in _axes(signature) if symbol in _symbols(spec, axis))
    shape = spec.shape or ()
    if not spec.dtype.startswith("float"):
        return itertools.count(5, 2)
    if len(shape) == 2 or (len(shape) == 3 and any(dim in (1, 2) for dim in shape[1:])):
        return itertools.count(1024, 512)
    start, step = {3: (48, 16), 4: (64, 32)}.get(len(shape), (16, 8))
    return itertools.count(start, step)
