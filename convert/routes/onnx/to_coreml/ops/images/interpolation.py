"""Interpolation at computed positions: the elements that take part, and their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...common import reshape, select, unsqueezed
from ...mil import Var, mb

Weighted = tuple[Var, Any]
"""Integer coordinates along one axis, and the weight of the elements there (None: 1)."""


def folded(p: Var, size: int, padding_mode: str, align_corners: int) -> Var:
    """Positions outside of the image clamped to its border or reflected at it; unchanged for padding with zeros."""
    if padding_mode == "border":
        return mb.minimum(x=mb.maximum(x=p, y=np.float32(0)), y=np.float32(size - 1))
    if padding_mode == "reflection":
        return _reflected(p, size, align_corners)
    return p


def _reflected(p: Var, size: int, align_corners: int) -> Var:
    low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if not span:
        return mb.mul(x=p, y=np.float32(0))
    away = mb.mod(x=mb.sub(x=p, y=np.float32(low)), y=np.float32(2 * span))
    inside = mb.minimum(x=away, y=mb.sub(x=np.float32(2 * span), y=away))
    return mb.minimum(x=mb.maximum(x=mb.add(x=inside, y=np.float32(low)), y=np.float32(0)), y=np.float32(size - 1))


def _nearest(p: Var) -> list[Weighted]:
    return [(p, None)]


def linear(p: Var) -> list[Weighted]:
    """The two neighbours of each position."""
    low = mb.floor(x=p)
    part = mb.sub(x=p, y=low)
    return [(low, mb.sub(x=np.float32(1), y=part)), (mb.add(x=low, y=np.float32(1)), part)]


def _cubic(p: Var) -> list[Weighted]:
    """Keys' cubic convolution kernel with a = -0.75."""
    low = mb.floor(x=p)
    t = mb.sub(x=p, y=low)
    found = []
    for offset in (-1, 0, 1, 2):
        d = mb.abs(x=mb.sub(x=t, y=np.float32(offset)))
        coefficients = (1.25, -2.25, 0.0, 1.0) if offset in (0, 1) else (-0.75, 3.75, -6.0, 3.0)
        found.append((mb.add(x=low, y=np.float32(offset)), _polynomial(d, coefficients)))
    return found


def _polynomial(x: Var, coefficients: tuple[float, ...]) -> Var:
    """By Horner's rule, the highest power first."""
    first, second, *rest = (np.float32(c) for c in coefficients)
    total = mb.add(x=mb.mul(x=x, y=first), y=second)
    for c in rest:
        total = mb.add(x=mb.mul(x=total, y=x), y=c)
    return total


TAPS: dict[str, Callable[[Var], list[Weighted]]] = {"nearest": _nearest, "linear": linear, "cubic": _cubic}


def weighted_values(
    x: Var, corner: tuple[Weighted, ...], sizes: list[int], padding_mode: str, align_corners: int
) -> Var:
    """The elements of x (N, C, ...) at integer coordinates (N, ...), multiplied by their weights."""
    inside, flat, weight = None, None, None
    for (position, share), size in zip(corner, sizes, strict=True):
        if padding_mode == "zeros":
            within = mb.logical_and(
                x=mb.greater_equal(x=position, y=np.float32(0)), y=mb.less_equal(x=position, y=np.float32(size - 1))
            )
            inside = within if inside is None else mb.logical_and(x=inside, y=within)
        else:
            position = folded(position, size, padding_mode, align_corners)
        bounded = mb.minimum(x=mb.maximum(x=position, y=np.float32(0)), y=np.float32(size - 1))
        index = mb.cast(x=mb.round(x=bounded), dtype="int32")
        flat = index if flat is None else mb.add(x=mb.mul(x=flat, y=np.int32(size)), y=index)
        if share is not None:
            weight = share if weight is None else mb.mul(x=weight, y=share)
    values = _gathered(x, flat)
    values = values if weight is None else mb.mul(x=values, y=unsqueezed(weight, [1]))
    return values if inside is None else select(unsqueezed(inside, [1]), values, np.float32(0))


def _gathered(x: Var, flat: Var) -> Var:
    """x (N, C, ...) at flat spatial positions (N, ...): one gather per sample and channel."""
    samples, channels = int(x.shape[0]), int(x.shape[1])
    space = [int(d) for d in flat.shape[1:]]
    images = reshape(x, [samples, channels, int(np.prod(x.shape[2:]))])
    indices = mb.tile(x=reshape(flat, [samples, 1, int(np.prod(space))]), reps=[1, channels, 1])
    return reshape(mb.gather_along_axis(x=images, indices=indices, axis=2), [samples, channels, *space])
