"""Rows whose input is NaN or infinite, of which the reference makes something that is partly NaN or infinite, too.

Such a row is undefined as a whole: which of its elements stay finite depends on how sums are arranged (a transform that
multiplies NaN by zero gives NaN, one that leaves the product out gives zero). There the candidate must give NaN or
infinity in the row as well; where, and what stands in the other elements, isn't compared. Rows that the reference keeps
finite, as models with a treatment of missing values do, are compared like any others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..samples.types import Sample, SampleKind

if TYPE_CHECKING:
    from ..signature import Array

    Outputs = Sequence[Mapping[str, Array]]


def without_undefined_rows(
    samples: Sequence[Sample], expected: Outputs, actual: Outputs, outputs: Mapping[str, str]
) -> list[Mapping[str, Array]]:
    """The candidate's outputs, with the reference's values in rows that are undefined in both.

    ``outputs`` binds the candidate's names to the reference's.
    """
    return [
        _settled(want, got, outputs) if sample.kind is SampleKind.SPECIAL else got
        for sample, want, got in zip(samples, expected, actual, strict=True)
    ]


def _settled(want: Mapping[str, Array], got: Mapping[str, Array], outputs: Mapping[str, str]) -> Mapping[str, Array]:
    return {name: _with_rows_of(want.get(outputs.get(name, "")), array) for name, array in got.items()}


def _with_rows_of(want: Array | None, got: Array) -> Array:
    if want is None or want.shape != got.shape or want.ndim < 2 or not {want.dtype.kind, got.dtype.kind} <= set("fc"):
        return got
    undefined = _partly(want) & ~np.isfinite(got).reshape(len(got), -1).all(axis=1)
    if not undefined.any():
        return got
    settled = got.copy()
    settled[undefined] = want[undefined]
    return settled


def _partly(array: Array) -> Array:
    """Which rows hold finite elements and others."""
    finite = np.isfinite(array).reshape(len(array), -1)
    return np.asarray(finite.any(axis=1) & ~finite.all(axis=1))
