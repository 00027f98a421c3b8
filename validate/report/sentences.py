"""Sentences about results: how many differ, by how much, where, what was allowed, what would have passed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .types import Digits, Errors, LabelAgreement, Metrics, OutputComparison, Tolerance, WorstElement
from .user_checks import Source

_MOST_NAMED = 5


def number(value: float | None) -> str:
    """Three significant digits; "-" for what could not be computed."""
    return "-" if value is None else f"{value:.3g}"


def rounded_up(value: float) -> str:
    """Three significant digits, never less than ``value``: a bound that is printed must pass when it is typed in."""
    text = f"{value:.3g}"
    if float(text) >= value:
        return text
    return f"{float(text) + 10.0 ** (math.floor(math.log10(value)) - 2):.3g}"


def allowed_text(tolerance: Tolerance) -> str:
    """The rule in force, e.g. ``atol 1e-06 + rtol 0.0001*|expected| + 128 ulp``."""
    if tolerance.exact:
        return "exact"
    if tolerance.source is Source.BUDGET:
        return "none for single elements: a budget decides"
    if tolerance.source is Source.COMPUTED:
        return f"{number(tolerance.factor)} x the noise floor (typically {number(tolerance.floor)})"
    ulps = f" + {tolerance.ulps:g} ulp" if tolerance.ulps else ""
    return f"atol {number(tolerance.atol)} + rtol {number(tolerance.rtol)}*|expected|{ulps}"


def headroom(output: OutputComparison) -> str:
    """How much of a computed allowance the worst element uses; "" where none was computed or nothing differs."""
    tolerance, worst = output.tolerance, output.worst
    if (
        tolerance is None
        or tolerance.source is not Source.COMPUTED
        or worst is None
        or not worst.allowed
        or not worst.error
    ):
        return ""
    return (
        f"the worst element is off by {number(worst.error)}, {worst.error / worst.allowed:.0%} of the "
        f"{number(worst.allowed)} that rounding explains there ({_count(tolerance.runs, 'perturbed run')})"
    )


def place(worst: WorstElement) -> str:
    """Where an element is, e.g. ``[0, 3] of sample 2``."""
    return f"{list(worst.index)} of sample {worst.sample}" if worst.index else f"sample {worst.sample}"


def values_differ(metrics: Metrics, tolerance: Tolerance, worst: WorstElement | None) -> str:
    """For numbers with a tolerance."""
    limit = "and none may" if tolerance.exact else f"by more than {allowed_text(tolerance)}"
    far = f", off by {number(worst.error)} where {number(worst.allowed)} is allowed" if worst else ""
    return (
        f"{_share(metrics.differing, metrics.elements)} differ {limit}"
        f"{_example('the worst', worst)}{far}{_would_pass(metrics, tolerance)}"
    )


def exact_values_differ(metrics: Metrics, worst: WorstElement | None) -> str:
    """For labels, integers, booleans and text."""
    which = "the worst" if worst and worst.error else "the first"
    return f"{_share(metrics.differing, metrics.elements)} differ and none may{_example(which, worst)}"


def nonfinite_differ(metrics: Metrics, worst: WorstElement | None) -> str:
    """For NaN and infinity that stand on one side only, or with another sign."""
    also = f"; {metrics.differing:,} of the finite elements differ too" if metrics.differing else ""
    share = _share(metrics.mismatched, metrics.elements)
    return f"{share} differ in NaN or infinity{_example('the first', worst)}{also}"


def dtypes_differ(reference: str, candidate: str) -> str:
    """A remark on an output that passes in another dtype; "" when it is the same."""
    return "" if reference == candidate else f"{reference} in the reference, {candidate} in the candidate"


def rounding_decides(digits: Digits, needed: float) -> str:
    """For an output whose values agree within bounds that are as wide as its own movement over the samples."""
    few = f"less than {10**needed:.3g} times what rounding explains, so fewer than {needed:g} digits were tested"
    return (
        f"rounding decides {_share(digits.untested, digits.elements)}{_columns(digits)}: the values agree, but "
        f"over the samples they move by {few}. Give samples on which they move, or bounds of your own"
    )


def _columns(digits: Digits) -> str:
    if digits.columns:
        return f", all of column {_listed([str(column) for column in digits.columns])}"
    if digits.channels:
        return f", almost all of {_listed([f'index {index} of axis {axis}' for axis, index in digits.channels])}"
    return ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")


def digits_tested(digits: Digits) -> str:
    """One line for every output: how sharp the comparison was."""
    share = (
        f"tested to {digits.reached:.1f} digits or better in {_percent(digits.share)} of {digits.elements:,} elements"
    )
    return share if not digits.untested else f"{share}; rounding decides {digits.untested:,} of them"


def _percent(share: float) -> str:
    """Never rounded up to all of them."""
    return "100 %" if share == 1 else f"{math.floor(share * 1e4) / 1e2:g} %"


def only_ties(labels: LabelAgreement) -> str:
    """For a label output that passes although some labels differ."""
    share = _share(labels.ties, labels.rows, "label")
    return f"{share} differ, only at ties: {labels.scores_name!r} scores both classes alike there"


def of_them_ties(labels: LabelAgreement) -> str:
    """An appendix for a label output that fails in more than ties."""
    return f"; {labels.ties:,} of them at ties of {labels.scores_name!r}" if labels.ties else ""


def _example(which: str, worst: WorstElement | None) -> str:
    if worst is None:
        return ""
    return f"; {which}, {place(worst)}: expected {_value(worst.expected)}, got {_value(worst.actual)}"


def _would_pass(metrics: Metrics, tolerance: Tolerance) -> str:
    errors = metrics.errors
    if errors is None or not math.isfinite(errors.required_atol):
        return ""
    return f"; would pass with rtol={tolerance.rtol:g} and atol={rounded_up(_required_atol(errors, tolerance))}"


def _required_atol(errors: Errors, tolerance: Tolerance) -> float:
    """What was measured, and the rounding of adding ``rtol*|expected|`` back to it."""
    return max(errors.required_atol, 0.0) + (4 * math.ulp(errors.max_absolute) if tolerance.rtol else 0.0)


def _share(some: int, total: int, noun: str = "element") -> str:
    return f"{some:,} of {_count(total, noun)}"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _value(value: float | int | bool | str) -> str:
    return f"{value:.9g}" if isinstance(value, float) else repr(value)
