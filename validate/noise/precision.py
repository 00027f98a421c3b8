"""How coarsely a model may round: the unit roundoff of each floating type, and the limits of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from .request import Narrowed

ROUNDOFF: Mapping[int, float] = {
    onnx.TensorProto.FLOAT: 2.0**-24,
    onnx.TensorProto.DOUBLE: 2.0**-53,
    onnx.TensorProto.FLOAT16: 2.0**-11,
    onnx.TensorProto.BFLOAT16: 2.0**-8,
}
"""ONNX type -> unit roundoff: half the spacing of its numbers at 1."""

ROUNDOFF_OF: Mapping[str, float] = {
    name: ROUNDOFF[onnx.helper.np_dtype_to_tensor_dtype(np.dtype(name))] for name in ("float64", "float32", "float16")
} | {"bfloat16": ROUNDOFF[onnx.TensorProto.BFLOAT16]}
"""Name of a dtype -> unit roundoff."""


@dataclass(frozen=True, slots=True)
class Precision:
    """The limits of a model's rounding errors.

    Every type rounds by its own unit roundoff, but by no less than ``finest`` and no more than ``coarsest``: a cast to
    float16 that nobody requested doesn't widen the tolerance. ``narrowed`` tells whether inputs and constants were
    rounded, too.
    """

    finest: float = ROUNDOFF_OF["float64"]
    coarsest: float = 1.0
    narrowed: Narrowed = field(default_factory=Narrowed)

    def roundoff(self, onnx_type: int) -> float:
        """The unit roundoff to perturb a floating type with."""
        return min(max(ROUNDOFF[onnx_type], self.finest), self.coarsest)


AS_TYPED = Precision()
"""Every type rounds by its own unit roundoff."""


def precision_of(model: Any, narrowed: Narrowed) -> Precision:
    """The limits for a candidate.

    The finest is the finest type that its format promises and its reference shows, the coarsest is the coarsest type
    that the candidate declares for its inputs, outputs or weights.
    """
    dtypes = ["float32", model.facts().precision]
    dtypes += [spec.dtype for spec in (*model.signature.inputs, *model.signature.outputs)]
    coarsest = max(ROUNDOFF_OF.get(dtype, 0.0) for dtype in dtypes)
    finest = max(ROUNDOFF_OF[model.finest], ROUNDOFF_OF[narrowed.reference])
    return Precision(min(finest, coarsest), coarsest, narrowed)
