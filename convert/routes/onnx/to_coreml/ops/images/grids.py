"""Images sampled at the points of a grid."""

from __future__ import annotations

from itertools import product

import numpy as np

from ...common import sliced, static
from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from .interpolation import TAPS, folded, weighted_values


@translates("GridSample", since=16)
def grid_sample(node: Node, x: Var, grid: Var, *, align_corners: int, mode: str, padding_mode: str) -> Var:
    """x at the points of a grid. Its last axis holds coordinates from -1 to 1, that of the last spatial axis first."""
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if mode == "linear" and x.rank == 4 and padding_mode in RESAMPLED and node.target.program:
        return _resampled(x, grid, align_corners, padding_mode)
    if not static(x) or not static(grid):
        raise node.unsupported("the shapes of its inputs must be known")
    count = x.rank - 2
    sizes = [int(d) for d in x.shape[2:]]
    points = [_position(grid, count - 1 - axis, sizes[axis], align_corners) for axis in range(count)]
    if mode == "nearest":
        points = [mb.round(x=p) for p in points]
    if mode != "cubic":
        points = [folded(p, n, padding_mode, align_corners) for p, n in zip(points, sizes, strict=True)]
    taps = [TAPS[mode](p) for p in points]
    total = None
    for corner in product(*taps):
        part = weighted_values(x, corner, sizes, padding_mode, align_corners)
        total = part if total is None else mb.add(x=total, y=part)
    return total


RESAMPLED = {"zeros": "constant", "border": "border"}
"""ONNX' padding modes -> those of Core ML's own operator."""


def _resampled(x: Var, grid: Var, align_corners: int, padding_mode: str) -> Var:
    """By Core ML's own operator, which supports bilinear sampling of 2-D images only."""
    return mb.resample(
        x=x,
        coordinates=grid,
        sampling_mode="bilinear",
        padding_mode=RESAMPLED[padding_mode],
        padding_value=np.float32(0),
        coordinates_mode="normalized_minus_one_to_one",
        align_corners=bool(align_corners),
    )


def _position(grid: Var, component: int, size: int, align_corners: int) -> Var:
    """A coordinate from -1 to 1 as a position among ``size`` elements; the grid loses its last axis."""
    value = mb.squeeze(x=sliced(grid, -1, component, component + 1), axes=[-1])
    span, shift = ((size - 1) / 2, (size - 1) / 2) if align_corners else (size / 2, (size - 1) / 2)
    return mb.add(x=mb.mul(x=value, y=np.float32(span)), y=np.float32(shift))
