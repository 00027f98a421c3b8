"""Does the candidate take what the reference takes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..report.types import Finding, Severity
from ..signature import Signature, TensorSpec
from .comparison import Comparison


def check_interface(comparison: Comparison) -> Iterator[Finding]:
    """An input that is gone, or an axis that was dynamic and now is fixed, changes what the user can feed.

    A fixed axis is a fault of a conversion unless the user requested this very length; two models that the user chose
    may differ in it.
    """
    given = _inputs_by_reference_name(comparison.candidate, comparison.inputs)
    severity = Severity.ERROR if comparison.converted else Severity.WARNING
    for spec in comparison.reference.inputs:
        if spec.name in given:
            yield from _check_axes(spec, given[spec.name], severity, comparison.fixed)
        else:
            message = "the candidate has no such input: it can't influence what the converter kept of the model"
            yield Finding("PG108", Severity.WARNING, f"input {spec.name}", message)


def _inputs_by_reference_name(candidate: Signature, inputs: Mapping[str, str]) -> dict[str, TensorSpec]:
    return {inputs.get(spec.name, spec.name): spec for spec in candidate.inputs}


def _check_axes(
    wanted: TensorSpec, given: TensorSpec, severity: Severity, fixed: Mapping[str, int]
) -> Iterator[Finding]:
    where = f"input {wanted.name}"
    for axis, (dim, length) in enumerate(zip(wanted.shape or (), given.shape or (), strict=False)):
        if isinstance(dim, str) and fixed.get(dim) == length:
            yield Finding("", Severity.NOTE, where, f"axis {axis} ({dim}) is {length}, as requested")
        elif isinstance(dim, str) and isinstance(length, int):
            message = f"axis {axis} is dynamic ({dim}) in the reference and fixed to {length} in the candidate"
            yield Finding("PG108", severity, where, message)
