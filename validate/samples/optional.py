"""Samples that the reference may fail on: lengths that its signature allows but its layers don't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from .types import Sample, SampleKind, Samples

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array, Feed

    Outputs = dict[str, Array]
    Run = Callable[[Sequence[Feed]], list[Outputs]]

_FAILED = "PG406"


_MOST_ROWS = 256
"""Of a sample that is refused, so many rows are tried: halving down to single rows takes two runs for each."""

_OUTSIDE = (
    "Generated samples may lie outside of what the model takes: give a range with --range NAME:LOW:HIGH, or real "
    "values with --samples."
)


def run_and_keep(samples: Samples, run: Run, *, by_rows: bool = False) -> tuple[Samples, list[Outputs]]:
    """The samples that the reference runs on, and its outputs.

    ``run`` runs it on several feeds. An optional sample on which it fails is left out with a note: a network that
    halves an image five times may fail on one pixel. So is one that it answers with NaN alone, which is no answer: a
    bound of 0 is often no more than formal. With ``by_rows``, for a model that looks at each row by itself, so are
    generated rows that it refuses, such as negative ones before a logarithm. Raises ParityGateError PG406 for any other
    sample, and where no row is left.
    """
    required = [sample for sample in samples.items if not sample.optional]
    notes: list[str] = []
    try:
        outputs = run([sample.feed for sample in required])
    except ParityGateError as error:
        if error.code != _FAILED or samples.seed is None:
            raise
        kept = [part for sample in required for part in _accepted(sample, run)] if by_rows else []
        if not kept:
            raise ParityGateError(error.code, error.subject, error.cause, error.remedy or _OUTSIDE) from error
        notes.append(_left_out(required, kept, error))
        required, outputs = kept, run([sample.feed for sample in kept])
    kept = list(required)
    refused: list[tuple[Sample, str]] = []
    for sample in samples.items:
        if not sample.optional:
            continue
        try:
            (output,) = run([sample.feed])
        except ParityGateError as error:
            if error.code != _FAILED:
                raise
            refused.append((sample, error.cause))
            continue
        if _says_nothing(sample, output):
            refused.append((sample, "an output is NaN throughout"))
        else:
            kept.append(sample)
            outputs.append(output)
    return replace(samples, items=tuple(kept), notes=(*samples.notes, *notes, *_note(refused))), outputs


def _accepted(sample: Sample, run: Run) -> list[Sample]:
    """The sample, or those of its rows that the model runs on, found by halving; none for one without rows."""
    rows = np.arange(min(sample.batch or 0, _MOST_ROWS))
    kept = _accepted_rows(sample.feed, rows, run)
    if len(kept) == sample.batch:
        return [sample]
    label = f"{sample.label}, {len(kept)} of its rows"
    feed = {name: array[kept] for name, array in sample.feed.items()}
    return [replace(sample, label=label, feed=feed, batch=len(kept))] if len(kept) else []


def _accepted_rows(feed: Feed, rows: npt.NDArray[np.int64], run: Run) -> npt.NDArray[np.int64]:
    try:
        run([{name: array[rows] for name, array in feed.items()}] if len(rows) else [])
    except ParityGateError as error:
        if error.code != _FAILED:
            raise
        if len(rows) == 1:
            return rows[:0]
        middle = len(rows) // 2
        return np.concatenate([_accepted_rows(feed, part, run) for part in (rows[:middle], rows[middle:])])
    return rows


def _left_out(samples: Sequence[Sample], kept: Sequence[Sample], error: ParityGateError) -> str:
    before, after = (sum(sample.batch or 0 for sample in group) for group in (samples, kept))
    reason = error.cause.split("\n")[0]
    return f"the reference refuses {before - after} of {before} generated rows; left out: {reason}. {_OUTSIDE}"


def _says_nothing(sample: Sample, output: Mapping[str, Array]) -> bool:
    """Whether the reference gives no answer to an optional sample.

    To infinity among its inputs a network answers with what products of zero and infinity come to in its own order of
    operations; only a model that gives finite values, such as a tree, means something by it. Nor does a model mean
    anything by NaN that gives the same for every row then: a fused ReLU of TensorFlow's gives 0 for NaN, and all that
    the row holds is lost.
    """
    if sample.kind is SampleKind.SPECIAL and _same_for_all_rows(output):
        return True
    if sample.kind is SampleKind.SPECIAL and any(_has_infinity(array) for array in sample.feed.values()):
        return not all(np.isfinite(array).all() for array in output.values() if array.dtype.kind in "fc")
    return only_nan(output)


def _same_for_all_rows(output: Mapping[str, Array]) -> bool:
    arrays = [array for array in output.values() if array.ndim and array.dtype.kind in "fc" and len(array) > 1]
    return bool(arrays) and all(np.array_equal(a, np.broadcast_to(a[:1], a.shape), equal_nan=True) for a in arrays)


def _has_infinity(array: Array) -> bool:
    return array.dtype.kind == "f" and bool(np.isinf(array).any())


def only_nan(output: Mapping[str, Array]) -> bool:
    """Whether an output has elements, and all of them are NaN."""
    return any(array.size and array.dtype.kind in "fc" and bool(np.isnan(array).all()) for array in output.values())


def _note(refused: Sequence[tuple[Sample, str]]) -> list[str]:
    """Nothing of special values: that a model refuses NaN is no news."""
    refused = [(sample, reason) for sample, reason in refused if sample.kind is not SampleKind.SPECIAL]
    if not refused:
        return []
    names = " or ".join(sample.label.removeprefix("lengths, ") for sample, _ in refused)
    reason = refused[0][1].split("\n")[0]
    return [f"the signature allows {names}, but the reference fails there; left out: {reason}"]
