"""TensorFlow operators that tf2onnx 1.17 lacks or translates incorrectly, as ONNX: one function per operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .nodes import Nodes, Translation, flag, handler
from .resize import RESIZES
from .tables import table_translations
from .transposed import TRANSPOSED

if TYPE_CHECKING:
    from ....validate.engines.tensorflow.freeze import FrozenGraph

_INT32 = 6
"""``onnx.TensorProto.INT32``"""


def handlers(frozen: FrozenGraph) -> dict[str, tuple[Callable[..., None], list[Any]]]:
    """All translations by TensorFlow's operator names, in tf2onnx's format."""
    translations = TRANSLATIONS | RESIZES | table_translations(frozen)
    return {name: handler(translation) for name, translation in translations.items()} | TRANSPOSED


def erfc(nodes: Nodes, node: Any) -> str:
    """erfc(x) = 1 - erf(x)."""
    x = node.input[0]
    return nodes.op("Sub", nodes.const(1, like=x), nodes.op("Erf", x))


def expm1(nodes: Nodes, node: Any) -> str:
    """2 t / (1 - t) with t = tanh(x / 2) near 0, where exp(x) - 1 would cancel; exp(x) - 1 elsewhere."""
    x = node.input[0]
    one = nodes.const(1, like=x)
    tanh = nodes.op("Tanh", nodes.op("Mul", x, nodes.const(0.5, like=x)))
    near = nodes.op("Div", nodes.op("Add", tanh, tanh), nodes.op("Sub", one, tanh))
    far = nodes.op("Sub", nodes.op("Exp", x), one)
    return nodes.select(nodes.op("Less", nodes.op("Abs", x), one), near, far)


def log1p(nodes: Nodes, node: Any) -> str:
    """log(u) x / (u - 1) with u = 1 + x, and x where u is 1 (Higham, Accuracy and Stability, 1.14.1)."""
    x = node.input[0]
    one = nodes.const(1, like=x)
    u = nodes.op("Add", x, one)
    lost, infinite = nodes.op("Equal", u, one), nodes.op("Equal", u, x)
    ratio = nodes.op("Div", x, nodes.select(lost, one, nodes.op("Sub", u, one)))
    return nodes.select(lost, x, nodes.op("Mul", nodes.op("Log", u), nodes.select(infinite, one, ratio)))


def xlogy(nodes: Nodes, node: Any) -> str:
    """x log(y), and 0 where x is 0, whatever y is."""
    x, y = node.input
    return _zero_where_zero(nodes, x, nodes.op("Mul", x, nodes.op("Log", y)))


def xdivy(nodes: Nodes, node: Any) -> str:
    """x / y, and 0 where x is 0, whatever y is."""
    x, y = node.input
    return _zero_where_zero(nodes, x, nodes.op("Div", x, y))


def mul_no_nan(nodes: Nodes, node: Any) -> str:
    """x y, and 0 where y is 0, even if x is infinite or NaN."""
    x, y = node.input
    return _zero_where_zero(nodes, y, nodes.op("Mul", x, y))


def _zero_where_zero(nodes: Nodes, tested: str, value: str) -> str:
    zero = nodes.const(0, like=tested)
    return nodes.select(nodes.op("Equal", tested, zero), zero, value)


def truncated_mod(nodes: Nodes, node: Any) -> str:
    """The remainder with the dividend's sign, as in C."""
    return nodes.op("Mod", *node.input, fmod=1)


def bucketize(nodes: Nodes, node: Any) -> str:
    """The number of boundaries that are not above x; NaN is past the last one, as in TensorFlow's binary search."""
    x = node.input[0]
    boundaries = nodes.const(np.array(node.get_attr_value("boundaries"), np.float32))
    values = nodes.op("Cast", nodes.unsqueeze(x, -1), to=1)
    passed = nodes.op("Not", nodes.op("Less", values, boundaries))
    return nodes.sum(nodes.op("Cast", passed, to=_INT32), -1)


def dense_bincount(nodes: Nodes, node: Any) -> str:
    """Counts of 0..size-1 in a vector or in each row of a matrix; or the sums of their weights, or whether they occur.

    tf2onnx counts all rows together.
    """
    values, size, weights = node.input
    bins = nodes.op("Range", nodes.const(0, like=values), size, nodes.const(1, like=values))
    hits = nodes.op("Cast", nodes.op("Equal", nodes.unsqueeze(values, -1), bins), to=nodes.graph.get_dtype(weights))
    if nodes.graph.get_shape(weights) != [0]:
        hits = nodes.op("Mul", hits, nodes.unsqueeze(weights, -1))
    counts = nodes.sum(hits, -2)
    return nodes.op("Min", counts, nodes.const(1, like=weights)) if flag(node, "binary_output") else counts


TRANSLATIONS: dict[str, Translation] = {
    "Bucketize": bucketize,
    "DenseBincount": dense_bincount,
    "Erfc": erfc,
    "Expm1": expm1,
    "Log1p": log1p,
    "Mod": truncated_mod,
    "MulNoNan": mul_no_nan,
    "TruncateMod": truncated_mod,
    "Xdivy": xdivy,
    "Xlogy": xlogy,
}
