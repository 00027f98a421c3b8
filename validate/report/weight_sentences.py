"""Sentences about the comparison of weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..weights.types import WeightDifference, WeightsProof
from .coverage import Coverage, CoverageKind
from .types import Finding, Severity

_MOST_NAMED = 3
_TABLES = (CoverageKind.ROWS, CoverageKind.POSITIONS)


def weights_line(proof: WeightsProof) -> str:
    """How many of the reference's values were found, how, and what was found nowhere."""
    ways = {"identical": proof.identical, "rounded to the candidate's type": proof.cast, "folded": proof.folded}
    shares = ", ".join(f"{_percent(count, proof.values)} {way}" for way, count in ways.items() if count)
    found = f"{proof.accounted:,} of {proof.values:,} parameter values accounted for"
    parts = (
        f"{found} ({shares})" if shares else found,
        _named("found nowhere in the candidate", proof.missing),
        _named("constants that come from no parameter", proof.unexplained),
    )
    return "; ".join(filter(None, parts))


def weight_findings(proof: WeightsProof, severity: Severity = Severity.ERROR) -> Iterator[Finding]:
    """A finding for each parameter whose counterpart holds other values."""
    for each in proof.differences:
        hint = (
            "The candidate is a different model than the reference, whether or not a sample shows it. Convert it again."
        )
        yield Finding("PG114", severity, f"parameter {each.parameter}", _difference(each), hint)


def proved_tables(proof: WeightsProof | None, coverage: Coverage) -> frozenset[str]:
    """The tables of the candidate, such as embeddings, whose values are the reference's: they need no sample."""
    if proof is None:
        return frozenset()
    doubtful = {*proof.unexplained, *(each.constant for each in proof.differences)}
    tables = {item.name for kind in _TABLES for item in coverage.of(kind)}
    return frozenset(tables - doubtful)


def _difference(each: WeightDifference) -> str:
    total = math.prod(each.shape)
    where = f"the first at {list(each.index)}: expected {each.expected:.9g}, got {each.actual:.9g}"
    return f"{each.places:,} of {total:,} values differ in {each.constant!r} of the candidate, {where}"


def _named(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{what}: {', '.join(names[:_MOST_NAMED])}{more}"


def _percent(part: int, whole: int) -> str:
    """Rounded down: never all of them unless it is so."""
    return "all" if part == whole else f"{math.floor(1000 * part / whole) / 10:g} %"
