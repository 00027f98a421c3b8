"""Compare every output of a candidate with the reference's. Missing, extra, empty or not comparable fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..adapters.lost_ranks import restore_ranks
from ..report import sentences as reasons
from ..report.types import LabelAgreement, Metrics, OutputComparison, Tolerance, Verdict, WorstElement
from ..report.user_checks import Source
from ..signature import EPSILON, STRING, TensorSpec
from .digits import count_digits, is_enough, needed_digits
from .labels import count_ties
from .metrics import measure, measure_text
from .output_checks import dtype_name, varies
from .policy import Policy
from .thresholds import Allowances, check_thresholds, with_decisions

if TYPE_CHECKING:
    from ..signature import Array

    Outputs = Mapping[str, Array]

_EXACT_KINDS = "biuU"


@dataclass(frozen=True, slots=True)
class _Pair:
    """One output as both models gave it, one array per sample.

    ``allowed`` is how far each element may be off, ``remark`` a sentence about the pair itself.
    """

    spec: TensorSpec
    partner: str
    want: tuple[Array, ...]
    got: tuple[Array, ...]
    allowed: Sequence[Array] = ()
    remark: str = ""


def compare_outputs(
    specs: Sequence[TensorSpec],
    reference: Sequence[Outputs],
    candidate: Sequence[Outputs],
    bindings: Mapping[str, str],
    policy: Policy,
    *,
    scores: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    thresholds: Mapping[str, Sequence[float]] | None = None,
    edges: Sequence[bool] | None = None,
) -> tuple[OutputComparison, ...]:
    """One comparison per output of the reference, then one per output that the candidate has beyond them.

    ``reference`` and ``candidate`` hold one mapping (output name -> array) per sample; batch sizes may change from
    sample to sample. ``bindings`` says which candidate output is which reference output, and nothing else is
    paired. ``scores`` names reference outputs whose last axis counts classes; ``labels`` maps a reference output
    that holds class labels to the scores it is chosen by ("" if the model doesn't give them), so that flips at ties
    are told from wrong labels. ``thresholds`` are where the user's decisions change, by output; None means no
    crossings. ``edges`` says which samples are at the edge of what the model means; None means that no digits are
    counted. Raises ParityGateError PG201 when ``policy`` or ``thresholds`` name an output that doesn't exist.
    """
    policy.check(specs)
    check_thresholds(specs, thresholds or {})
    labels = labels or {}
    partners = _partners(bindings)
    pairs: dict[str, _Pair] = {}
    compared: dict[str, OutputComparison] = {}
    for spec in specs:
        found = _pair(spec, partners.get(spec.name, ()), reference, candidate)
        if isinstance(found, OutputComparison):
            compared[spec.name] = found
            continue
        comparison, pairs[spec.name] = _judge(found, policy)
        comparison = comparison if edges is None else _with_digits(comparison, pairs[spec.name], edges)
        compared[spec.name] = _with_agreement(
            comparison, pairs[spec.name], (*scores, *labels.values()), labels, thresholds
        )
    for name, chosen_by in labels.items():
        if name in pairs and chosen_by in pairs:
            compared[name] = _with_ties(compared[name], pairs[name], compared[chosen_by], pairs[chosen_by])
    return (*compared.values(), *_undeclared(compared, reference), *_extra(compared, candidate, bindings))


def _partners(bindings: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Reference name -> the candidate's names for it."""
    partners: dict[str, tuple[str, ...]] = {}
    for candidate, reference in bindings.items():
        partners[reference] = (*partners.get(reference, ()), candidate)
    return partners


def _pair(
    spec: TensorSpec, partners: Sequence[str], reference: Sequence[Outputs], candidate: Sequence[Outputs]
) -> _Pair | OutputComparison:
    """Both models' arrays, or the comparison that says why there is nothing to compare."""
    partner = partners[0] if len(partners) == 1 else ""
    if len(partners) > 1:
        names = " and ".join(map(repr, partners))
        return _fail(spec.name, names, "PG105", f"{names} are bound to this output, which can have only one partner")
    if not partners:
        return _fail(spec.name, "", "PG104", "no output of the candidate is bound to it")
    if len(reference) != len(candidate):
        sentence = f"the reference ran {len(reference)} samples and the candidate {len(candidate)}"
        return _fail(spec.name, partner, "PG104", sentence)
    if not reference:
        return OutputComparison(spec.name, partner, Verdict.INCONCLUSIVE, "PG306", "no sample was run")
    for side, name, outputs in (("reference", spec.name, reference), ("candidate", partner, candidate)):
        lacking = [number for number, output in enumerate(outputs) if name not in output]
        if lacking:
            sentence = f"the {side} has no {name!r} in {len(lacking)} of {len(outputs)} samples, first in {lacking[0]}"
            return _fail(spec.name, partner, "PG104", sentence)
    want, got = (tuple(map(np.asarray, side)) for side in _columns(spec.name, partner, reference, candidate))
    restored, remark = restore_ranks(want, got)
    return _Pair(spec, partner, restored, got, remark=remark)


def _columns(
    name: str, partner: str, reference: Sequence[Outputs], candidate: Sequence[Outputs]
) -> tuple[Iterator[Array], Iterator[Array]]:
    return (output[name] for output in reference), (output[partner] for output in candidate)


def _judge(pair: _Pair, policy: Policy) -> tuple[OutputComparison, _Pair]:
    """The comparison of an output, and the pair with what was allowed."""
    comparison = OutputComparison(
        pair.spec.name,
        pair.partner,
        Verdict.FAIL,
        dtype=dtype_name(pair.want[0]),
        candidate_dtype=dtype_name(pair.got[0]),
        shape=pair.want[0].shape,
        informative=varies(pair.want),
    )
    code, sentence = _unlike(pair)
    if code:
        return replace(comparison, code=code, reason=sentence), pair
    if comparison.dtype == STRING:
        tolerance, (metrics, worst) = Tolerance(), measure_text(pair.want, pair.got)
    else:
        spec = replace(pair.spec, dtype=comparison.dtype)
        tolerance = policy.tolerance(spec, pair.want, comparison.candidate_dtype)
        allowed = policy.allowances(spec, pair.want, tolerance)
        metrics, worst = measure(pair.want, pair.got, tolerance, allowed)
        pair = replace(pair, allowed=_told_apart(pair.want, tolerance) if allowed is None else allowed)
    exact = pair.want[0].dtype.kind in _EXACT_KINDS and tolerance.exact
    verdict, code, sentence = _verdict(comparison, metrics, worst, tolerance, exact)
    sentence = "; ".join(filter(None, (sentence, pair.remark)))
    comparison = replace(
        comparison, verdict=verdict, code=code, reason=sentence, tolerance=tolerance, metrics=metrics, worst=worst
    )
    return comparison, pair


def _told_apart(want: tuple[Array, ...], tolerance: Tolerance) -> Allowances:
    """What is allowed for single elements, for ties and crossings: under a budget, only equal scores are ties."""
    return Allowances(want, Tolerance() if tolerance.source is Source.BUDGET else tolerance)


def _with_digits(comparison: OutputComparison, pair: _Pair, edges: Sequence[bool]) -> OutputComparison:
    """The comparison with the digits that were tested; a pass that rounding decides is none."""
    tolerance = comparison.tolerance
    if tolerance is None or tolerance.source is Source.BUDGET:
        return comparison
    if tolerance.exact or tolerance.dtype not in EPSILON or pair.want[0].dtype.kind not in "fV":
        return comparison
    digits = count_digits(pair.want, pair.allowed, tolerance, edges)
    comparison = replace(comparison, digits=digits)
    if digits is None or not comparison.passed or not comparison.informative or is_enough(digits, tolerance):
        return comparison
    reason = reasons.rounding_decides(digits, needed_digits(tolerance))
    return replace(comparison, verdict=Verdict.INCONCLUSIVE, code="PG315", reason=reason)


def _verdict(
    comparison: OutputComparison, metrics: Metrics, worst: WorstElement | None, tolerance: Tolerance, exact: bool
) -> tuple[Verdict, str, str]:
    """Verdict, code and sentence for what was measured."""
    if metrics.mismatched:
        return Verdict.FAIL, "PG106", reasons.nonfinite_differ(metrics, worst)
    if metrics.differing and exact:
        return Verdict.FAIL, "PG107", reasons.exact_values_differ(metrics, worst)
    if metrics.differing:
        return Verdict.FAIL, "PG101", reasons.values_differ(metrics, tolerance, worst)
    if metrics.nonfinite == metrics.elements:
        return Verdict.INCONCLUSIVE, "PG306", "every element is NaN or infinite on both sides: no value was compared"
    return Verdict.PASS, "", reasons.dtypes_differ(comparison.dtype, comparison.candidate_dtype)


def _unlike(pair: _Pair) -> tuple[str, str]:
    """The code and sentence for whatever keeps the values from being compared; ("", "") if nothing does."""
    for number, (want, got) in enumerate(zip(pair.want, pair.got, strict=True)):
        dtypes = dtype_name(want), dtype_name(got)
        if not (_has_values(want) and _has_values(got)):
            return "PG111", f"{dtypes[0]} and {dtypes[1]} can't be compared"
        if (want.dtype.kind, got.dtype.kind) != (pair.want[0].dtype.kind, pair.got[0].dtype.kind):
            return "PG103", f"its dtype changes from sample to sample: {dtypes[0]} and {dtypes[1]} in sample {number}"
        if not _dtype_fits(want, got, pair.spec.accepts):
            return "PG103", f"the reference's dtype is {dtypes[0]}, the candidate's {dtypes[1]} (sample {number})"
        if want.shape != got.shape:
            shapes = f"the reference's shape is {list(want.shape)}, the candidate's {list(got.shape)}"
            return "PG102", f"{shapes} (sample {number})"
    if not any(want.size for want in pair.want):
        return "PG109", f"it has no element in any of the {len(pair.want)} samples, so nothing was proved"
    return "", ""


def _has_values(array: Array) -> bool:
    """Numbers, booleans or text; kind V holds both bfloat16 and raw bytes."""
    return array.dtype.kind in "biufcU" or (array.dtype.kind == "V" and not array.dtype.name.startswith("void"))


def _dtype_fits(want: Array, got: Array, accepts: Iterable[str]) -> bool:
    """Whether the dtypes are equal, or the candidate's is accepted and of the same kind without a lossy meeting."""
    if want.dtype == got.dtype or dtype_name(want) == dtype_name(got) == STRING:
        return True
    if dtype_name(got) not in accepts:
        return False
    if dtype_name(want) in EPSILON:
        return dtype_name(got) in EPSILON
    if want.dtype.kind in "iu" and got.dtype.kind in "iu":
        return np.result_type(want, got).kind in "iu"  # uint64 and int64 meet in float64
    return want.dtype.kind == got.dtype.kind == "c"


def _with_agreement(
    comparison: OutputComparison,
    pair: _Pair,
    scores: Iterable[str],
    labels: Iterable[str],
    thresholds: Mapping[str, Sequence[float]] | None,
) -> OutputComparison:
    """The comparison with what its values decide: how often both choose the same class, which thresholds they cross."""
    if comparison.metrics is None or comparison.tolerance is None:
        return comparison
    if comparison.name in labels:
        agreeing = comparison.metrics.elements - comparison.metrics.differing - comparison.metrics.mismatched
        comparison = replace(comparison, labels=LabelAgreement(comparison.metrics.elements, agreeing))
    if comparison.dtype == STRING:
        return comparison
    is_scores = comparison.name in scores and comparison.name not in labels
    return with_decisions(comparison, pair.want, pair.got, pair.allowed, scores=is_scores, thresholds=thresholds)


def _with_ties(
    comparison: OutputComparison, pair: _Pair, by_scores: OutputComparison, scores: _Pair
) -> OutputComparison:
    """The comparison with its label agreement; it passes after all if nothing but ties differ in it.

    A tie excuses nothing unless the scores themselves agree.
    """
    if comparison.labels is None or comparison.code != "PG107" or not by_scores.passed or by_scores.tolerance is None:
        return comparison
    ties = count_ties((pair.want, pair.got), scores.want, scores.allowed)
    labels = replace(comparison.labels, ties=ties, scores_name=by_scores.name)
    if labels.agreeing + ties < labels.rows:
        return replace(comparison, labels=labels, reason=f"{comparison.reason}{reasons.of_them_ties(labels)}")
    return replace(comparison, labels=labels, verdict=Verdict.PASS, code="", reason=reasons.only_ties(labels))


def _undeclared(compared: Mapping[str, OutputComparison], reference: Sequence[Outputs]) -> Iterator[OutputComparison]:
    """Outputs that the reference gives beyond its signature: nobody bound them, so nobody compared them."""
    for name in dict.fromkeys(name for output in reference for name in output if name not in compared):
        yield _fail(name, "", "PG104", "the reference returns it in addition to its signature, so it was not compared")


def _extra(
    compared: Mapping[str, OutputComparison], candidate: Sequence[Outputs], bindings: Mapping[str, str]
) -> Iterator[OutputComparison]:
    given = dict.fromkeys(name for output in candidate for name in output)
    for name in {**given, **dict.fromkeys(bindings)}:
        if name not in bindings:
            yield _fail("", name, "PG105", f"the candidate's output {name!r} is bound to nothing in the reference")
        elif bindings[name] not in compared:
            sentence = f"{name!r} is bound to {bindings[name]!r}, which the reference does not have"
            yield _fail("", name, "PG105", sentence)


def _fail(name: str, partner: str, code: str, sentence: str) -> OutputComparison:
    return OutputComparison(name, partner, Verdict.FAIL, code, sentence)
