"""What a report says of a proof of trees."""

from __future__ import annotations

from collections.abc import Iterator

from ..trees.types import TreeDifference, TreesProof
from .types import Finding, Severity

_MOST_INPUTS = 12


def tree_lines(proof: TreesProof | None) -> Iterator[str]:
    """How many trees are proved equal, for which inputs, what isn't proved, and how many leaves the samples reached."""
    if proof is None:
        return
    whole = "" if proof.whole else " of the trees' own (what comes before the trees is tested by the samples)"
    claim = f"proved equal for all {proof.domain}{whole}, leaves {proof.rounding}" if proof.proved else "proved equal"
    claim += f"; {proof.differing:,} differ" if proof.differing else ""
    yield f"trees: {proof.proved:,} of {proof.trees:,} {claim}; what follows their sums is tested by the samples"
    if proof.outside:
        yield f"trees: not part of the proof: {'; '.join(proof.outside)}"
    if proof.reached is not None:
        equal = " (values of all of them proved equal)" if proof.proved == proof.trees else ""
        yield f"leaves reached: {proof.reached:,} of {proof.leaves:,}{equal}"


def tree_findings(proof: TreesProof | None, severity: Severity = Severity.ERROR) -> Iterator[Finding]:
    """The first difference, with an input that tells the trees apart."""
    if proof is None:
        return
    for difference in proof.differences:
        others = proof.differing - 1
        more = f"; {others:,} more {'tree differs' if others == 1 else 'trees differ'}" if others else ""
        yield Finding("PG115", severity, "trees", _apart(difference) + more, _HINT)
        return


_HINT = "Run both models on that input to see it; convert with another --route, or tell the converter's authors."


def _apart(found: TreeDifference) -> str:
    shown = ", ".join(f"column {column} = {value:.9g}" for column, value in found.inputs[:_MOST_INPUTS])
    left = len(found.inputs) - _MOST_INPUTS
    others = f", and {left} more columns (see the JSON report)" if left > 0 else ""
    where = f"tree {found.tree} of {found.ensemble}, node {found.node}"
    sums = "{:.9g} in the reference and {:.9g} in the candidate".format(*found.sums)
    return (
        f"{where}: the {found.part} is {_value(found.reference)} in the reference and {_value(found.candidate)} in the "
        f"candidate; for an input with {shown or 'any values'}{others}, and 0 elsewhere, the trees sum to {sums}"
    )


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.9g}"
