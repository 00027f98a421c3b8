"""Run a model that takes single rows on batches: each row separately, the outputs joined again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from ..signature import Dim, Signature

if TYPE_CHECKING:
    from ..signature import Array, Feed

_BATCH = "batch"


def takes_rows(signature: Signature, feeds: Sequence[Feed]) -> bool:
    """Whether ``feeds`` don't fit ``signature`` as they are, but each of their rows does."""
    shapes = {spec.name: spec.shape for spec in signature.inputs}
    if all(_fits(shapes[name], array.shape) for feed in feeds for name, array in feed.items()):
        return False
    return all(
        array.ndim > 0 and len(array) == rows_of(feed) and _takes_row(shapes[name], array.shape)
        for feed in feeds
        for name, array in feed.items()
    )


def rows_of(feed: Feed) -> int:
    """The number of rows of a feed's first array."""
    return len(next(iter(feed.values())))


def split(feed: Feed, signature: Signature) -> list[dict[str, Array]]:
    """The rows of a feed, each in the shape that the input declares."""
    shapes = {spec.name: spec.shape for spec in signature.inputs}
    return [
        {name: array[i] if _fits(shapes[name], array.shape[1:]) else array[i : i + 1] for name, array in feed.items()}
        for i in range(rows_of(feed))
    ]


def join(rows: Sequence[Mapping[str, Array]], expected: Mapping[str, Array]) -> dict[str, Array]:
    """One array per output; the ranks of ``expected``, the reference's outputs, tell whether rows have a batch axis.

    Raises ParityGateError PG302 if the rows of an output differ in shape.
    """
    for name in rows[0]:
        shapes = {row[name].shape for row in rows}
        if len(shapes) > 1:
            cause = f"its shape changes from row to row: {', '.join(map(str, sorted(shapes)))}"
            raise ParityGateError("PG302", name, cause)
    return {name: _joined([row[name] for row in rows], expected.get(name)) for name in rows[0]}


def _joined(parts: Sequence[Array], expected: Array | None) -> Array:
    has_batch = expected is not None and all(part.ndim == expected.ndim and len(part) == 1 for part in parts)
    return np.concatenate(parts) if has_batch else np.stack(parts)


def as_batches(signature: Signature) -> Signature:
    """The signature of a model of single rows when it runs on batches, row by row."""
    return replace(
        signature,
        inputs=tuple(replace(spec, shape=_batched(spec.shape)) for spec in signature.inputs),
        outputs=tuple(replace(spec, shape=None) for spec in signature.outputs),
    )


def _batched(shape: tuple[Dim, ...] | None) -> tuple[Dim, ...] | None:
    if shape is None:
        return None
    return (_BATCH, *shape[1:]) if shape and shape[0] == 1 else (_BATCH, *shape)


def _takes_row(declared: tuple[Dim, ...] | None, given: tuple[int, ...]) -> bool:
    return _fits(declared, given[1:]) or _fits(declared, (1, *given[1:]))


def _fits(declared: tuple[Dim, ...] | None, given: tuple[int, ...]) -> bool:
    """Whether an array has the declared shape; a scalar also fits a vector of length 1."""
    if declared is None:
        return True
    if len(declared) != len(given):
        return declared == (1,) and given == ()
    return all(isinstance(d, str) or d == n for d, n in zip(declared, given, strict=True))
