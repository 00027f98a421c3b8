"""The Fourier transform."""

from __future__ import annotations

import numpy as np

from ..plain import plain_down, plain_up
from ..rewrite import Rewrite
from ..rules import down, up


@up(20, "DFT")
def axis_is_an_input(w: Rewrite) -> None:
    """The axis as a constant: its default is another one."""
    inputs = [w.input(0), w.input(1), w.value(w.attribute("axis"), np.int64)]
    plain_up(w, ["axis"], inputs)


@down(20, "DFT")
def axis_is_an_attribute(w: Rewrite) -> None:
    """The axis has to be constant; by default it is the last one but that of the complex parts."""
    axis = int(w.fixed(2, "the axis").reshape(-1)[0]) if w.has(2) else -2
    plain_down(w, inputs=[w.input(0), w.input(1)], axis=axis if axis >= 0 else axis + w.rank())
