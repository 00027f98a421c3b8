"""Products of matrices."""

from __future__ import annotations

import numpy as np

from ..plain import plain_down
from ..rewrite import Rewrite
from ..rules import down


@down(11, "Gemm")
def gemm_with_a_bias(w: Rewrite) -> None:
    """The third matrix has to be there: a zero."""
    plain_down(w, inputs=[w.input(0), w.input(1), w.input(2) or w.value(0, w.dtype())])


@down(10, "MatMulInteger")
def product_of_integers(w: Rewrite) -> None:
    """The zero points are subtracted in int32, which is what the sums are in."""
    a, b = (w.cast(w.input(index), np.int32) for index in (0, 1))
    if w.has(2):
        a = w.op("Sub", a, _per_row(w))
    if w.has(3):
        b = w.op("Sub", b, w.cast(w.input(3), np.int32))
    w.give("MatMul", a, b)


def _per_row(w: Rewrite) -> str:
    """A zero point for each row of the first matrix stands in a column."""
    zero = w.cast(w.input(2), np.int32)
    dims = w.dims(2)
    return w.with_axes("Unsqueeze", zero, [1]) if dims is not None and len(dims) == 1 and dims != [1] else zero
