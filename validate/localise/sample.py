"""Which samples are looked at again: the one that fails worst, and another one to know tensors by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report.types import OutputComparison
from ..samples import Sample, Samples, load_outputs, load_samples, save_samples
from ..workers.job_folder import JobFolder

if TYPE_CHECKING:
    from ..signature import Array


@dataclass(frozen=True, slots=True)
class Picked:
    """The sample that is looked at, by its number among all, and the row of its batch that was taken out of it.

    ``row`` is None where the whole sample is looked at.
    """

    number: int
    row: int | None


def write_samples(job: JobFolder, failing: OutputComparison, *, alone: bool) -> Picked:
    """Leave the sample that fails worst in the job's folder, and one more to know tensors by.

    ``alone`` takes the row that fails out of a batch: a candidate may take single rows only, and the rest of a batch
    makes the search slower and the repro larger.
    """
    samples = load_samples(job.samples).items
    number = _number_of(failing, load_outputs(job.expected))
    others = [i for i in range(len(samples)) if i != number and _alike(samples[i], samples[number])]
    picked = [samples[i] for i in (number, *others[:1])]
    worst = failing.worst.index[0] if failing.worst is not None and failing.worst.index else 0
    row = min(worst, (samples[number].batch or 1) - 1)
    if alone:
        picked = [_one_row(sample, row) for sample in picked]
    save_samples(Samples(tuple(picked), "failing sample", None), job.traced_samples)
    return Picked(number, row if picked[0] is not samples[number] else None)


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


def _one_row(sample: Sample, row: int) -> Sample:
    """One row of a batch, the last one of a shorter batch; the sample itself where it isn't a batch."""
    lengths = {array.shape[0] if array.ndim else None for array in sample.feed.values()}
    if sample.batch is None or sample.batch == 1 or lengths != {sample.batch}:
        return sample
    at = min(row, sample.batch - 1)
    rows = {name: np.ascontiguousarray(array[at : at + 1]) for name, array in sample.feed.items()}
    return replace(sample, feed=rows, batch=1)
