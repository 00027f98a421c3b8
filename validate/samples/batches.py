"""Splits the rows of the user's arrays into batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from .axes import leading
from .types import Sample

if TYPE_CHECKING:
    from ..signature import Array, Signature

DEFAULT_BATCH = 64
"""Rows per batch unless the user or the model decides."""


def split_into_batches(
    feed: Mapping[str, Array], signature: Signature, batch: int | None, prefix: str = ""
) -> tuple[list[Sample], list[str]]:
    """The rows of ``feed`` in batches, and notes about rows that were left out.

    A feed whose arrays share no batch axis stays whole. Unless ``batch`` is given, there are two sizes of batch where
    there are enough rows: a converter may have fixed the size that it saw. Raises ParityGateError PG204.
    """
    rows = _rows(feed, signature)
    if rows is None:
        return [Sample(f"{prefix}the only sample", dict(feed))], []
    axis = leading(signature)
    if isinstance(axis, int):
        sizes = _fixed(rows, axis, batch)
    else:
        sizes = _free(rows, batch)
    samples = _cut(feed, sizes, prefix, fixed=isinstance(axis, int))
    left = rows - sum(sizes)
    note = f"the last {left} of {rows} rows were left out: the model's batch size is fixed at {axis}"
    return samples, [note] if left else []


def _rows(feed: Mapping[str, Array], signature: Signature) -> int | None:
    """The number of rows that all arrays have; None where they share no batch axis."""
    ranks = {spec.name: len(spec.shape) for spec in signature.inputs if spec.shape is not None}
    arrays = {name: array for name, array in feed.items() if ranks.get(name) != 0}
    lengths = {array.shape[0] if array.ndim else None for array in arrays.values()}
    fits = leading(signature) is not None and all(array.ndim == ranks.get(name) for name, array in arrays.items())
    return lengths.pop() if fits and len(lengths) == 1 else None


def _fixed(rows: int, size: int, batch: int | None) -> list[int]:
    if batch not in (None, size):
        raise ParityGateError("PG204", f"batch size {batch}", f"the model's batch size is fixed at {size}")
    if rows < size:
        raise ParityGateError(
            "PG204",
            "samples",
            f"they have {rows} rows, but the model's batch size is fixed at {size}",
            f"Provide at least {size} rows.",
        )
    return [size] * (rows // size)


def _free(rows: int, batch: int | None) -> list[int]:
    size = batch or DEFAULT_BATCH
    sizes = [size] * (rows // size) + [rows % size] * (rows % size > 0)
    if batch is None and len(set(sizes)) == 1 and sizes[-1] > 2:
        last = sizes.pop()
        sizes += [last // 2 + 1, last - last // 2 - 1]
    return sizes or [0]


def _cut(feed: Mapping[str, Array], sizes: list[int], prefix: str, *, fixed: bool) -> list[Sample]:
    samples = []
    start = 0
    for size in sizes:
        rows = slice(start, start + size)
        label = f"row {start}" if size == 1 else f"rows {start}-{start + size - 1}"
        part = {name: array[rows] if array.ndim else array for name, array in feed.items()}
        samples.append(Sample(prefix + label, part, batch=None if fixed else size))
        start += size
    return samples
