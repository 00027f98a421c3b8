"""MIL's element types as numpy dtypes. Types below one byte are held one element per byte."""

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
    """One row of MIL.proto's DataType: its name, how numpy holds it, and how many bits it takes when stored."""

    name: str
    dtype: Dtype
    bits: int

    def bytes_for(self, count: int) -> int:
        """The size of ``count`` elements, packed."""
        return -(-count * self.bits // 8)


def _row(name: str, dtype: str, bits: int) -> ElementType:
    return ElementType(name, np.dtype(dtype), bits)


ELEMENT_TYPES: dict[int, ElementType] = {
    1: _row("bool", "bool", 8),
    2: _row("string", "str", 0),
    10: _row("fp16", "float16", 16),
    11: _row("fp32", "float32", 32),
    12: _row("fp64", "float64", 64),
    21: _row("int8", "int8", 8),
    22: _row("int16", "int16", 16),
    23: _row("int32", "int32", 32),
    24: _row("int64", "int64", 64),
    25: _row("int4", "int8", 4),
    31: _row("uint8", "uint8", 8),
    32: _row("uint16", "uint16", 16),
    33: _row("uint32", "uint32", 32),
    34: _row("uint64", "uint64", 64),
    35: _row("uint4", "uint8", 4),
    36: _row("uint2", "uint8", 2),
    37: _row("uint1", "uint8", 1),
    38: _row("uint6", "uint8", 6),
    39: _row("uint3", "uint8", 3),
}
"""By MIL.proto's number. bfloat16 and the float8 types are reserved there; no operator of coremltools 9 takes them."""

BY_NAME: dict[str, ElementType] = {row.name: row for row in ELEMENT_TYPES.values()}
"""By the name that MIL uses in ``dtype`` arguments (``fp16``, ``int32``, ...)."""


def unpack_bits(packed: Array, element: ElementType, count: int) -> Array:
    """``count`` elements of fewer than 8 bits out of ``packed`` bytes, lowest bit first; signed types are extended."""
    bits = element.bits
    group = bits // math.gcd(bits, 8)  # the fewest bytes that whole elements fill
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
