"""Samples that the reference may fail on: lengths that its signature allows but its layers don't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from .types import Sample, SampleKind, Samples

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = dict[str, Array]

_FAILED = "PG406"


def run_and_keep(samples: Samples, run: Callable[[Sequence[Feed]], list[Outputs]]) -> tuple[Samples, list[Outputs]]:
    """The samples that the reference runs on, and its outputs.

    ``run`` runs it on several feeds. An optional sample on which it fails is left out with a note: a network that
    halves an image five times may fail on one pixel. So is one that it answers with NaN alone, which is no answer: a
    bound of 0 is often no more than formal. Raises ParityGateError PG406 for any other sample.
    """
    required = [sample for sample in samples.items if not sample.optional]
    outputs = run([sample.feed for sample in required])
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
    return replace(samples, items=tuple(kept), notes=(*samples.notes, *_note(refused))), outputs


def _says_nothing(sample: Sample, output: Mapping[str, Array]) -> bool:
    """Whether the reference gives no answer to an optional sample.

    To infinity among its inputs a network answers with what products of zero and infinity come to in its own order of
    operations; only a model that gives finite values, such as a tree, means something by it.
    """
    if sample.kind is SampleKind.SPECIAL and any(_has_infinity(array) for array in sample.feed.values()):
        return not all(np.isfinite(array).all() for array in output.values() if array.dtype.kind in "fc")
    return only_nan(output)


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
