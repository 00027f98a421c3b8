"""Samples that move an output which all others leave as it is, and that choose a class which no other chooses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from ..samples import Sample, SampleKind, Samples
from .from_samples import class_items

if TYPE_CHECKING:
    from ..signature import Array, Feed, Signature

    Outputs = Mapping[str, Array]
    Run = Callable[[Sequence[Feed]], Sequence[Outputs]]

_FAR = 8.0
_SCALES = (10.0, 100.0, 1000.0)
_STILL = 1e-4
"""An output that moves by less than this part of its size is as good as constant."""

_MOST_CLASSES = 100
_COARSE = 4  # cells per axis of an image-like pattern


def unbounded_inputs(samples: Samples) -> frozenset[str]:
    """The floating inputs of generated samples whose large values are far beyond the normal ones: they have no bounds.

    The user's own samples say nothing about what lies beyond them.
    """
    kinds = {sample.kind: sample.feed for sample in samples.items}
    if samples.seed is None or not {SampleKind.NORMAL, SampleKind.LARGE} <= kinds.keys():
        return frozenset()
    normal, large = kinds[SampleKind.NORMAL], kinds[SampleKind.LARGE]
    floating = (name for name, array in normal.items() if array.dtype.kind == "f" and array.size)
    return frozenset(name for name in floating if np.abs(large[name]).max() > _FAR * np.abs(normal[name]).max())


def add_moving(
    samples: Samples, outputs: Sequence[Outputs], signature: Signature, run: Run, fixed: Collection[str] = ()
) -> tuple[Samples, list[Outputs]]:
    """The samples and outputs, and those of a few further inputs that reach what these leave out.

    That is an output that hardly moves (but for those that are ``fixed``), and a class of few that is never chosen.
    Only generated samples are extended, by at most one for each of a few tries, which their seed draws. ``run`` runs
    the reference; inputs that it refuses are left out.
    """
    found, done = list(samples.items), [*outputs]
    usual = [sample for sample in found if sample.kind is SampleKind.NORMAL]
    goal = _missing(done, signature, fixed)
    if samples.seed is None or not goal or not usual:
        return samples, done
    for label, feed in _tries(usual[-1].feed, unbounded_inputs(samples), np.random.default_rng(samples.seed)):
        try:
            (output,) = run([feed])
        except ParityGateError:
            continue
        left = _missing([*done, output], signature, fixed)
        if left < goal and all(np.isfinite(a).all() for a in output.values() if a.dtype.kind == "f"):
            found.append(Sample(f"moving, {label}", feed, SampleKind.MOVING, usual[-1].batch))
            done.append(output)
            goal = left
        if not goal:
            break
    return replace(samples, items=tuple(found)), done


def _missing(outputs: Sequence[Outputs], signature: Signature, fixed: Collection[str]) -> frozenset[str]:
    """What is left to reach: outputs that hardly move, and classes that were not chosen."""
    still = {name for name in outputs[0] if name not in fixed and _is_still([o[name] for o in outputs if name in o])}
    classes = (item for item in class_items(outputs, signature) if item.total <= _MOST_CLASSES)
    return frozenset(still | {f"{item.name}/{n}" for item in classes for n in range(item.reached, item.total)})


def _is_still(arrays: Sequence[Array]) -> bool:
    """Whether all rows of a floating output are nearly the same."""
    rows = [array.reshape(len(array), -1) for array in arrays if array.dtype.kind == "f" and array.ndim and array.size]
    if not rows or len({row.shape[1] for row in rows}) > 1:
        return False
    together = np.concatenate(rows).astype(np.float64)
    together = together[np.isfinite(together).all(axis=1)]
    if not together.size:
        return False
    return bool(np.ptp(together, axis=0).max() <= _STILL * np.abs(together).max())


def _tries(feed: Feed, free: frozenset[str], random: np.random.Generator) -> Iterator[tuple[str, Feed]]:
    """Inputs of greater range, of one feature at a time, and like images; those with bounds stay within these."""
    floating = [name for name, array in feed.items() if array.dtype.kind == "f" and array.ndim and array.size]
    for scale in _SCALES if floating else ():
        for label, make in _PATTERNS.items():
            changed = {n: _fitted(make(feed[n], scale, random), feed[n], bounded=n not in free) for n in floating}
            yield f"{label} at {scale:g}", {**feed, **changed}


def _greater(array: Array, scale: float, random: np.random.Generator) -> Array:
    return array.astype(np.float64) * scale


def _mixed(array: Array, scale: float, random: np.random.Generator) -> Array:
    """Each row in the direction of one feature or against it."""
    rows = random.standard_normal((len(array), int(np.prod(array.shape[1:]))))
    numbers = np.arange(len(rows))
    rows[numbers, numbers % rows.shape[1]] += np.where(numbers // rows.shape[1] % 2, -scale, scale)
    return rows.reshape(array.shape)


def _coarse(array: Array, scale: float, random: np.random.Generator) -> Array:
    """Large areas of one value, as images have."""
    areas = random.standard_normal([min(_COARSE, length) for length in array.shape[1:]])
    places = [np.arange(length) * min(_COARSE, length) // max(length, 1) for length in array.shape[1:]]
    pattern = areas[np.ix_(*places)] if places else areas
    return np.asarray(scale * random.standard_normal((len(array), *[1] * (array.ndim - 1))) * pattern)


_PATTERNS: Mapping[str, Callable[[Array, float, np.random.Generator], Array]] = {
    "greater values": _greater,
    "single features": _mixed,
    "large areas": _coarse,
}


def _fitted(values: Array, like: Array, *, bounded: bool) -> Array:
    """Values in the dtype of an input, within the bounds of its normal sample where it has any."""
    limits = np.finfo(like.dtype)
    low, high = (like.min(), like.max()) if bounded else (limits.min, limits.max)
    return np.clip(values, low, high).astype(like.dtype)
