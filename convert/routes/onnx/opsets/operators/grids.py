"""GridSample."""

from __future__ import annotations

from ..plain import plain_down
from ..rewrite import Rewrite
from ..rules import InexpressibleError, down, up

_NAMES = {"bilinear": "linear", "bicubic": "cubic"}
"""Modes before opset 20 -> from then on."""


@up(20, "GridSample")
def modes_for_any_rank(w: Rewrite) -> None:
    """The modes got names that fit volumes, too."""
    mode = w.attribute("mode")
    w.keep(mode=_NAMES.get(mode, mode))


@down(20, "GridSample")
def modes_for_images(w: Rewrite) -> None:
    """Images only, and the modes have the names that they had for images."""
    if w.rank() != 4:
        raise InexpressibleError(f"there it takes images, with 4 axes, and '{w.input(0)}' has {w.rank()}")
    names = {new: old for old, new in _NAMES.items()}
    mode = w.attribute("mode")
    plain_down(w, mode=names.get(mode, mode))
