"""Whether engines agree about the candidate itself: if they don't, the difference isn't the conversion's fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..report.types import Finding, Severity
from ..signature import TensorSpec
from .compare import compare_outputs
from .policies import Policy

if TYPE_CHECKING:
    from ..signature import Array

    Answers = Sequence[Mapping[str, Array]]

OPTIMISED, REFERENCE = "PG312", "PG313"

_SAID = {
    OPTIMISED: (
        "ONNX Runtime gives another answer with its graph optimisation than without",
        "The values here were compared without it. Deploy with graph optimisation off, or report it to ONNX Runtime.",
    ),
    REFERENCE: (
        "onnx.reference gives another answer than ONNX Runtime",
        "One of the two engines is wrong about an operator: compare single nodes.",
    ),
}


def differing(
    code: str,
    specs: Sequence[TensorSpec],
    first: Answers,
    second: Answers,
    outputs: Mapping[str, str],
    policy: Policy,
    labels: Mapping[str, str],
) -> Iterator[Finding]:
    """One finding per output in which two runs of the candidate disagree by more than ``policy`` allows.

    ``first`` and ``second`` hold one mapping (the candidate's output -> array) per sample.
    """
    named = [{outputs[name]: array for name, array in answer.items() if name in outputs} for answer in first]
    present = [spec for spec in specs if all(spec.name in answer for answer in named)]
    bound = {ours: theirs for ours, theirs in outputs.items() if theirs in {spec.name for spec in present}}
    message, hint = _SAID[code]
    for row in compare_outputs(present, named, second, bound, policy, labels=labels):
        if row.name and not row.passed and row.code != "PG306":
            yield Finding(code, Severity.ERROR, f"output {row.name}", f"{message}: {row.reason}", hint)
