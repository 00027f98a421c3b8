"""The lines that a failed report leads with: what differs, since where, what to do next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from paritygate.validate.report.divergence import Divergence
from paritygate.validate.report.render.advice import advice
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import (
    Environment,
    Finding,
    ModelSummary,
    SamplesSummary,
    Severity,
    Tolerance,
    Verdict,
)
from paritygate.validate.signature import Signature, TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.policies import FixedPolicy

EXPECTED = {"y": np.array([[1.0, -4.0], [2.0, 3.0]]), "z": np.ones(2)}
NAMES = {"y": "y", "z": "z"}


def outputs_of(actual):
    specs = tuple(TensorSpec(name, "float64", None) for name in EXPECTED)
    return compare_outputs(specs, [EXPECTED], [actual], NAMES, FixedPolicy(0.0, 0.01))


def report_of(actual, findings=(), **more) -> Report:
    model = ModelSummary("model", "Keras", Signature((), ()))
    fields = {"outputs": outputs_of(actual), "samples": SamplesSummary(1), "environment": Environment()} | more
    return Report(reference=model, candidate=replace(model, opset="21"), findings=tuple(findings), **fields)


def text_of(report: Report) -> str:
    return "\n".join(f"{head}: {text}" for head, text in advice(report))


OFF = EXPECTED | {"y": EXPECTED["y"] + [[0, 0.2], [0, 0]]}
DIVERGENCE = Divergence(
    "t", "conv1", "Conv", "name", ("conv1",), (), (), 0, (0,), 1.0, 2.0, 1.0, 0.1, 1.0, starts_here=True,
    repro="repro", command="python r.py",
)  # fmt: skip


def test_a_pass_needs_no_advice():
    assert text_of(report_of(EXPECTED)) == ""


@pytest.mark.parametrize(("report", "said"), [
    pytest.param(report_of(OFF), "result: the candidate gives different values in 'y': -3.8 instead of -4 at [0, 1] of "
                 "sample 0, off by 0.2, 0.05 of the output's largest value (4) and 20 times what is allowed",
                 id="size"),
    pytest.param(report_of(OFF), "next: If such a difference is acceptable, accept it by name: --tolerance y:RTOL:ATOL",
                 id="accept"),
    pytest.param(report_of(OFF, divergence=DIVERGENCE), "starts at: Conv 'conv1'\nnext: Run the smallest part that "
                 "still fails: python r.py", id="layer and repro first"),
    pytest.param(report_of(OFF, divergence=replace(DIVERGENCE, starts_here=False)),
                 "starts at: Conv 'conv1', whose inputs already differ", id="came from before"),
    pytest.param(report_of(OFF, route="direct"), "next: Try another --opset, or another --route", id="conversion"),
    pytest.param(report_of(EXPECTED | {"y": np.full((2, 2), np.nan)}), "result: only one of the models gives NaN or "
                 "infinity in 'y': nan instead of 1", id="NaN"),
    pytest.param(report_of({"z": EXPECTED["z"], "w": EXPECTED["y"]}), "next: Bind outputs whose names differ: "
                 "--bind w=y", id="names"),
    pytest.param(report_of(EXPECTED, [Finding("PG307", Severity.ERROR, "y", "two runs differ", "Set a seed.")]),
                 "result: the values agree, but parity is not proved: y: two runs differ\nnext: Set a seed.",
                 id="doubt"),
    pytest.param(report_of(EXPECTED, [Finding("PG108", Severity.ERROR, "y", "wrongly declared", "Correct it.")]),
                 "result: the models differ: y: wrongly declared\nnext: Correct it.", id="interface"),
    pytest.param(report_of(EXPECTED, outputs=()), "result: nothing was compared", id="nothing"),
])  # fmt: skip
def test_leads_with(report: Report, said: str):
    assert said in text_of(report)


@pytest.mark.parametrize(("dtype", "route", "said"), [
    ("float16", "direct", True),
    ("float32", "direct", False),
    ("float16", "", False),  # two files that the user chose: nothing is converted anew
])  # fmt: skip
def test_a_finer_precision_is_offered_where_it_can_be_had(dtype: str, route: str, said: bool):
    report = report_of(OFF, route=route)
    narrow = replace(report.outputs[0], tolerance=Tolerance(atol=0.01, dtype=dtype))
    assert ("--precision mixed" in text_of(replace(report, outputs=(narrow,)))) == said


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_finer_precision_is_offered_for_overflow_and_for_labels_too(dtype: str):
    """A label has no tolerance of its own: the scores beside it tell that the candidate rounds to float16."""
    overflow = report_of(EXPECTED | {"y": np.full((2, 2), np.inf)}, route="direct")
    label = report_of(EXPECTED, route="direct")
    first, *rest = (replace(o, tolerance=Tolerance(atol=0.01, dtype=dtype)) for o in label.outputs)
    flipped = replace(first, verdict=Verdict.FAIL, code="PG107", tolerance=Tolerance())
    narrow = [replace(o, tolerance=Tolerance(atol=0.01, dtype=dtype)) for o in overflow.outputs]
    for report in (replace(overflow, outputs=tuple(narrow)), replace(label, outputs=(flipped, *rest))):
        assert ("--precision mixed" in text_of(report)) == (dtype == "float16")


def test_all_renderers_lead_with_it():
    report = report_of(OFF)
    first = next(text for _, text in advice(report)).split(":")[0]
    assert str(report).splitlines()[0].startswith(f"result  {first}")
    assert "different values" in report._repr_html_()
