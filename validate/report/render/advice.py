"""What a reader of a failed report needs first: what differs, by how much, since where, and what to do next.

All of it is derived from the report, so that every renderer leads with the same words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..problems import errors_of, explaining, problems_of
from ..sentences import number, place
from ..user_checks import Source
from .divergence import origin

if TYPE_CHECKING:
    from ..budgets import BudgetResult
    from ..types import Finding, OutputComparison, ReportData, WorstElement

_NEAR = 30.0
"""Up to so many times the allowance, a difference may still be one of precision; wrong operators are further off."""

_MEANINGS = {
    "PG101": "the candidate gives different values",
    "PG102": "the candidate gives a different shape",
    "PG103": "the candidate gives a different dtype",
    "PG104": "the candidate lacks an output",
    "PG105": "the candidate has an output that the reference lacks",
    "PG106": "only one of the models gives NaN or infinity",
    "PG107": "the candidate gives different labels or whole numbers",
    "PG109": "an output has no element in any sample",
    "PG111": "the values can't be compared",
    "PG306": "nothing was compared",
    "PG315": "the values agree within bounds that are as wide as their own movement",
}
"""Code of an output -> what it means."""

_NEXT = {
    "PG102": "If an axis should stay free, declare it with --dynamic NAME:AXIS, or its length with --input.",
    "PG106": "If the samples are outside of the model's domain, give real ones with --samples, or a --range.",
    "PG109": "Give samples for which the output has elements, with --samples.",
}
"""Code of an output -> what to try."""

_UNBOUND = ("PG104", "PG105")
_SPOILT = ("PG101", "PG106", "PG107")
"""What rounding to a narrow type can cause: other values, overflow, and other labels."""


def advice(report: ReportData) -> Iterator[tuple[str, str]]:
    """(head, text) of the lines that a report without a pass leads with; nothing for a pass."""
    if report.passed:
        return
    worst = _worst_output(report)
    yield "result", _result(report, worst)
    if report.divergence is not None:
        yield "starts at", origin(report.divergence)
    found = errors_of(problems_of(report))
    yield from _listed("next", tuple(_next_steps(report, worst)) or (remedy_of(found[0].code),))
    yield "more", explaining(found)


def remedy_of(code: str) -> str:
    """What to do where nothing more special is known."""
    from ...guides import GUIDES

    return GUIDES[code].fix if code in GUIDES else f"paritygate explain {code}"


def _listed(head: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for count, line in enumerate(dict.fromkeys(lines)):
        yield "" if count else head, line


def _worst_output(report: ReportData) -> OutputComparison | None:
    """The failing output that uses most of its allowance; one without a measure of that before all others."""
    failing = [output for output in report.outputs if not output.passed]
    return max(failing, key=_severity, default=None)


def _severity(output: OutputComparison) -> float:
    return math.inf if output.code != "PG101" else _times_allowed(output.worst) or 0.0


def _times_allowed(worst: WorstElement | None) -> float | None:
    if worst is None or not worst.error or worst.allowed is None:
        return None
    return worst.error / worst.allowed if worst.allowed else math.inf


def _result(report: ReportData, output: OutputComparison | None) -> str:
    if output is None:
        first = next(_errors(report), None)
        return "nothing was compared" if first is None else _of_finding(first)
    if broken := _broken_budgets(report, output):
        return f"a budget isn't kept: {output.name!r}: {broken[0].sentence}"
    name = output.name or output.candidate_name
    counted = sum(not each.passed for each in report.outputs)
    others = f" ({counted} of {len(report.outputs)} outputs fail)" if counted > 1 else ""
    return f"{_MEANINGS.get(output.code, 'the outputs do not agree')} in {name!r}{others}{_how_far(output)}"


def _broken_budgets(report: ReportData, output: OutputComparison) -> list[BudgetResult]:
    return [budget for budget in report.budgets if budget.subject == output.name and not budget.passed]


def _errors(report: ReportData) -> Iterator[Finding]:
    return (finding for finding in report.findings if finding.severity.value == "error")


def _of_finding(finding: Finding) -> str:
    """What an error beside the values means: PG1xx says that the models differ, other codes that nothing is proved."""
    meaning = "the models differ" if finding.code.startswith("PG1") else "the values agree, but parity is not proved"
    return f"{meaning}: {finding.where}: {finding.message}"


def _how_far(output: OutputComparison) -> str:
    """The worst element's error in units of the output, and as a share of what is allowed."""
    worst, metrics = output.worst, output.metrics
    if worst is None or metrics is None:
        return ""
    at = f": {_shown(worst.actual)} instead of {_shown(worst.expected)} at {place(worst)}"
    if worst.error is None:
        return at
    largest = metrics.errors.largest if metrics.errors else None
    share = f", {worst.error / largest:.2g} of the output's largest value ({number(largest)})" if largest else ""
    return f"{at}, off by {number(worst.error)}{share}{_beyond(output)}"


def _beyond(output: OutputComparison) -> str:
    times, tolerance = _times_allowed(output.worst), output.tolerance
    if times is None or tolerance is None or tolerance.exact or math.isinf(times):
        return ""
    what = "what rounding explains" if tolerance.source is Source.COMPUTED else "what is allowed"
    return f" and {times:.3g} times {what}"


def _shown(value: float | int | bool | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _next_steps(report: ReportData, worst: OutputComparison | None) -> Iterator[str]:
    """What to do, the most promising first."""
    if worst is None:
        yield from (finding.hint for finding in _errors(report) if finding.hint)
        return
    if _broken_budgets(report, worst):
        yield "Allow more in the budget, or quantise less: with --quantize weights the arithmetic stays in float32."
        return
    if report.divergence is not None and report.divergence.command:
        yield f"Run the smallest part that still fails: {report.divergence.command}"
    if worst.code in _UNBOUND:
        yield f"Bind outputs whose names differ: {_bindings(report)}"
    if worst.code in _NEXT:
        yield _NEXT[worst.code]
    if report.route and worst.code in _SPOILT and _is_narrow(report, worst):
        yield "Keep in float32 what float16 spoils: --precision mixed, or all of it: --precision fp32."
    if worst.code == "PG101":
        yield from _for_values(report, worst)


def _bindings(report: ReportData) -> str:
    """The option that binds the missing output to the extra one, where there is one of each."""
    missing = [output.name for output in report.outputs if output.code == "PG104"]
    extra = [output.candidate_name for output in report.outputs if output.code == "PG105"]
    return f"--bind {extra[0]}={missing[0]}" if len(missing) == len(extra) == 1 else "--bind CANDIDATE=REFERENCE"


def _is_narrow(report: ReportData, worst: OutputComparison) -> bool:
    """Whether the candidate rounds to a narrow type; of labels and integers, the other outputs tell."""
    outputs = report.outputs if worst.code == "PG107" else (worst,)
    return any(o.tolerance is not None and o.tolerance.dtype in ("float16", "bfloat16") for o in outputs)


def _for_values(report: ReportData, output: OutputComparison) -> Iterator[str]:
    if report.route and report.candidate.opset and not _is_narrow(report, output):
        yield "Try another --opset, or another --route: operators are translated differently there."
    if report.reference.format.startswith("scikit-learn") and (_times_allowed(output.worst) or math.inf) < _NEAR:
        yield "Convert with --dtype float64: the reference computes in float64."
    yield (
        f"If such a difference is acceptable, accept it by name: --tolerance {output.name}:RTOL:ATOL, or a waiver in "
        "paritygate.toml."
    )
