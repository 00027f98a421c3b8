"""Upsample and Resize. Along axes of known length every way to resize is a product with a matrix of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...interpolation import OUTWARDS, Axis, Rule, axes_of, weights
from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down, up

if TYPE_CHECKING:
    from ......validate.signature import Array

_OLD_MODES = {"bilinear": "linear"}
"""Names of modes before opset 9."""


@up(10, "Upsample")
def upsample_to_resize(w: Rewrite) -> None:
    """Resize took its place, first with the same meaning."""
    mode = w.attribute("mode")
    w.keep("Resize", mode=_OLD_MODES.get(mode, mode))


@up(11, "Resize")
def resize_asymmetric(w: Rewrite) -> None:
    """Element i is read at i / scale; ``nearest`` takes the one below where it enlarges, else the one above.

    One node can't do both, but each of two leaves alone what the other one resizes. The rule of ``nearest`` is ONNX
    Runtime's and that of ONNX's operator tests; the specification of Resize 10 doesn't say.
    """
    how = {"coordinate_transformation_mode": "asymmetric"}
    scales, mode = w.constant(1), w.attribute("mode")
    if mode == "linear":
        w.keep(inputs=[w.input(0), _no_region(w), w.input(1)], **how)
    elif scales is not None and ((scales >= 1).all() or (scales <= 1).all()):
        nearest = "floor" if (scales >= 1).all() else "ceil"
        w.keep(inputs=[w.input(0), _no_region(w), w.input(1)], nearest_mode=nearest, **how)
    else:
        one = w.value(1, np.float32)
        larger, smaller = w.op("Max", w.input(1), one), w.op("Min", w.input(1), one)
        x = w.op("Resize", w.input(0), _no_region(w), larger, mode=mode, nearest_mode="floor", **how)
        w.give("Resize", x, _no_region(w), smaller, mode=mode, nearest_mode="ceil", **how)


def _no_region(w: Rewrite) -> str:
    """Resize 11 has no optional input in this place."""
    return w.value([], np.float32)


@up(13, "Resize")
def resize_without_tensorflow_mode(w: Rewrite) -> None:
    """tf_half_pixel_for_nn was withdrawn: i + 0.5 without the other half, rounded down, is half_pixel rounded up."""
    inputs = [w.input(0), *(_unless_empty(w, index) for index in (1, 2, 3))]
    if w.attribute("coordinate_transformation_mode") != "tf_half_pixel_for_nn":
        w.keep(inputs=inputs)
    elif w.attribute("mode") == "nearest" and w.attribute("nearest_mode") == "floor":
        w.keep(inputs=inputs, coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_ceil")
    else:
        raise InexpressibleError("coordinate_transformation_mode='tf_half_pixel_for_nn' was withdrawn in opset 13")


def _unless_empty(w: Rewrite, index: int) -> str:
    value = w.constant(index)
    return "" if value is not None and not value.size else w.input(index)


@down(19, "Resize")
def resize_19(w: Rewrite) -> None:
    """The symmetric half pixel is the plain one where the length isn't truncated."""
    if w.attribute("coordinate_transformation_mode") == "half_pixel_symmetric":
        by_matrices(w)
    else:
        plain_down(w)


@down(18, "Resize")
def resize_18(w: Rewrite) -> None:
    """Axes, antialiasing and kept proportions are new."""
    plain = not w.attribute("antialias") and w.attribute("keep_aspect_ratio_policy") == "stretch"
    axes = w.attribute("axes")
    if plain and axes is None:
        plain_down(w, ["keep_aspect_ratio_policy"])
    elif plain and w.constant(2) is not None and not w.has(1):
        scales = np.ones(w.rank(), np.float32)
        scales[axes] = w.constant(2)
        inputs = [w.input(0), "", w.value(scales)]
        plain_down(w, ["keep_aspect_ratio_policy", "axes"], inputs)
    else:
        by_matrices(w)


@down(13, "Resize")
def resize_13(w: Rewrite) -> None:
    """The region and the scales have to be there, if only as empty lists."""
    region = w.input(1) or w.value([], np.float32)
    scales = w.input(2) or w.value([], np.float32)
    plain_down(w, inputs=[w.input(0), region, scales, w.input(3)])


@down(11, "Resize")
def resize_11(w: Rewrite) -> None:
    """The older operator reads element i at i / scale, see :func:`resize_asymmetric`."""
    scales = w.constant(2)
    if scales is None or not scales.size or not _is_old(w, scales):
        by_matrices(w)
        return
    w.keep(inputs=[w.input(0), w.input(2)], drop=[a.name for a in w.node.attribute if a.name != "mode"],
           mode=w.attribute("mode"))  # fmt: skip


def _is_old(w: Rewrite, scales: Array) -> bool:
    if w.attribute("coordinate_transformation_mode") != "asymmetric" or w.attribute("mode") == "cubic":
        return False
    wanted = {"floor": scales >= 1, "ceil": scales <= 1}.get(w.attribute("nearest_mode"), np.array(False))
    whole = (scales >= 1) & (scales == np.floor(scales))
    enlarged = {"round_prefer_floor": whole & (scales <= 2), "round_prefer_ceil": whole & (scales == 1)}
    return w.attribute("mode") == "linear" or bool((wanted | enlarged.get(w.attribute("nearest_mode"), wanted)).all())


@down(10, "Resize")
def resize_10(w: Rewrite) -> None:
    """Upsample doesn't shrink."""
    scales = w.constant(1)
    if scales is not None and (scales >= 1).all():
        w.keep("Upsample")
    else:
        by_matrices(w)


def by_matrices(w: Rewrite) -> None:
    """A gather along each axis that is only picked from, a product with the weights along the others.

    Raises InexpressibleError for lengths that aren't known.
    """
    rule, axes = _rule(w), _axes(w)
    cropped, x, rank = rule.coordinates == "tf_crop_and_resize", w.input(0), w.rank()
    outside = np.zeros([1] * rank, bool)
    for axis in axes:
        if axis.size != axis.target or axis.scale != 1 or cropped:
            matrix = weights(axis, rule)
            x = _along(w, x, axis.position, np.nan_to_num(matrix), rank)
            outside = outside | np.isnan(matrix).any(axis=1).reshape(
                [-1 if n == axis.position else 1 for n in range(rank)]
            )
    if outside.any():
        w.give("Where", w.value(outside), w.value(rule.extrapolation, w.dtype()), x)
    else:
        w.give("Identity", x)


def _rule(w: Rewrite) -> Rule:
    if w.before == 10:
        return Rule(w.attribute("mode"), "asymmetric", OUTWARDS)
    return Rule(
        w.attribute("mode"),
        w.attribute("coordinate_transformation_mode"),
        w.attribute("nearest_mode"),
        w.attribute("cubic_coeff_a"),
        bool(w.attribute("exclude_outside")),
        w.attribute("extrapolation_value"),
        bool(w.attribute("antialias", 0)),
    )


def _axes(w: Rewrite) -> list[Axis]:
    rank, dims = w.rank(), w.dims(0) or []
    positions = [axis % rank for axis in w.attribute("axes") or range(rank)]
    place = 1 if w.before == 10 else 2
    scales = w.fixed(place, "scales") if w.has(place) else None
    scales = None if scales is not None and not scales.size else scales
    sizes = None if scales is not None else w.fixed(3, "sizes")
    region = w.fixed(1, "the region").tolist() if w.before > 10 and w.has(1) else ()
    changed = scales if scales is not None else sizes
    assert changed is not None  # ONNX requires one of the two
    unknown = [p for p, n in zip(positions, changed, strict=True) if dims[p] is None and (scales is None or n != 1)]
    if unknown:
        how = f"{w.attribute('mode')}, {w.attribute('coordinate_transformation_mode', 'asymmetric')}"
        raise InexpressibleError(f"resizing so ({how}) needs known lengths there, and that of axis {unknown[0]} isn't")
    lengths = [1 if (length := dims[p]) is None else length for p in positions]
    policy = w.attribute("keep_aspect_ratio_policy", "stretch")
    return axes_of(positions, lengths, scales, sizes, policy, region)


def _along(w: Rewrite, x: str, position: int, matrix: Array, rank: int) -> str:
    if ((matrix == 0) | (matrix == 1)).all() and (matrix.sum(axis=1) == 1).all():
        return w.op("Gather", x, w.value(matrix.argmax(axis=1), np.int64), axis=position)
    if w.dtype().kind != "f":
        raise InexpressibleError(f"resizing {w.dtype()} so can't be written as a product")
    order = [n for n in range(rank) if n != position] + [position]
    product = w.op("MatMul", w.op("Transpose", x, perm=order), w.value(matrix.T, w.dtype()))
    return w.op("Transpose", product, perm=np.argsort(order).tolist())
