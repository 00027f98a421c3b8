"""QuantizeLinear and DequantizeLinear. Quantised tensors are int32 here, whatever their width in the source.

Quantised weights keep their width as ``constexpr`` operators. Core ML's own quantize and dequantize are used if the
target has them; older targets get the same arithmetic in separate operators.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...common import floating, length, positions
from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Array, Operand, narrowed, variable

LARGE = 1024
"""Minimum number of elements for which a quantised constant keeps its width."""

_RANGES = {
    "int2": (-2, 1), "uint2": (0, 3), "int4": (-8, 7), "uint4": (0, 15), "int8": (-128, 127), "uint8": (0, 255),
    "int16": (-32768, 32767), "uint16": (0, 65535),
}  # fmt: skip
_IOS17 = 8


def saturated(node: Node, x: Var, dtype: str) -> Var:
    """Integers in fp32, clamped to the range of ``dtype``, as int32. Raises PG404 for floats of 8 bits and less."""
    if dtype not in _RANGES:
        raise node.unsupported(f"Core ML has no tensors of {dtype}")
    low, high = _RANGES[dtype]
    return mb.cast(x=mb.clip(x=x, alpha=float(low), beta=float(high)), dtype="int32")


@translates("QuantizeLinear", since=10, folds=False)
def quantize_linear(
    node: Node, x: Var, y_scale: Operand, y_zero_point: Operand | None = None, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0, precision: int = 0, saturate: int = 1,
) -> Var:  # fmt: skip
    """round(x / scale) + zero point, halves to even, clamped to the range of the output's dtype."""
    dtype = (node.results[0] or np.dtype("uint8")).name
    native = _parameters(node, x, y_scale, y_zero_point, axis, dtype)
    if native is not None:
        return mb.quantize(input=floating(x), output_dtype=dtype, **native)
    scale = floating(_along(y_scale, x, axis, block_size))
    rounded = mb.round(x=mb.real_div(x=floating(x), y=scale))
    if y_zero_point is not None:
        rounded = mb.add(x=rounded, y=floating(_along(y_zero_point, x, axis, block_size)))
    return saturated(node, rounded, dtype)


@translates("DequantizeLinear", since=10, folds=False)
def dequantize_linear(
    node: Node, x: Operand, x_scale: Operand, x_zero_point: Operand | None = None, *, axis: int = 1,
    block_size: int = 0, output_dtype: int = 0,
) -> Var | Array:  # fmt: skip
    """scale * (x - zero point)."""
    constants = [v.content for v in (x, x_scale, x_zero_point) if v is not None]
    if all(isinstance(c, np.ndarray) for c in constants):
        return _constant(node, constants[0], constants[1], constants[2] if x_zero_point else None, axis, block_size)
    data = variable(x)
    native = _parameters(node, data, x_scale, x_zero_point, axis, x.dtype.name)
    if native is not None:
        return mb.dequantize(input=mb.cast(x=data, dtype=x.dtype.name), **native)
    if x_zero_point is not None:
        data = mb.sub(x=data, y=_along(x_zero_point, data, axis, block_size))
    return mb.mul(x=floating(data), y=floating(_along(x_scale, data, axis, block_size)))


def _parameters(
    node: Node, x: Var, scale: Operand, zero_point: Operand | None, axis: int, dtype: str
) -> dict[str, Any] | None:
    """The parameters of Core ML's own operators; None if they can't express it."""
    constants = [v.content for v in (scale, zero_point) if v is not None]
    if node.target.specification < _IOS17 or dtype not in ("int8", "uint8"):
        return None
    if not all(isinstance(c, np.ndarray) and c.size in (1, x.shape[axis] if c.ndim else 1) for c in constants):
        return None
    vector = constants[0].ndim == 1 and constants[0].size > 1
    found: dict[str, Any] = {"scale": _number(narrowed(constants[0]), vector)}
    if zero_point is not None:
        found["zero_point"] = _number(constants[1].astype(dtype), vector)
    return found | ({"axis": axis} if vector else {})


def _number(array: Array, vector: bool) -> Any:
    return array if vector else array.reshape(())[()]


def _along(parameter: Operand, x: Var, axis: int, block_size: int) -> Any:
    """A scale or zero point so that it broadcasts: one for all, one per position of an axis, or one per block."""
    whole = variable(parameter)
    if whole.rank == 0 or (whole.rank == 1 and whole.shape[0] == 1):
        return mb.squeeze(x=whole) if whole.rank else whole
    if whole.rank == 1 and not block_size:
        return mb.reshape(x=whole, shape=[-1, *[1] * (x.rank - 1 - axis % x.rank)])
    return mb.gather(x=whole, indices=mb.floor_div(x=positions(length(x, axis)), y=np.int32(block_size)), axis=axis)


def _constant(
    node: Node, data: Array, scale: Array, zero_point: Array | None, axis: int, block_size: int
) -> Var | Array:
    """A quantised constant: in its own width if it is large enough and the target supports it, else as floats."""
    blocked = block_size > 0 and scale.ndim == data.ndim
    if data.size >= LARGE and scale.dtype == np.float32:
        if data.dtype.name in ("int8", "uint8") and not blocked and _reaches(node, "iOS16"):
            return _affine(data, scale, zero_point, axis)
        if data.dtype.name in ("int4", "uint4", "int8", "uint8") and _reaches(node, "iOS18"):
            return _blockwise(node, data, scale, zero_point, axis, block_size)
    shift = data.astype(np.float32)
    if zero_point is not None:
        shift = shift - _spread(zero_point, data, axis, block_size).astype(np.float32)
    return shift * _spread(scale, data, axis, block_size).astype(np.float32)


def _reaches(node: Node, ios: str) -> bool:
    """Whether the target is, or may become, at least ``ios``; in the latter case the translation restarts."""
    wanted = int(ios.removeprefix("iOS")) - 9
    if not node.target.program or (node.target.fixed and node.target.specification < wanted):
        return False
    node.need(ios)
    return True


def _spread(parameter: Array, data: Array, axis: int, block_size: int) -> Array:
    """A scale or zero point that broadcasts against the data."""
    if parameter.size == 1:
        return parameter.reshape(())
    if parameter.ndim == 1 and not block_size:
        return parameter.reshape([-1 if i == axis % data.ndim else 1 for i in range(data.ndim)])
    return np.repeat(parameter, block_size, axis).take(range(data.shape[axis]), axis)


def _affine(data: Array, scale: Array, zero_point: Array | None, axis: int) -> Var:
    vector = scale.size > 1
    zeros = np.zeros(scale.shape, data.dtype) if zero_point is None else zero_point
    return mb.constexpr_affine_dequantize(
        quantized_data=data, zero_point=_number(zeros, vector), scale=_number(scale, vector), axis=np.int32(axis)
    )


def _blockwise(node: Node, data: Array, scale: Array, zero_point: Array | None, axis: int, block_size: int) -> Var:
    if block_size and data.shape[axis] % block_size:
        raise node.unsupported(f"{data.shape[axis]} elements can't be divided into blocks of {block_size}")

    def ranked(parameter: Array) -> Array:
        if block_size and parameter.ndim == data.ndim:
            return parameter
        return parameter.reshape([parameter.size if i == axis % data.ndim else 1 for i in range(data.ndim)])

    return mb.constexpr_blockwise_shift_scale(
        data=_sub_byte(data), scale=ranked(scale), offset=None if zero_point is None else _sub_byte(ranked(zero_point))
    )


def _sub_byte(array: Array) -> Array:
    """4 bit integers under the dtype that coremltools has for them."""
    from coremltools.converters.mil.mil.types import nptype_from_builtin, string_to_builtin

    if array.dtype.name in ("int8", "uint8"):
        return array
    wide = array.astype("int8" if array.dtype.name == "int4" else "uint8")
    return wide.astype(nptype_from_builtin(string_to_builtin(array.dtype.name)))
