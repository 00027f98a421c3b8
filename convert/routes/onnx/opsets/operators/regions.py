"""RoiAlign."""

from __future__ import annotations

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down, up

_OLD = "output_half_pixel"
"""What the operator did before it could be chosen."""


@up(16, "RoiAlign")
def coordinates_are_chosen(w: Rewrite) -> None:
    """The default isn't what it was."""
    w.keep(coordinate_transformation_mode=_OLD)


@down(16, "RoiAlign")
def coordinates_are_given(w: Rewrite) -> None:
    """Only the older transformation is left."""
    mode = w.attribute("coordinate_transformation_mode")
    if mode != _OLD:
        raise InexpressibleError(f"coordinate_transformation_mode='{mode}' is there from opset 16 on")
    plain_down(w, ["coordinate_transformation_mode"])
