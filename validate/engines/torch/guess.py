"""Example values for inputs that are only declared, to be tried until the module accepts some."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...signature import Dim, TensorSpec

if TYPE_CHECKING:
    from ...signature import Array

BATCH_SIZE = 2
"""Rows of an example; not 1, which torch.export would treat as a constant."""

_LENGTHS = ((16, 24, 40, 56), (64, 96, 128, 160), (224, 256, 288, 320), (6, 7, 8, 9), (1024, 1536, 2048, 2560))
"""Lengths to try for the first, second, ... named axis: modest; for several poolings; images; short; audio."""


def examples(specs: Sequence[TensorSpec], numbers: Sequence[int] = (0, 1)) -> Iterator[dict[str, Array]]:
    """Feeds that fit the declarations, the simplest first. ``numbers`` are values to try for integers."""
    symbols = list(
        dict.fromkeys(dim for spec in specs for axis, dim in enumerate(spec.shape or ()) if _is_length(axis, dim))
    )
    whole = any(np.dtype(spec.dtype).kind in "iu" for spec in specs)
    for lengths, number in itertools.product(_LENGTHS if symbols else ((),), numbers if whole else (0,)):
        sizes = dict(zip(symbols, itertools.cycle(lengths), strict=False)) if symbols else {}
        yield {spec.name: _value(spec, sizes, number) for spec in specs}


def _is_length(axis: int, dim: Dim) -> bool:
    return isinstance(dim, str) and axis > 0


def _value(spec: TensorSpec, sizes: dict[Any, int], number: int) -> Array:
    shape = [dim if isinstance(dim, int) else sizes.get(dim, BATCH_SIZE) for dim in spec.shape or ()]
    dtype = np.dtype(spec.dtype)
    if dtype.kind in "fc":
        return np.random.default_rng(0).standard_normal(shape).astype(dtype)
    return np.full(shape, dtype.kind == "b" or number).astype(dtype)
