"""Is the reference fit to judge by? It must agree with itself, in a second run and in another batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from ..report.types import Finding, Severity, Tolerance
from ..signature import TensorSpec
from .compare import compare_outputs
from .computed import ComputedPolicy
from .evidence import Evidence
from .policies import DefaultPolicy, coarser_dtype
from .policy import Policy

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array

    Outputs = Sequence[Mapping[str, Array]]

VALUES = frozenset({"PG101", "PG106", "PG107"})
"""Codes of outputs whose values differ."""

DIFFERENCES = VALUES | {"PG102", "PG103"}
"""The same, and of outputs whose shapes or dtypes do."""

EDGES = frozenset({"zeros", "tiny", "large", "special"})
DEGENERATE_KINDS = EDGES | {"lengths", "masks"}
"""Generated kinds at the edge of what a model means; all others are what it is for."""


class _WidestPolicy(DefaultPolicy):
    """The default tolerance of the coarsest dtype that a faithful candidate may give.

    An estimator that is fed float32 gives float64 that is no better than float32.
    """

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The coarsest dtype's tolerance."""
        coarsest = reduce(coarser_dtype, spec.accepts, candidate_dtype)
        return DefaultPolicy.tolerance(self, spec, reference, coarsest)


def check_repeatable(
    specs: Sequence[TensorSpec], expected: Outputs, repeated: Outputs, policy: Policy
) -> Iterator[Finding]:
    """An error for each output in which two runs of the reference differ: it proves nothing."""
    same = {spec.name: spec.name for spec in specs}
    for output in compare_outputs(specs, expected[: len(repeated)], repeated, same, policy):
        if output.code in DIFFERENCES:
            yield Finding(
                "PG307",
                Severity.ERROR,
                output.name,
                f"two runs of the reference on the same samples differ: {output.reason}",
                "Switch off dropout, random operators and hidden state before converting.",
            )


def batch_dependent(specs: Sequence[TensorSpec], alone: Outputs, paired: Outputs) -> frozenset[int]:
    """The numbers of the samples whose outputs change when the batch also holds a copy of the row.

    Judged by the default tolerance: a user's bound of zero is meant for the candidate, not for sums in another order.
    """
    policy = _WidestPolicy()
    same = {spec.name: spec.name for spec in specs}
    return frozenset(
        number
        for number, (single, pair) in enumerate(zip(alone, paired, strict=True))
        if pair and any(output.code in VALUES for output in compare_outputs(specs, [single], [pair], same, policy))
    )


def is_noise(specs: Sequence[TensorSpec], alone: Outputs, paired: Outputs, evidence: Evidence) -> bool:
    """Whether measured rounding explains how the outputs of rows change beside a copy; bounds of the user do not."""
    same = {spec.name: spec.name for spec in specs}
    policy = ComputedPolicy().informed(evidence)
    return not any(output.code in VALUES for output in compare_outputs(specs, alone, paired, same, policy))


def check_batch(samples: Sequence[Sample], dependent: frozenset[int], left_out: frozenset[int]) -> Iterator[Finding]:
    """A warning for each sample that was left out, an error for any other one that depends on its batch."""
    for number in sorted(dependent):
        message = (
            f"sample {number} ({samples[number].label}): the reference's output for this row changes when the batch "
            "also holds a copy of it"
        )
        if number in left_out:
            hint = "Rounding decides the output there: the sample was left out, later ones are numbered without it."
            yield Finding("PG309", Severity.WARNING, "reference", message, hint)
        else:
            hint = "Put the model into inference mode: its rows must not depend on one another."
            yield Finding("PG309", Severity.ERROR, "reference", message, hint)
