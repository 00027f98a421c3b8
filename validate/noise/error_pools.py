"""The random errors of a perturbed graph.

They are further inputs, because ONNX Runtime has no random operators of the current opset. Their number is fixed, so
that they cost the same memory whatever the model is: longer tensors repeat them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper

if TYPE_CHECKING:
    from ..signature import Array

POOL = 2 * 65521
"""Numbers that a run is fed for each size of errors: twice a prime, which is the longest part that a tensor takes."""


@dataclass(frozen=True, slots=True)
class ErrorPool:
    """Numbers of one ONNX type, even between ``-bound`` and ``bound`` on either side of ``centre``."""

    onnx_type: int
    bound: float
    centre: float = 0.0


class ErrorDraws:
    """The values of a perturbed model's pools: each run gets another part of numbers that are drawn once."""

    def __init__(self, pools: Mapping[str, ErrorPool], size: int, random: np.random.Generator) -> None:
        self._size, self._random = size, random
        self._drawn = {name: _draw(pool, 2 * size, random) for name, pool in pools.items()}

    def __call__(self) -> dict[str, Array]:
        """What one run is fed in addition to its sample: input name -> array of ``size`` errors."""
        starts = self._random.integers(self._size, size=len(self._drawn)).tolist()
        return {
            name: numbers[start : start + self._size]
            for start, (name, numbers) in zip(starts, self._drawn.items(), strict=True)
        }


def _draw(pool: ErrorPool, count: int, random: np.random.Generator) -> Array:
    dtype = helper.tensor_dtype_to_np_dtype(pool.onnx_type)
    numbers: Array = (2 * random.random(count, dtype) - 1) * np.asarray(pool.bound, dtype) + np.asarray(
        pool.centre, dtype
    )
    return numbers
