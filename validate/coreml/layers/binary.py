"""Elementwise functions of two or more blobs, broadcast as in numpy. Truth values are 1 and 0."""

from __future__ import annotations

from functools import partial

from ..graph import Graph, Tensor
from ..layer import LAYERS, Layer, lowers
from ..ops.elementwise_binary import floor_div, mod
from ..shared.floats import number, truth

BROADCASTABLE = {
    "addBroadcastable": "Add",
    "divideBroadcastable": "Div",
    "maxBroadcastable": "Max",
    "minBroadcastable": "Min",
    "multiplyBroadcastable": "Mul",
    "powBroadcastable": "Pow",
    "subtractBroadcastable": "Sub",
}
VARIADIC = {"average": "Mean", "max": "Max", "min": "Min"}
COMPARISONS = {
    "equal": "Equal",
    "greaterEqual": "GreaterOrEqual",
    "greaterThan": "Greater",
    "lessEqual": "LessOrEqual",
    "lessThan": "Less",
}
LOGICAL = {"logicalAnd": "And", "logicalOr": "Or", "logicalXor": "Xor"}


def _broadcastable(kind: str, g: Graph, layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return g.op(kind, x, y)


def _variadic(kind: str, g: Graph, layer: Layer, x: Tensor, *more: Tensor) -> Tensor:
    return g.op(kind, x, *more)


def _comparison(kind: str, g: Graph, layer: Layer, x: Tensor, y: Tensor | None = None) -> Tensor:
    """A single input is compared with the parameter alpha."""
    return number(g, g.op(kind, x, y or g.like(layer.params.alpha, x)))


def _logical(kind: str, g: Graph, layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return number(g, g.op(kind, truth(g, x), truth(g, y)))


for _table, _lowering in (
    (BROADCASTABLE, _broadcastable),
    (VARIADIC, _variadic),
    (COMPARISONS, _comparison),
    (LOGICAL, _logical),
):
    for _layer, _kind in _table.items():
        LAYERS.add(_layer, partial(_lowering, _kind))


@lowers("notEqual")
def not_equal(g: Graph, layer: Layer, x: Tensor, y: Tensor | None = None) -> Tensor:
    """x1 != x2, or x != alpha."""
    return number(g, g.op("Not", g.op("Equal", x, y or g.like(layer.params.alpha, x))))


@lowers("add")
def add(g: Graph, layer: Layer, x: Tensor, *more: Tensor) -> Tensor:
    """The sum of all inputs, or x + alpha."""
    return g.op("Sum", x, *more) if more else g.op("Add", x, g.like(layer.params.alpha, x))


@lowers("multiply")
def multiply(g: Graph, layer: Layer, x: Tensor, *more: Tensor) -> Tensor:
    """The product of all inputs, or alpha * x."""
    for factor in more or (g.like(layer.params.alpha, x),):
        x = g.op("Mul", x, factor)
    return x


@lowers("modBroadcastable")
def modulo(g: Graph, layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    """x - y * floor(x / y): the result has the divisor's sign."""
    return mod(g, x=x, y=y)


@lowers("floorDivBroadcastable")
def floor_division(g: Graph, layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    """x / y, rounded towards minus infinity."""
    return floor_div(g, x=x, y=y)


@lowers("whereBroadcastable")
def where(g: Graph, layer: Layer, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """x if the condition isn't 0, otherwise y."""
    return g.op("Where", truth(g, condition), x, y)
