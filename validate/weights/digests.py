"""Digests of arrays that don't depend on the order of the elements: equal content is found in linear time.

A digest is the sum, modulo 2**64, of a mixed form of each element's bits (the finaliser of splitmix64, G. L. Steele,
D. Lea and C. H. Flood, 2014). Values that compare equal have equal bits here: -0.0 counts as 0.0, all NaN as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array

    Digests = npt.NDArray[np.uint64]

_BLOCK = 1 << 16
"""Elements mixed at a time: what stays in a core's cache takes a third of the time of 32 MB (23 M values: 0.12 s)."""

_SHIFTS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST = np.uint64(31)
_SEED = np.uint64(0x9E3779B97F4A7C15)
_UNSIGNED: dict[int, Any] = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def digests(array: Array) -> tuple[Digests, ...]:
    """For each axis, the digests of the slices along it; a floating array of one axis at least."""
    found = tuple(np.zeros(length, np.uint64) for length in array.shape)
    step = max(1, _BLOCK // max(1, array[:1].size))
    for start in range(0, len(array), step):
        mixed = _mixed(array[start : start + step])
        for axis, sums in enumerate(found):
            others = tuple(each for each in range(array.ndim) if each != axis)
            part = mixed.sum(axis=others, dtype=np.uint64)
            if axis == 0:
                sums[start : start + step] = part
            else:
                sums += part
    return found


def _mixed(block: Array) -> Digests:
    bits = canonical(block).view(_UNSIGNED[block.dtype.itemsize]).astype(np.uint64)
    with np.errstate(over="ignore"):
        mixed = bits + _SEED
        for shift, factor in _SHIFTS:
            mixed = (mixed ^ (mixed >> shift)) * factor
        found: Digests = mixed ^ (mixed >> _LAST)
        return found


def canonical(array: Array) -> Array:
    """The array in memory order with one zero and one NaN."""
    plain = np.ascontiguousarray(array + array.dtype.type(0))
    if np.isnan(plain).any():
        plain[np.isnan(plain)] = np.nan
    return plain
