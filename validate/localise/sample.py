"""Which samples are looked at again: the one that fails worst, and another one to know tensors by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.registry import Format
from ..job import EXPECTED, SAMPLES
from ..report import OutputComparison
from ..samples import Sample, Samples, load_outputs, load_samples, save_samples
from . import source as task

if TYPE_CHECKING:
    from ..signature import Array


def write_samples(folder: Path, candidate: Format, row: OutputComparison) -> int:
    """Leave the sample that fails worst, and one more to know tensors by; gives the first one's number.

    A candidate that takes single rows gets the row that fails.
    """
    samples = load_samples(folder / SAMPLES).items
    number = _number_of(row, load_outputs(folder / EXPECTED))
    others = [i for i in range(len(samples)) if i != number and _alike(samples[i], samples[number])]
    picked = [samples[i] for i in (number, *others[:1])]
    if candidate.takes_single_rows:
        picked = [_one_row(sample, row) for sample in picked]
    save_samples(Samples(tuple(picked), "failing sample", None), folder / task.SAMPLES)
    return number


def _number_of(row: OutputComparison, expected: Sequence[Mapping[str, Array]]) -> int:
    """The number of the sample that holds the worst element, counted among all samples.

    The report counts those that were compared, so it is that one or a later one; the expected value tells which.
    """
    if row.worst is None:
        return 0
    wanted, later = row.worst, range(row.worst.sample, len(expected))
    values = {number: _at(expected[number].get(row.name), wanted.index) for number in later}
    return next((number for number, value in values.items() if _same(value, wanted.expected)), wanted.sample)


def _at(array: Array | None, index: tuple[int, ...]) -> Any:
    if array is None or len(index) != array.ndim or any(i >= n for i, n in zip(index, array.shape, strict=True)):
        return None
    return array[index].item()


def _same(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b and a is not None))


def _alike(one: Sample, other: Sample) -> bool:
    ranks = [{name: array.ndim for name, array in sample.feed.items()} for sample in (one, other)]
    return one.kind == other.kind and ranks[0] == ranks[1]


def _one_row(sample: Sample, row: OutputComparison) -> Sample:
    """The row of a batch that holds the worst element; the sample itself where it isn't a batch."""
    lengths = {array.shape[0] if array.ndim else None for array in sample.feed.values()}
    if sample.batch is None or lengths != {sample.batch}:
        return sample
    worst = row.worst.index[0] if row.worst is not None and row.worst.index else 0
    at = min(worst, sample.batch - 1)
    rows = {name: np.ascontiguousarray(array[at : at + 1]) for name, array in sample.feed.items()}
    return replace(sample, feed=rows, batch=1)
