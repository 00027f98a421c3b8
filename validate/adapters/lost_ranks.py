"""Outputs without an element in one sample, for which the reference's engine gives the shape [0] whatever their rank.

ONNX Runtime does so for what a Loop stacks when it makes no turn: it never learns the shape of an element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array


def restore_ranks(want: Sequence[Array], got: Sequence[Array]) -> tuple[tuple[Array, ...], str]:
    """The reference's arrays with the candidate's shape where their own rank is lost, and a sentence about it or "".

    A rank is lost only if the output has another one wherever it has elements, and the candidate's is that one.
    """
    ranks = {array.ndim for array in want if array.size}
    lost = [
        number
        for number, (a, b) in enumerate(zip(want, got, strict=True))
        if a.shape == (0,) and b.ndim > 1 and b.shape[0] == 0 and ranks == {b.ndim}
    ]
    if not lost:
        return tuple(want), ""
    restored = [np.empty(got[n].shape, a.dtype) if n in lost else a for n, a in enumerate(want)]
    return tuple(restored), (
        f"in sample {lost[0]} it has no element, as after a loop of 0 trips: the reference's engine gives the shape [0]"
        f" there, the candidate {list(got[lost[0]].shape)}"
    )
