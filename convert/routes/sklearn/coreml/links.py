"""An exponential, which no classic model has: a neural network of one layer, in single precision."""

from __future__ import annotations

from .....validate.coreml.files.proto import module
from .builder import Builder
from .wires import DOUBLE, VECTOR, Wire


def exponentiate(b: Builder, x: Wire, factor: float = 1.0) -> Wire:
    """``exp(factor * x)``, of the same kind as ``x``."""
    vector = b.vector((x,))
    power = b.wire("power", VECTOR, x.width)
    layer = b.stage((vector,), (power,)).neuralNetwork.layers.add(name="exponential")
    layer.input.append(vector.name)
    layer.output.append(power.name)
    layer.unary.type = module("NeuralNetwork_pb2").UnaryFunctionLayerParams.EXP
    layer.unary.scale = factor
    return power if x.kind == VECTOR else scale_number(b, power)


def scale_number(b: Builder, x: Wire, factor: float = 1.0, shift: float = 0.0) -> Wire:
    """``factor * x + shift`` of a vector of one element, as a number."""
    number = b.wire("number", DOUBLE)
    body = b.stage((x,), (number,), predicted=number.name).glmRegressor
    body.weights.add(value=[factor])
    body.offset.append(shift)
    return number
