"""The coverage of one comparison, from what the candidate's graph showed and from the samples and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..report.coverage import Coverage
from ..report.coverage_text import below, not_exercised
from ..report.types import Finding, Severity
from .from_samples import axes_of, class_items, mask_items

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array, Signature


def coverage_of(
    samples: Sequence[Sample],
    signature: Signature,
    outputs: Sequence[Mapping[str, Array]],
    in_graph: Coverage | None = None,
) -> Coverage:
    """What the samples exercised of a reference with this ``signature``, which gave ``outputs`` for them.

    ``in_graph`` was counted inside of the candidate's graph; None where it has none.
    """
    batches = [sample.batch for sample in samples if sample.batch is not None]
    in_graph = in_graph or Coverage(uncounted="the candidate has no graph to count in")
    items = (*in_graph.items, *class_items(outputs, signature), *mask_items(samples, signature))
    return Coverage(items, max(batches, default=None), axes_of(samples, signature), in_graph.uncounted)


def check_coverage(coverage: Coverage, least: float | None) -> Iterator[Finding]:
    """An error where the samples exercised less than the share ``least`` of anything that is counted.

    What could not be counted was not shown to be exercised, so that is an error as well.
    """
    if least is None:
        return
    if coverage.uncounted:
        yield _finding(f"a coverage of {least:.4g} was asked for, but {coverage.uncounted}")
    elif text := below(coverage, least):
        yield _finding(
            f"the samples exercised {text}, where a share of {least:.4g} was asked for; "
            f"not exercised: {not_exercised(coverage)}"
        )


def _finding(message: str) -> Finding:
    hint = "Give samples that exercise what is missing with --samples, or ask for less with --min-coverage."
    return Finding("PG319", Severity.ERROR, "coverage", message, hint)
