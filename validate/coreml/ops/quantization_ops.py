"""Quantisation of computed tensors: per tensor, or per index of one axis."""

from __future__ import annotations

from ..bind import lowers
from ..dtypes import BY_NAME
from ..graph import Graph, Tensor


@lowers("quantize", opset=17)
def quantize(
    g: Graph, *, input: Tensor, scale: Tensor, output_dtype: str, zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:  # fmt: skip
    """round(input / scale) + zero_point, halves to even, clamped to the range of ``output_dtype``."""
    dtype = BY_NAME[output_dtype].dtype
    zeros = g.cast(zero_point or g.const(0, "int32"), dtype)
    if zero_point is None and scale.rank == 1:
        zeros = g.op("Expand", zeros, g.shape_of(scale))
    return g.op("QuantizeLinear", input, scale, zeros, axis=axis)


@lowers("dequantize", opset=17)
def dequantize(
    g: Graph, *, input: Tensor, scale: Tensor, zero_point: Tensor | None = None, axis: int | None = None
) -> Tensor:
    """scale * (input - zero_point), in separate steps: ONNX Runtime fuses DequantizeLinear into inexact kernels."""
    shifted = input if zero_point is None else g.op("Sub", input, _along(g, zero_point, input, axis))
    return g.op("Mul", g.cast(shifted, scale.dtype), _along(g, scale, input, axis))


def _along(g: Graph, parameter: Tensor, x: Tensor, axis: int | None) -> Tensor:
    """A vector shaped so that it broadcasts along ``axis`` of ``x``."""
    if parameter.rank == 0 or axis is None:
        return parameter
    return g.reshape(parameter, [-1, *(1,) * (x.rank - 1 - axis % x.rank)])
