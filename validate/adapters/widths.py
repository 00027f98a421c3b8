"""The same values in another dtype: Core ML's arrays hold only int32 and floats, a source may have other dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..signature import TensorSpec

if TYPE_CHECKING:
    from ..signature import Array

_FLOATS = ("float64", "float32", "float16")


def accepting(specs: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    """The specs, each floating one accepting any floating width."""
    return tuple(replace(spec, accepts=_FLOATS) if spec.dtype in _FLOATS else spec for spec in specs)


def widened(
    actual: Sequence[Mapping[str, Array]], expected: Sequence[Mapping[str, Array]], bindings: Mapping[str, str]
) -> tuple[list[dict[str, Array]], tuple[str, ...]]:
    """The candidate's integers and booleans in the reference's dtype, and a note for each output that changed.

    Only if that is exact: an output with a value that the reference's dtype can't hold is unchanged, and fails.
    """
    notes: dict[str, None] = {}
    wide = [
        {name: _widened(name, array, want.get(bindings.get(name, "")), notes) for name, array in got.items()}
        for got, want in zip(actual, expected, strict=True)
    ]
    return wide, tuple(notes)


def _widened(name: str, got: Array, want: Array | None, notes: dict[str, None]) -> Array:
    if want is None or got.dtype == want.dtype or want.dtype.kind not in "iub" or got.dtype.kind not in "iuf":
        return got
    with np.errstate(invalid="ignore"):
        cast = got.astype(want.dtype)
    if not np.array_equal(cast.astype(got.dtype), got):
        return got
    notes[f"output {name}: {want.dtype} in the reference is {got.dtype} in the candidate"] = None
    return cast
