"""MIL's element types as numpy dtypes. Types narrower than a byte are stored with one element per byte."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array

Dtype = np.dtype[Any]


@dataclass(frozen=True, slots=True)
class ElementType:
    """One entry of MIL.proto's DataType: its name, its numpy dtype, and its width in bits when stored."""

    name: str
    dtype: Dtype
    bits: int

    def bytes_for(self, count: int) -> int:
        """The size in bytes of ``count`` packed elements."""
        return -(-count * self.bits // 8)


def _entry(name: str, dtype: str, bits: int) -> ElementType:
    return ElementType(name, np.dtype(dtype), bits)


ELEMENT_TYPES: dict[int, ElementType] = {
    1: _entry("bool", "bool", 8),
    2: _entry("string", "str", 0),
    10: _entry("fp16", "float16", 16),
    11: _entry("fp32", "float32", 32),
    12: _entry("fp64", "float64", 64),
    21: _entry("int8", "int8", 8),
    22: _entry("int16", "int16", 16),
    23: _entry("int32", "int32", 32),
    24: _entry("int64", "int64", 64),
    25: _entry("int4", "int8", 4),
    31: _entry("uint8", "uint8", 8),
    32: _entry("uint16", "uint16", 16),
    33: _entry("uint32", "uint32", 32),
    34: _entry("uint64", "uint64", 64),
    35: _entry("uint4", "uint8", 4),
    36: _entry("uint2", "uint8", 2),
    37: _entry("uint1", "uint8", 1),
    38: _entry("uint6", "uint8", 6),
    39: _entry("uint3", "uint8", 3),
}
"""By MIL.proto's number. bfloat16 and the float8 types are reserved; no operator of coremltools 9 accepts them."""

BY_NAME: dict[str, ElementType] = {entry.name: entry for entry in ELEMENT_TYPES.values()}
"""By the name that MIL uses in ``dtype`` arguments (``fp16``, ``int32``, ...)."""


def unpack_bits(packed: Array, element: ElementType, count: int) -> Array:
    """``count`` elements of fewer than 8 bits from ``packed`` bytes, lowest bit first, with sign extension."""
    bits = element.bits
    group = bits // math.gcd(bits, 8)  # the smallest number of bytes that holds whole elements
    rows = -(-packed.size // group)
    source = np.resize(packed.view(np.uint8), rows * group).reshape(rows, group)
    out = np.empty((rows, 8 * group // bits), np.uint8)
    for i in range(out.shape[1]):
        byte, shift = divmod(i * bits, 8)
        out[:, i] = source[:, byte] >> shift
        if shift + bits > 8:
            out[:, i] |= source[:, byte + 1] << (8 - shift)
    out &= (1 << bits) - 1
    values = out.reshape(-1)[:count]
    if element.dtype.kind == "i":
        half = 1 << (bits - 1)
        values ^= half
        values -= half
    return values.view(element.dtype)
