"""Draws values of one kind for one input from its domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .types import SampleKind

if TYPE_CHECKING:
    from ..signature import Array
    from .domain import Domain

    Shape = tuple[int, ...]
    Draw = Callable[[np.random.Generator, Shape, Domain], Array]

_MISSING_SHARE = 0.2
_NO_SUCH_WORD = "no such category"


def draw(kind: SampleKind, dtype: np.dtype[Any], domain: Domain, shape: Shape, rng: np.random.Generator) -> Array:
    """An array of ``dtype`` and ``shape`` with values of ``kind``; ordinary values where the kind doesn't apply."""
    if domain.vocabulary is not None:
        values = _choices(kind, domain.vocabulary, domain, shape, rng)
    elif dtype.kind == "b":
        values = _booleans(kind, shape, rng)
    elif dtype.kind == "c":
        values = _floats(kind)(rng, shape, domain) + 1j * _floats(kind)(rng, shape, domain)
    elif dtype.kind == "f":
        values = _floats(kind)(rng, shape, domain)
    else:
        values = _integers(kind, domain, shape, rng)
    values = _cast(values, dtype)
    if domain.categories:
        values = _with_categories(kind, values, domain, rng)
    if domain.mask and shape:
        values[..., 0] = 1
    if kind is SampleKind.THRESHOLDS:
        values = _near_points(values, domain, rng)
    if kind is SampleKind.MISSING and domain.missing and dtype.kind in "fU":
        values[_missing_mask(shape, rng)] = "" if dtype.kind == "U" else np.nan
    return values


def _normal(rng: np.random.Generator, shape: Shape, domain: Domain) -> Array:
    """Standard normal, or two standard deviations on each side of the middle of the usual range."""
    middle, deviation = _spread_of(domain)
    return _within(middle + deviation * rng.standard_normal(shape), domain)


def _uniform(rng: np.random.Generator, shape: Shape, domain: Domain) -> Array:
    """Uniform over the usual range; over a width of 1 from a single bound, from 0 to 1 without bounds."""
    low, high = domain.usual
    low = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - 1, 0))
    high = np.where(np.isfinite(high), high, low + 1)
    return _within(low + (high - low) * rng.random(shape), domain)


def _positive(rng: np.random.Generator, shape: Shape, domain: Domain) -> Array:
    """Uniform, but not below 0 where the domain allows positive values."""
    low, high = domain.usual
    low = np.where(high > 0, np.maximum(low, 0), low)
    return _uniform(rng, shape, replace(domain, usual=(low, high)))


def _negative(rng: np.random.Generator, shape: Shape, domain: Domain) -> Array:
    """Uniform, but not above 0 where the domain allows negative values; from -1 to 0 without bounds."""
    low, high = domain.usual
    high = np.where(low < 0, np.minimum(high, 0), high)
    return _uniform(rng, shape, replace(domain, usual=(low, high)))


def _zeros(rng: np.random.Generator, shape: Shape, domain: Domain) -> Array:
    return _within(np.zeros(shape), domain)


def _large(rng: np.random.Generator, shape: Shape, domain: Domain) -> Array:
    """A hundred standard deviations; the domain's bounds where it has both."""
    middle, deviation = _spread_of(domain)
    bounded = np.isfinite(domain.low) & np.isfinite(domain.high)
    end = np.where(rng.random(shape) < 0.5, domain.low, domain.high)
    return _within(np.where(bounded, end, middle + 100 * deviation * rng.standard_normal(shape)), domain)


def _tiny(rng: np.random.Generator, shape: Shape, domain: Domain) -> Array:
    return _within(1e-4 * rng.standard_normal(shape), domain)


_FLOATS: dict[SampleKind, Draw] = {
    SampleKind.NORMAL: _normal,
    SampleKind.UNIFORM: _uniform,
    SampleKind.POSITIVE: _positive,
    SampleKind.NEGATIVE: _negative,
    SampleKind.RANDOM: _uniform,
    SampleKind.ZEROS: _zeros,
    SampleKind.LARGE: _large,
    SampleKind.TINY: _tiny,
    SampleKind.THRESHOLDS: _uniform,
    SampleKind.MISSING: _uniform,
    SampleKind.UNKNOWN: _uniform,
}


def _floats(kind: SampleKind) -> Draw:
    """Kinds that say nothing of floating values have normal ones."""
    return _FLOATS.get(kind, _normal)


def _spread_of(domain: Domain) -> tuple[Array, Array]:
    low, high = domain.usual
    bounded = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(bounded, low, -2), np.where(bounded, high, 2)
    return (low + high) / 2, (high - low) / 4


def _within(values: Array, domain: Domain) -> Array:
    """Mirrored at the bounds, then clipped: clipping alone would put half of a normal onto a bound of 0."""
    values = np.where(values < domain.low, 2 * domain.low - values, values)
    values = np.where(values > domain.high, 2 * domain.high - values, values)
    return np.clip(values, domain.low, domain.high)


def _integers(kind: SampleKind, domain: Domain, shape: Shape, rng: np.random.Generator) -> Array:
    if kind is SampleKind.ZEROS:
        return np.broadcast_to(np.clip(0, domain.low, domain.high), shape)
    if kind is SampleKind.LARGE:
        return np.broadcast_to(domain.high, shape)
    return rng.integers(domain.low, domain.high, shape, endpoint=True)


def _booleans(kind: SampleKind, shape: Shape, rng: np.random.Generator) -> Array:
    if kind in (SampleKind.ZEROS, SampleKind.LARGE):
        return np.full(shape, kind is SampleKind.LARGE)
    return rng.random(shape) < 0.5


def _choices(kind: SampleKind, vocabulary: Array, domain: Domain, shape: Shape, rng: np.random.Generator) -> Array:
    """Every entry of the vocabulary, if there is room; the kind ``unknown`` adds values that aren't in it."""
    if kind in (SampleKind.ZEROS, SampleKind.LARGE):
        return np.full(shape, vocabulary[0 if kind is SampleKind.ZEROS else -1])
    if kind is SampleKind.UNKNOWN and domain.unknown:
        vocabulary = np.concatenate([vocabulary, _outsiders(vocabulary)])
    return _spread(vocabulary, shape, rng)


def _with_categories(kind: SampleKind, values: Array, domain: Domain, rng: np.random.Generator) -> Array:
    """``values`` with each feature that has categories drawn from them."""
    columns = [values[..., feature] for feature in range(values.shape[-1])]
    for feature, categories in enumerate(domain.categories):
        if categories.size:
            columns[feature] = _choices(kind, categories, domain, values.shape[:-1], rng)
    return np.stack(columns, axis=-1)


def _outsiders(vocabulary: Array) -> Array:
    """Values that aren't in the vocabulary: a word, empty text, a greater number, and one between the lowest two."""
    if vocabulary.dtype.kind == "U":
        return np.array([word for word in (_NO_SUCH_WORD, "") if word not in vocabulary])
    beyond, lowest = vocabulary.max() + 1, np.unique(vocabulary)[:2]
    between = lowest.mean().astype(vocabulary.dtype)
    return np.array([beyond] if between in vocabulary else [beyond, between], vocabulary.dtype)


def _spread(values: Array, shape: Shape, rng: np.random.Generator) -> Array:
    """``values`` in random order, repeated or cut to fill ``shape``."""
    spread: Array = rng.permutation(np.resize(rng.permutation(values), shape).ravel()).reshape(shape)
    return spread


def _near_points(values: Array, domain: Domain, rng: np.random.Generator) -> Array:
    """``values`` with each feature that has points replaced by its points, their neighbours, and zero."""
    for feature, points in enumerate(domain.points):
        if points.size:
            near = _neighbours(points, values.dtype)
            low, high = _bound_of(domain.low, feature), _bound_of(domain.high, feature)
            near = near[(near >= low) & (near <= high) & np.isfinite(near)]
            if near.size:
                values[..., feature] = _spread(near, values.shape[:-1], rng)
    return values


def _neighbours(points: Array, dtype: np.dtype[Any]) -> Array:
    """Zero, the points and the next number of ``dtype`` on either side, where the result of a comparison changes.

    The neighbours of zero are the smallest normal numbers: engines may treat subnormal ones as zero.
    """
    if dtype.kind == "f":
        at = points.astype(dtype)
        near = np.concatenate([np.nextafter(at, -np.inf, dtype=dtype), at, np.nextafter(at, np.inf, dtype=dtype)])
        subnormal = (near != 0) & (abs(near) < np.finfo(dtype).tiny)
        near = np.where(subnormal, np.copysign(np.finfo(dtype).tiny, near), near)
    else:
        near = np.concatenate([np.floor(points) + step for step in (-1, 0, 1, 2)])
    return np.unique(np.append(near, 0))


def _bound_of(bound: Array, feature: int) -> Array:
    return bound if bound.ndim == 0 else bound[feature]


def _missing_mask(shape: Shape, rng: np.random.Generator) -> Array:
    """A mask with a share of missing values, at least one per feature."""
    mask = rng.random(shape) < _MISSING_SHARE
    rows = mask.reshape(-1, shape[-1]) if shape else mask.reshape(1, 1)
    features = np.arange(rows.shape[1])
    rows[features % rows.shape[0], features] = True
    return rows.reshape(shape)


def _cast(values: Array, dtype: np.dtype[Any]) -> Array:
    """A copy in ``dtype``, clipped to its range (NaN stays); an array even where a scalar was drawn."""
    if dtype.kind == "f":
        values = np.clip(values, np.finfo(dtype).min, np.finfo(dtype).max)
    return np.array(values, dtype)
