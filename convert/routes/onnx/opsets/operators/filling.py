"""Constants, and tensors that are made from shapes and positions."""

from __future__ import annotations

import numpy as np
from onnx import helper, numpy_helper

from ..plain import plain_down
from ..rewrite import Rewrite
from ..rules import InexpressibleError, down

_NUMBERS = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}


@down(12, "Constant")
def constant_as_tensor(w: Rewrite) -> None:
    """Numbers and texts as a tensor."""
    (given,) = w.node.attribute
    value = helper.get_attribute_value(given)
    if given.name in _NUMBERS:
        w.give("Constant", value=numpy_helper.from_array(np.asarray(value, _NUMBERS[given.name])))
    elif given.name.startswith("value_string"):
        texts = value if given.name == "value_strings" else [value]
        w.give("Constant", value=helper.make_tensor("value", 8, [len(texts)][: len(given.strings)], texts))
    else:
        plain_down(w)


@down(14, "Trilu")
def triangle_by_positions(w: Rewrite) -> None:
    """Row and column numbers are compared, and the other half becomes zero."""
    x, upper = w.input(0), bool(w.attribute("upper"))
    k = w.input(1) or w.ints(0)
    shape = w.op("Shape", x)
    rows, columns = (_count(w, shape, position) for position in (-2, -1))
    row = w.with_axes("Unsqueeze", rows, [1])
    edge = w.op("Sub", columns, w.op("Reshape", k, w.ints(1)))
    outside = w.op("Less", edge, row) if upper else w.op("Greater", edge, row)
    w.give("Where", outside, w.value(0, w.dtype()), x)


def _count(w: Rewrite, shape: str, position: int) -> str:
    """0, 1, 2, ... along one axis."""
    length = w.op("Gather", shape, w.value(position, np.int64))
    return w.op("Range", w.value(0, np.int64), length, w.value(1, np.int64))


@down(11, "CumSum")
def sums_by_a_triangle(w: Rewrite) -> None:
    """The product with a matrix of ones and zeros, along an axis of known length."""
    rank, dtype = w.rank(), w.dtype()
    axis = int(w.fixed(1, "the axis").reshape(-1)[0]) % rank
    length = (w.dims(0) or [])[axis]
    if length is None or dtype.kind != "f":
        raise InexpressibleError("the operator is there from opset 11 on")
    ones = np.triu(np.ones((length, length), dtype), 1 if w.attribute("exclusive") else 0)
    ones = ones.T if w.attribute("reverse") else ones
    order = [n for n in range(rank) if n != axis] + [axis]
    product = w.op("MatMul", w.op("Transpose", w.input(0), perm=order), w.value(ones))
    w.give("Transpose", product, perm=np.argsort(order).tolist())
