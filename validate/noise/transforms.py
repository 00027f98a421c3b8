"""Rounding of Fourier transforms: its size is that of the whole spectrum, also where a coefficient is exactly zero.

A transform adds all its terms for each coefficient, in an order of its own, so that each one is off by a share of the
root mean square of all of them (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 24.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..onnx_graphs import all_graphs
from .tensors import Tensors

_USUAL_LENGTH = 512
"""Where the length isn't known before the model runs."""

_AXIS_AS_INPUT = 20
"""The opset since which a DFT's axis is an input."""

_PER_STEP, _PER_TERM = 2.0, 3.0
"""Greatest errors in units of the root mean square. What was measured in ONNX Runtime 1.31 against numpy in float64:

Lengths that are powers of two: deviations of 1.4 (8), 5.4 (128) and 9.2 units (4,096), about 0.8 for each halving.
Others: 25 (17), 129 (100), 503 (400) and 1,421 units (1,000), about 1.4 for each term; their algorithm needs phases
that grow with the square of the length. Uniform errors of ``a`` units have a deviation of 0.58 a.
"""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The result of a transform: the axes that all its coefficients lie on, and the units of error on each."""

    axes: tuple[int, ...]
    units: float


def spectrum_of(node: onnx.NodeProto, tensors: Tensors, integers: Mapping[str, int], opset: int) -> Spectrum | None:
    """What is known of a DFT's or an STFT's result; None for other operators."""
    if node.op_type == "STFT":
        bins = tensors.length(node.output[0], -2)
        return Spectrum((-2, -1), _units(2 * (bins - 1) if bins else _USUAL_LENGTH))
    if node.op_type != "DFT":
        return None
    axis = _axis_before_20(node) if opset < _AXIS_AS_INPUT else _axis(node, integers)
    known = [tensors.length(name, axis) for name in (node.input[0], node.output[0])]
    return Spectrum((axis, -1), _units(max((length for length in known if length), default=_USUAL_LENGTH)))


def _units(length: int) -> float:
    if length & (length - 1) == 0:
        return _PER_STEP * max(1.0, math.log2(length))
    return _PER_TERM * length


def _axis_before_20(node: onnx.NodeProto) -> int:
    """The transformed axis where it is an attribute."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return int(attributes.get("axis", 1))


def _axis(node: onnx.NodeProto, integers: Mapping[str, int]) -> int:
    """The transformed axis where it is the third input."""
    given = node.input[2] if len(node.input) > 2 else ""
    return integers.get(given, -2) if given else -2


def integers_of(model: onnx.ModelProto) -> dict[str, int]:
    """The constants that hold one whole number, by name."""
    return dict(_integers(model))


def _integers(model: onnx.ModelProto) -> Iterator[tuple[str, int]]:
    for graph in all_graphs(model.graph):
        tensors = [(tensor.name, tensor) for tensor in graph.initializer]
        for node in graph.node:
            if node.op_type == "Constant":
                tensors += [(node.output[0], a.t) for a in node.attribute if a.name == "value"]
                yield from ((node.output[0], a.i) for a in node.attribute if a.name == "value_int")
        for name, tensor in tensors:
            if tensor.data_type == onnx.TensorProto.INT64 and math.prod(tensor.dims) == 1:
                yield name, int(np.ravel(numpy_helper.to_array(tensor))[0])
