"""Whether runtimes agree about one and the same model: if they don't, the difference isn't the conversion's fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..adapters.dictionaries import ordered_like
from ..adapters.widths import widened
from ..report.types import Finding, Severity
from ..signature import Signature, TensorSpec
from .compare import compare_outputs
from .comparison import Comparison, Outputs
from .policies import DefaultPolicy, NarrowPolicy
from .policy import Policy

OPTIMISED, REFERENCE, OTHER = "PG312", "PG313", "PG310"

_SAID = {
    OPTIMISED: (
        "ONNX Runtime's outputs with graph optimisation differ from those without",
        "The values here were compared without it. Deploy with graph optimisation off, or report it to ONNX Runtime.",
    ),
    REFERENCE: (
        "onnx.reference and ONNX Runtime give different outputs",
        "One of the two is wrong about an operator: compare single nodes.",
    ),
    OTHER: (
        "two runtimes of the same format give different outputs",
        "Run the model with each of them (--engine), and report it.",
    ),
}


def check_engines(
    comparison: Comparison, specs: Sequence[TensorSpec], actual: Outputs, compared: Sequence[int], policy: Policy
) -> tuple[tuple[Finding, ...], Outputs]:
    """Where engines disagree about a model, and the candidate's outputs to judge by.

    ``actual`` are the candidate's outputs for the ``compared`` samples; those without graph optimisation take their
    place where optimisation changes them.
    """
    of_candidate, labels = comparison.of_candidate, comparison.reference.labels
    findings: list[Finding] = []
    judged = actual
    for code, outputs in ((OPTIMISED, of_candidate.unoptimised), (REFERENCE, of_candidate.second_opinion)):
        if outputs is None:
            continue
        same = {name: name for name in comparison.outputs}
        other, _ = widened([outputs[number] for number in compared], actual, same)
        found = tuple(_differing(code, specs, actual, other, comparison.outputs, policy, labels))
        findings += found
        judged = other if found and code == OPTIMISED else judged
    return (*findings, *_check_other_runtimes(comparison)), judged


def _check_other_runtimes(comparison: Comparison) -> Iterator[Finding]:
    """Each model's two runtimes, by the default tolerance of its precision."""
    reference, candidate = comparison.of_reference, comparison.of_candidate
    if reference.other is not None:
        yield from compare_runtimes(comparison.reference, reference.expected, reference.other, "")
    if candidate.other is not None:
        yield from compare_runtimes(comparison.candidate, candidate.actual, candidate.other, comparison.precision)


def compare_runtimes(signature: Signature, first: Outputs, second: Outputs, precision: str) -> Iterator[Finding]:
    """An error for each output of one model in which two runtimes differ."""
    policy: Policy = NarrowPolicy(DefaultPolicy(), precision) if precision else DefaultPolicy()
    ordered = [ordered_like(other, outputs) for other, outputs in zip(second, first, strict=True)]
    same = {spec.name: spec.name for spec in signature.outputs}
    yield from _differing(OTHER, signature.outputs, first, ordered, same, policy, signature.labels)


def _differing(
    code: str,
    specs: Sequence[TensorSpec],
    first: Outputs,
    second: Outputs,
    outputs: Mapping[str, str],
    policy: Policy,
    labels: Mapping[str, str],
) -> Iterator[Finding]:
    """One finding per output in which two runs of one model disagree by more than ``policy`` allows.

    ``outputs`` binds the names in ``first`` and ``second`` to those of ``specs``.
    """
    declared = {spec.name for spec in specs}
    partners = {name: partner for name, partner in outputs.items() if partner in declared}
    named = [{partners[name]: array for name, array in output.items() if name in partners} for output in first]
    present = [spec for spec in specs if all(spec.name in output for output in named)]
    known = {spec.name for spec in present}
    bound = {name: partner for name, partner in partners.items() if partner in known}
    message, hint = _SAID[code]
    for output in compare_outputs(present, named, second, bound, policy, labels=labels):
        if output.name and not output.passed and output.code != "PG306":
            yield Finding(code, Severity.ERROR, f"output {output.name}", f"{message}: {output.reason}", hint)
