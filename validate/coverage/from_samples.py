"""Counts what can be counted from samples and outputs alone: axes, batches, masks, classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..report.coverage import CoverageKind, Covered
from ..samples.axes import batch_symbols, symbols_of

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array, Signature

_MASK_STATES = ("with every position", "with some positions", "with one position", "with no position")
_SCORES = ("logit", "prob", "score", "softmax")
_MOST_CLASSES = 1 << 16


def axes_of(samples: Sequence[Sample], signature: Signature) -> dict[str, int]:
    """The greatest length of each dynamic axis that is not the batch, by its name."""
    longest: dict[str, int] = {}
    symbols = set(symbols_of(signature)) - batch_symbols(signature)
    for spec in signature.inputs:
        for at, dim in enumerate(spec.shape or ()):
            if isinstance(dim, str) and dim in symbols:
                lengths = [sample.feed[spec.name].shape[at] for sample in samples if at < sample.feed[spec.name].ndim]
                longest[dim] = max(longest.get(dim, 0), *lengths)
    return longest


def mask_items(samples: Sequence[Sample], signature: Signature) -> Iterator[Covered]:
    """The states of each input that is a mask by its name and values: all positions of a row, some, one, none."""
    for spec in signature.inputs:
        arrays = [sample.feed[spec.name] for sample in samples]
        if "mask" in spec.name.lower() and all(_is_mask(array) for array in arrays):
            reached = _states(arrays)
            missing = tuple(state for state, there in zip(_MASK_STATES, reached, strict=True) if not there)
            yield Covered(CoverageKind.MASKS, spec.name, sum(reached), len(reached), missing)


def _is_mask(array: Array) -> bool:
    return array.ndim > 1 and array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all())


def _states(arrays: Sequence[Array]) -> list[bool]:
    rows = [(array.reshape(len(array), -1) != 0) for array in arrays if array.size]
    counts = np.concatenate([row.sum(axis=1) for row in rows]) if rows else np.zeros(0)
    lengths = np.concatenate([np.full(len(row), row.shape[1]) for row in rows]) if rows else np.zeros(0)
    return [
        bool((counts == lengths).any()),
        bool(((counts > 1) & (counts < lengths)).any()),
        bool(((counts == 1) & (lengths > 1)).any()),
        bool((counts == 0).any()),
    ]


def class_items(outputs: Sequence[Mapping[str, Array]], signature: Signature) -> Iterator[Covered]:
    """The classes that the reference chose, of each output that holds one score per class."""
    for name in _score_outputs(signature):
        scores = [output[name] for output in outputs if name in output and output[name].ndim > 1]
        widths = {array.shape[-1] for array in scores if array.size}
        if len(widths) == 1 and 1 < (width := widths.pop()) <= _MOST_CLASSES:
            yield _class_item(name, scores, signature.classes.get(name, tuple(range(width))))


def _score_outputs(signature: Signature) -> Iterator[str]:
    """Scores by the signature's own word; without one by the names of floating tables."""
    known = {*signature.labels.values(), *signature.classes} - {""}
    for spec in signature.outputs:
        table = spec.shape is not None and len(spec.shape) == 2 and spec.dtype.startswith("float")
        if spec.name in known or (table and any(word in spec.name.lower() for word in _SCORES)):
            yield spec.name


def _class_item(name: str, scores: Sequence[Array], classes: Sequence[object]) -> Covered:
    width = scores[0].shape[-1]
    chosen = {
        int(place)
        for array in scores
        for rows in [array.reshape(-1, width)]
        for place in np.unique(rows[np.isfinite(rows).all(axis=1)].argmax(axis=1))  # NaN is no choice
    }
    left = [repr(each) for place, each in enumerate(classes) if place not in chosen]
    missing = (f"without class {', '.join(left)}",) if 0 < len(left) <= 4 else ()
    return Covered(CoverageKind.CLASSES, name, len(chosen), width, missing)
