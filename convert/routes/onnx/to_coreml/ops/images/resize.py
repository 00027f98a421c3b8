"""Resizing: Core ML's own operators if they are equivalent, else a matrix product with the interpolation weights."""

from __future__ import annotations

import numpy as np

from ....interpolation import OUTWARDS, Axis, Rule, axes_of, weights
from ...common import floating, select, static, transpose
from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Array, Ints


@translates("Upsample", since=7)
def upsample_attribute(node: Node, x: Var, *, scales: tuple[float, ...], mode: str) -> Var:
    """x with its lengths multiplied by factors."""
    return _upsampled(node, x, np.array(scales), mode)


@translates("Upsample", since=9)
@translates("Resize", since=10)
def upsample(node: Node, x: Var, scales: Array, *, mode: str) -> Var:
    """x with its lengths multiplied by factors; element i is read at i / scale."""
    return _upsampled(node, x, scales, mode)


def _upsampled(node: Node, x: Var, scales: Array, mode: str) -> Var:
    rule = Rule({"bilinear": "linear"}.get(mode, mode), "asymmetric", OUTWARDS)
    return _resized(node, x, list(range(x.rank)), scales, None, "stretch", (), rule)


@translates("Resize", since=11)
def resize(
    node: Node,
    x: Var,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    antialias: int = 0,
    axes: Ints | None = None,
    coordinate_transformation_mode: str,
    cubic_coeff_a: float,
    exclude_outside: int,
    extrapolation_value: float,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str,
    nearest_mode: str,
) -> Var:
    """x resized."""
    rule = Rule(
        mode,
        coordinate_transformation_mode,
        nearest_mode,
        cubic_coeff_a,
        bool(exclude_outside),
        extrapolation_value,
        bool(antialias),
    )
    positions = list(range(x.rank)) if axes is None else [a % x.rank for a in axes]
    scales = scales if scales is not None and scales.size else None
    region = () if roi is None else tuple(float(r) for r in roi)
    return _resized(node, x, positions, scales, sizes, keep_aspect_ratio_policy, region, rule)


def _resized(
    node: Node,
    x: Var,
    positions: list[int],
    scales: Array | None,
    sizes: Array | None,
    policy: str,
    region: tuple[float, ...],
    rule: Rule,
) -> Var:
    if not static(x):
        return _flexible(node, x, positions, scales, rule)
    lengths = [int(x.shape[p]) for p in positions]
    axes = axes_of(positions, lengths, scales, sizes, policy, region)
    changed = [a for a in axes if a.size != a.target or a.scale != 1 or rule.coordinates == "tf_crop_and_resize"]
    matrices = {a.position: weights(a, rule) for a in changed}
    if rule.coordinates != "tf_crop_and_resize":
        if (native := _native(x, changed, rule, matrices)) is not None:
            return native
        return _multiplied(x, matrices)
    return _extrapolated(x, changed, matrices, rule)


def _native(x: Var, changed: list[Axis], rule: Rule, matrices: dict[int, Array]) -> Var | None:
    """Core ML's upsampling of the last two axes by whole factors, if its weights are the same."""
    factors = {a.position: a.target // a.size for a in changed if a.target % a.size == 0}
    if x.rank != 4 or len(factors) != len(changed) or not set(factors) <= {2, 3} or not changed:
        return None
    repeated = all(
        np.array_equal(matrices[a.position], np.repeat(np.eye(a.size, dtype=np.float32), factors[a.position], axis=0))
        for a in changed
    )
    if rule.mode == "nearest" and repeated:
        return mb.upsample_nearest_neighbor(
            x=x, scale_factor_height=factors.get(2, 1), scale_factor_width=factors.get(3, 1)
        )
    return None


def _multiplied(x: Var, matrices: dict[int, Array]) -> Var:
    for position, matrix in matrices.items():
        x = _along(x, position, matrix)
    return x


def _along(x: Var, position: int, matrix: Array) -> Var:
    """The product of the matrix with the elements along one axis; a gather if it only selects elements."""
    picks = ((matrix == 0) | (matrix == 1)).all() and (matrix.sum(axis=1) == 1).all()
    if picks:
        return mb.gather(x=x, indices=matrix.argmax(axis=1).astype(np.int32), axis=position)
    perm = [i for i in range(x.rank) if i != position] + [position]
    y = mb.matmul(x=transpose(floating(x), perm), y=np.ascontiguousarray(matrix.T))
    back = [perm.index(i) for i in range(x.rank)]
    return transpose(y, back)


def _extrapolated(x: Var, axes: list[Axis], matrices: dict[int, Array], rule: Rule) -> Var:
    """tf_crop_and_resize: elements outside of the input along any axis are the extrapolation value."""
    outside = np.zeros([1] * x.rank, bool)
    for axis in axes:
        shape = [-1 if i == axis.position else 1 for i in range(x.rank)]
        outside = outside | np.isnan(matrices[axis.position]).any(axis=1).reshape(shape)
    y = _multiplied(x, {position: np.nan_to_num(m) for position, m in matrices.items()})
    if not outside.any():
        return y
    return select(cond=np.broadcast_to(outside, tuple(y.shape)).copy(), a=np.float32(rule.extrapolation), b=y)


def _flexible(node: Node, x: Var, positions: list[int], scales: Array | None, rule: Rule) -> Var:
    """Axes of unknown length: integer factors along the last two axes of images."""
    if scales is None:
        raise node.needs_lengths("resizing to a given size needs an input of known shape")
    factors = {p: float(s) for p, s in zip(positions, scales, strict=True) if s != 1}
    if x.rank != 4 or not set(factors) <= {2, 3} or any(f != int(f) for f in factors.values()):
        raise node.needs_lengths("resizing by these factors needs an input of known shape")
    height, width = int(factors.get(2, 1)), int(factors.get(3, 1))
    exact = (rule.coordinates, rule.nearest) in {
        ("asymmetric", "floor"),
        ("asymmetric", OUTWARDS),
        ("half_pixel", "round_prefer_floor"),
    }
    if rule.mode == "nearest" and exact:
        return mb.upsample_nearest_neighbor(x=x, scale_factor_height=height, scale_factor_width=width)
    if rule.mode == "linear" and rule.coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        aligned = rule.coordinates == "align_corners"
        scale = {"scale_factor_height": float(height), "scale_factor_width": float(width)}
        if aligned:
            return mb.upsample_bilinear(x=x, align_corners=True, **scale)
        node.need("iOS16")
        return mb.upsample_bilinear(x=x, align_corners=False, half_pixel_centers=True, **scale)
    raise node.needs_lengths(f"mode '{rule.mode}' with {rule.coordinates} needs an input of known shape")
