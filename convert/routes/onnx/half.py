"""A step behind every route to ONNX: the float32 candidate becomes one that computes in float16, wholly or mixed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ....validate.errors import ParityGateError
from ..base import MIXED, Candidate, RouteOptions

if TYPE_CHECKING:
    from ....validate.signature import Signature


def narrowed(candidate: Candidate, signature: Signature, options: RouteOptions) -> Candidate:
    """The candidate in ``options.precision``, written over its file; inputs and outputs keep their types.

    ``signature`` is the source's. Raises ParityGateError PG404 where no operator of it can compute in float16, PG405
    where the result isn't valid ONNX, and PG201 for mixed precision without samples.
    """
    from ..half_precision import note_on
    from .half_graph import write_half
    from .half_search import operators_in_float32

    if options.precision != MIXED:
        count, nodes = write_half(candidate.path, candidate.path)
        note = f"{count} of {nodes} operators compute in float16; inputs and outputs keep their types"
        return replace(candidate, notes=(*candidate.notes, note))
    if options.evidence is None:
        raise ParityGateError("PG201", "mixed precision", "it needs samples, and there are none")
    kept = operators_in_float32(candidate, signature, options.evidence)
    count, nodes = write_half(candidate.path, candidate.path, kept)
    every = f"mixed precision: {count} of {nodes} operators compute in float16, all that can"
    return replace(candidate, notes=(*candidate.notes, note_on(kept) if kept else every))
