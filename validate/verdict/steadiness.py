"""Does the candidate give one answer? A file that is run must give the same outputs when it is run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..report.types import Finding, Severity, Tolerance
from ..signature import TensorSpec
from .compare import compare_outputs
from .comparison import Comparison
from .policies import DEFAULTS, DefaultPolicy, coarser_dtype
from .reference_checks import DIFFERENCES

if TYPE_CHECKING:
    from ..signature import Array

_ULPS = 4.0
"""At the scale of an output: what threads that add up in another order explain."""

_HINT = "Convert the model in inference mode, or replace what draws random numbers."


class _SteadyPolicy(DefaultPolicy):
    """A few ulps."""

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The same for all floating dtypes."""
        dtype = coarser_dtype(spec.dtype, candidate_dtype)
        return Tolerance(ulps=_ULPS, dtype=dtype) if dtype in DEFAULTS else Tolerance()


class _ExactPolicy(DefaultPolicy):
    """Not a bit."""

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """Nothing may differ."""
        return Tolerance()


def check_steady(comparison: Comparison) -> Iterator[Finding]:
    """An error for each output in which two runs of the candidate differ; of random operators at least a warning."""
    of_candidate, random = comparison.of_candidate, comparison.random
    actual, repeated = of_candidate.actual, of_candidate.repeated
    policy = _ExactPolicy() if random else _SteadyPolicy()
    named = {name for outputs in repeated for name in outputs}
    specs = [spec for spec in comparison.candidate.outputs if spec.name in named]
    drawn = f" ({', '.join(random)})" if random else ""
    found = False
    for output in compare_outputs(
        specs, actual[: len(repeated)], repeated, {spec.name: spec.name for spec in specs}, policy
    ):
        if output.code in DIFFERENCES:
            found = True
            message = f"two runs of the candidate on the same samples differ{drawn}: {output.reason}"
            yield Finding("PG307", Severity.ERROR, f"output {output.candidate_name}", message, _HINT)
    if random and not found:
        message = f"it draws random numbers{drawn}, which no two runs showed in its outputs"
        yield Finding("PG307", Severity.WARNING, "candidate", message, _HINT)
