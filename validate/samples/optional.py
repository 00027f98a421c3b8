"""Samples that the reference may fail on: lengths that its signature allows but its layers don't."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from .types import Sample, Samples

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = dict[str, Array]

_FAILED = "PG406"


def run_and_keep(samples: Samples, run: Callable[[Sequence[Feed]], list[Outputs]]) -> tuple[Samples, list[Outputs]]:
    """The samples that the reference runs on, and its outputs.

    ``run`` runs it on several feeds. An optional sample on which it fails is left out with a note: a network that
    halves an image five times may fail on one pixel. Raises ParityGateError PG406 for any other sample.
    """
    required = [sample for sample in samples.items if not sample.optional]
    outputs = run([sample.feed for sample in required])
    kept = list(required)
    refused: list[tuple[Sample, str]] = []
    for sample in samples.items:
        if not sample.optional:
            continue
        try:
            outputs += run([sample.feed])
        except ParityGateError as error:
            if error.code != _FAILED:
                raise
            refused.append((sample, error.cause))
        else:
            kept.append(sample)
    return replace(samples, items=tuple(kept), notes=(*samples.notes, *_note(refused))), outputs


def _note(refused: Sequence[tuple[Sample, str]]) -> list[str]:
    if not refused:
        return []
    names = " or ".join(sample.label.removeprefix("lengths, ") for sample, _ in refused)
    reason = refused[0][1].split("\n")[0]
    return [f"the signature allows {names}, but the reference fails there; left out: {reason}"]
