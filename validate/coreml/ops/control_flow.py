"""Branches, loops and lists. A list is the dense tensor of its elements, stacked along axis 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..bind import Block, Numerics, Op, TensorType, lowers
from ..dtypes import BY_NAME
from ..errors import unsupported
from ..graph import Graph, Tensor, Tensors
from ..shared.floats import scalar
from .elementwise_binary import promoted


@lowers("cond", numerics=Numerics.RAW)
def cond(g: Graph, op: Op, *, pred: Tensor) -> tuple[Tensor, ...]:
    """The results of the first block if ``pred`` is true, else those of the second."""
    branches = [_branch(g, op, block) for block in op.blocks]
    types = [(t.dtype, t.shape) for t in op.outputs]
    return g.ops(
        "If", scalar(g, pred), outputs=len(types), types=types, then_branch=branches[0], else_branch=branches[1]
    )  # fmt: skip


@lowers("select", numerics=Numerics.EXACT)
def select(g: Graph, *, cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """a where ``cond`` is true, b elsewhere."""
    a, b = promoted(g, a, b)
    if a.dtype != np.bool_:
        return g.op("Where", cond, a, b)
    # ONNX Runtime has no Where kernel for truth values.
    return g.cast(g.op("Where", cond, g.cast(a, "uint8"), g.cast(b, "uint8")), "bool")


def _branch(g: Graph, op: Op, block: Block) -> Graph:
    body = g.subgraph()
    for result in _tensors(op, block.lower(body, ())):
        body.output(result)
    return body


@lowers("while_loop", numerics=Numerics.RAW)
def while_loop(g: Graph, op: Op, *, loop_vars: Tensors) -> tuple[Tensor, ...]:
    """Repeats the second block while the first is true for its results."""
    holds, step = op.blocks
    # The length of an axis without a declared length may change from one iteration to the next.
    types = [TensorType(v.dtype, t.shape) for v, t in zip(loop_vars, step.inputs, strict=True)]
    body = g.subgraph()
    body.input("pass", "int64", ())
    body.input("goes_on", "bool", ())
    results = _tensors(op, step.lower(body, [body.input("loop_var", t.dtype, t.shape) for t in types]))
    body.output(_condition(body, op, holds, results))
    for result in results:
        body.output(result)
    start = _condition(g, op, holds, loop_vars)
    declared = [(t.dtype, t.shape) for t in op.outputs]
    return g.ops("Loop", None, start, *loop_vars, outputs=len(declared), types=declared, body=body)


def _condition(g: Graph, op: Op, block: Block, variables: Sequence[Tensor]) -> Tensor:
    (result,) = _tensors(op, block.lower(g, variables))
    return scalar(g, result)


def _tensors(op: Op, results: Sequence[object]) -> list[Tensor]:
    tensors = [r for r in results if isinstance(r, Tensor)]
    if len(tensors) != len(results):
        raise unsupported(str(op), "a dictionary can't be the result of a nested block")
    return tensors


@lowers("make_list", numerics=Numerics.RAW)
def make_list(
    g: Graph, op: Op, *, elem_shape: Tensors, init_length: Tensor | None = None, dynamic_length: bool = True,
    dtype: str = "fp32",
) -> Tensor:  # fmt: skip
    """Zeros. An axis with a name instead of a length is empty at first and takes the length of the first element."""
    sizes = [_size(s) for s in elem_shape]
    length = init_length or g.const(1, "int64")
    shape = g.op("Concat", g.reshape(g.cast(length, "int64"), [1]), g.const(sizes, "int64"), axis=0)
    zero = g.const(np.zeros(1, BY_NAME[dtype].dtype))
    return g.op("Expand", zero, shape)


def _size(size: Tensor) -> int:
    return 0 if size.value is None or size.value.dtype.kind == "U" else int(size.value.item())


@lowers("list_length", numerics=Numerics.RAW)
def list_length(g: Graph, *, ls: Tensor) -> Tensor:
    """The number of elements of the list."""
    return g.reshape(g.op("Shape", ls, start=0, end=1), [])


@lowers("list_read", numerics=Numerics.RAW)
def list_read(g: Graph, *, ls: Tensor, index: Tensor) -> Tensor:
    """The element at ``index``."""
    return g.op("Gather", ls, g.reshape(index, []), axis=0)


@lowers("list_gather", numerics=Numerics.RAW)
def list_gather(g: Graph, *, ls: Tensor, indices: Tensor) -> Tensor:
    """The elements at ``indices``, stacked."""
    return g.op("Gather", ls, indices, axis=0)


@lowers("list_write", numerics=Numerics.RAW)
def list_write(g: Graph, *, ls: Tensor, index: Tensor, value: Tensor) -> Tensor:
    """The list with ``value`` at ``index``; it grows if the index is past its end."""
    zeroth = g.const([0], "int64")
    return list_scatter(g, ls=ls, indices=g.reshape(index, [1]), value=g.op("Unsqueeze", value, zeroth))


@lowers("list_scatter", numerics=Numerics.RAW)
def list_scatter(g: Graph, *, ls: Tensor, indices: Tensor, value: Tensor) -> Tensor:
    """The list with ``value[i]`` at ``indices[i]``; it grows to the greatest index."""
    one = g.const(1, "int64")
    positions = g.cast(indices, "int64")
    needed = g.op("Add", g.op("ReduceMax", positions, keepdims=0), one)
    missing = g.op("Max", g.op("Sub", needed, g.reshape(g.op("Shape", ls, start=0, end=1), [])), g.const(0, "int64"))
    grown = g.op("Concat", _resized(g, ls, value), _zeros(g, missing, value), axis=0)
    return g.op("ScatterND", grown, g.op("Unsqueeze", positions, g.const([-1], "int64")), value)


def _resized(g: Graph, ls: Tensor, value: Tensor) -> Tensor:
    """The list; if its element shape was undefined, with the shape of ``value``."""
    if ls.shape is not None and None not in ls.shape[1:]:
        return ls
    length = g.op("Shape", ls, start=0, end=1)
    wanted = g.op("Concat", length, g.op("Shape", value, start=1), axis=0)
    is_set = g.op("Greater", g.op("Size", ls), g.const(0, "int64"))
    kept, fresh = g.subgraph(), g.subgraph()
    kept.output(ls)
    fresh.output(fresh.op("Expand", fresh.const(np.zeros(1, ls.dtype)), wanted))
    return g.ops(
        "If", is_set, outputs=1, types=[(ls.dtype, ls.shape)], then_branch=kept, else_branch=fresh
    )[0]  # fmt: skip


def _zeros(g: Graph, count: Tensor, value: Tensor) -> Tensor:
    """``count`` elements like those of ``value``, all zero."""
    shape = g.op("Concat", g.reshape(count, [1]), g.op("Shape", value, start=1), axis=0)
    return g.op("Expand", g.const(np.zeros(1, value.dtype)), shape)
