"""Scatter and its successors."""

from __future__ import annotations

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down, up


@up(11, "Scatter")
def scatter_to_elements(w: Rewrite) -> None:
    """The operator got another name."""
    w.keep("ScatterElements")


@down(11, "ScatterElements")
def scatter_from_elements(w: Rewrite) -> None:
    """Its older name."""
    axis = w.attribute("axis")
    w.keep("Scatter", axis=axis if axis >= 0 else axis + w.rank())


@down(18, "ScatterElements", "ScatterND")
def scatter_without_extremes(w: Rewrite) -> None:
    """The reductions max and min are new."""
    if w.attribute("reduction") in ("max", "min"):
        raise InexpressibleError(f"reduction='{w.attribute('reduction')}' is there from opset 18 on")
    plain_down(w)
