"""Compressed weights: decompressed once, during lowering, without more memory than the results need."""

from __future__ import annotations

import math

import numpy as np

from ..bind import Array, Ints, Numerics, lowers
from ..dtypes import BY_NAME, ElementType, unpack_bits
from ..graph import Graph, Tensor

_AT_ONCE = 1 << 20
"""Elements per look-up, as numpy widens indices to 8 bytes; a multiple of 8, so that chunks end at whole bytes."""


@lowers("constexpr_affine_dequantize", opset=16, numerics=Numerics.RAW)
def constexpr_affine_dequantize(
    g: Graph, *, quantized_data: Array, zero_point: Array, scale: Array, axis: int
) -> Tensor:
    """scale * (quantized_data - zero_point), each a scalar or a vector along ``axis``."""
    shape = [1] * quantized_data.ndim
    shape[axis] = -1
    columns = (v.reshape(shape) if v.ndim else v for v in (scale, zero_point))
    return g.const(_scaled(quantized_data, *columns))


def _scaled(data: Array, scale: Array, offset: Array | None) -> Array:
    """scale * (data - offset) in the dtype of ``scale``; all three broadcast."""
    out = np.empty(np.broadcast_shapes(data.shape, scale.shape), scale.dtype)
    shifted = data
    if offset is not None:
        # numpy computes in float32 in small chunks: no float32 array is ever kept.
        shifted = np.subtract(data, offset, out=out, dtype=np.float32, casting="unsafe")
    return np.multiply(shifted, scale, out=out, dtype=np.float32, casting="unsafe")


@lowers("constexpr_blockwise_shift_scale", opset=18, numerics=Numerics.RAW)
def constexpr_blockwise_shift_scale(g: Graph, *, data: Array, scale: Array, offset: Array | None = None) -> Tensor:
    """scale * (data - offset), one scale and offset per block of data."""
    return g.const(_shift_scaled(data, scale, offset))


def _shift_scaled(data: Array, scale: Array, offset: Array | None) -> Array:
    blocks = [(n, _times(d, n)) for d, n in zip(data.shape, scale.shape, strict=True)]
    per_block = [length for n, _ in blocks for length in (n, 1)]
    split = data.reshape([length for block in blocks for length in block])
    shift = None if offset is None else offset.reshape(per_block)
    return _scaled(split, scale.reshape(per_block), shift).reshape(data.shape)


def _times(length: int, blocks: int) -> int:
    if blocks < 1 or length % blocks:
        raise ValueError(f"{length} elements can't be divided into {blocks} equal blocks")
    return length // blocks


@lowers("constexpr_cast", opset=16, numerics=Numerics.RAW)
def constexpr_cast(g: Graph, *, source_val: Array, output_dtype: str) -> Tensor:
    """``source_val`` in another type."""
    return g.const(source_val.astype(BY_NAME[output_dtype].dtype))


@lowers("constexpr_lut_to_dense", opset=16, numerics=Numerics.RAW)
def constexpr_lut_to_dense(g: Graph, *, indices: Array, lut: Array, shape: Ints) -> Tensor:
    """The table's entries at ``indices``, which are packed into bytes, lowest bit first."""
    bits = int(lut.size).bit_length() - 1
    if 1 << bits != lut.size:
        raise ValueError(f"the number of entries of the table, {lut.size}, is not a power of 2")
    element = ElementType(f"uint{bits}", np.dtype("uint8"), bits)
    out = np.empty(math.prod(shape), lut.dtype)
    if indices.size != element.bytes_for(out.size):
        raise ValueError(f"{indices.size} bytes can't hold {out.size} indices of {bits} bits")
    for start in range(0, out.size, _AT_ONCE):
        part = out[start : start + _AT_ONCE]
        packed = indices[start * bits // 8 :][: element.bytes_for(part.size)]
        np.take(lut, unpack_bits(packed, element, part.size), out=part)
    return g.const(out.reshape(shape))


@lowers("constexpr_lut_to_dense", opset=18, numerics=Numerics.RAW)
def grouped_lut_to_dense(g: Graph, *, indices: Array, lut: Array, vector_axis: int | None = None) -> Tensor:
    """The entries at ``indices`` of one table per block; entries may be vectors along ``vector_axis``."""
    return g.const(_looked_up(indices, lut, vector_axis))


def _looked_up(indices: Array, lut: Array, vector_axis: int | None) -> Array:
    """``lut`` has one axis per axis of ``indices``, counting blocks, then the table's entries, then their elements."""
    groups, width = lut.shape[:-2], lut.shape[-1]
    sizes = [_times(d, n) for d, n in zip(indices.shape, groups, strict=True)]
    out = np.empty((*indices.shape, width), lut.dtype)
    for group in np.ndindex(*groups):
        block = tuple(slice(i * size, (i + 1) * size) for i, size in zip(group, sizes, strict=True))
        _take(lut[group], indices[block], out[block])
    if width == 1:
        return out[..., 0]
    if vector_axis is None:
        raise ValueError("a table of vectors needs vector_axis")
    axis = vector_axis % indices.ndim
    shape = [n * width if i == axis else n for i, n in enumerate(indices.shape)]
    return np.moveaxis(out, -1, axis + 1).reshape(shape)


def _take(table: Array, indices: Array, out: Array) -> None:
    rows = max(1, _AT_ONCE // max(1, math.prod(indices.shape[1:])))
    for start in range(0, len(indices), rows):
        out[start : start + rows] = table[indices[start : start + rows]]


@lowers("constexpr_sparse_to_dense", opset=16, numerics=Numerics.RAW)
def constexpr_sparse_to_dense(g: Graph, *, nonzero_data: Array, mask: Array, shape: Ints) -> Tensor:
    """Zeros, with ``nonzero_data`` where a bit of ``mask`` is set, lowest bit first."""
    bits = unpack_bits(mask, BY_NAME["uint1"], math.prod(shape))
    return g.const(_dense(nonzero_data, bits.reshape(shape)))


@lowers("constexpr_sparse_to_dense", opset=18, numerics=Numerics.RAW)
def masked_sparse_to_dense(g: Graph, *, nonzero_data: Array, mask: Array) -> Tensor:
    """Zeros, with ``nonzero_data`` where ``mask`` is 1."""
    return g.const(_dense(nonzero_data, mask))


def _dense(nonzero_data: Array, mask: Array) -> Array:
    out = np.zeros(mask.shape, nonzero_data.dtype)
    set_bits = np.count_nonzero(mask)
    if nonzero_data.shape != (set_bits,):
        raise ValueError(f"{nonzero_data.size} elements can't fill {set_bits} positions")
    out[mask != 0] = nonzero_data
    return out


@lowers("constexpr_lut_to_sparse", opset=18, numerics=Numerics.RAW)
def constexpr_lut_to_sparse(
    g: Graph, *, indices_mask: Array, indices_nonzero_data: Array, lut: Array, vector_axis: int | None = None
) -> tuple[Tensor, Tensor]:
    """The mask and the non-zero elements of a tensor whose non-zero elements are indices into tables."""
    dense = _looked_up(_dense(indices_nonzero_data, indices_mask), lut, vector_axis)
    mask = indices_mask if vector_axis is None else np.repeat(indices_mask, lut.shape[-1], vector_axis)
    return g.const(mask), g.const(dense[mask != 0])


@lowers("constexpr_sparse_blockwise_shift_scale", opset=18, numerics=Numerics.RAW)
def constexpr_sparse_blockwise_shift_scale(
    g: Graph, *, data_mask: Array, nonzero_data: Array, scale: Array, offset: Array | None = None
) -> tuple[Tensor, Tensor]:
    """The mask and the non-zero elements of a tensor whose non-zero elements are quantised in blocks."""
    dense = _shift_scaled(_dense(nonzero_data, data_mask), scale, offset)
    return g.const(data_mask), g.const(dense[data_mask != 0])
