"""A report as an exception: a notebook's cell must not stay green."""

from __future__ import annotations

import pytest

from paritygate.convert import Conversion
from paritygate.validate import ParityGateError, Report, Severity, Signature, Verdict
from paritygate.validate.report.types import Environment, Finding, ModelSummary, OutputComparison, SamplesSummary

ERROR = Severity.ERROR


def report(*outputs: OutputComparison, findings: tuple[Finding, ...] = ()) -> Report:
    signature = Signature((), ())
    models = (ModelSummary("a.keras", "Keras", signature), ModelSummary("b.onnx", "ONNX", signature))
    return Report(outputs, *models, SamplesSummary(2), Environment(), findings)


def output(verdict: Verdict, code: str = "") -> OutputComparison:
    return OutputComparison("y", "y", verdict, code)


PASS = output(Verdict.PASS)
CASES = {
    "PG101": report(PASS, output(Verdict.FAIL, "PG101")),
    "PG104": report(output(Verdict.FAIL, "PG104"), PASS),
    "PG110": report(PASS, findings=(Finding("PG301", ERROR, "y", "m"), Finding("PG110", ERROR, "y", "m"))),
    "PG313": report(PASS, findings=(Finding("", Severity.NOTE, "y", "m"), Finding("PG313", ERROR, "y", "m", "Do."))),
    "PG306": report(),
}


@pytest.mark.parametrize("code", CASES)
def test_what_is_not_a_pass_raises(code: str) -> None:
    with pytest.raises(ParityGateError) as error:
        Conversion(CASES[code], None).raise_for_status()
    assert (error.value.code, error.value.subject) == (code, "b.onnx")
    assert error.value.exit_code == CASES[code].exit_code
    assert error.value.cause == CASES[code].reason != ""


def test_the_next_step_is_the_remedy() -> None:
    with pytest.raises(ParityGateError) as error:
        CASES["PG313"].raise_for_status()
    assert error.value.remedy == "Do."


def test_a_pass_gives_itself_back() -> None:
    passed = report(PASS)
    assert passed.raise_for_status() is passed
    assert (passed.code, passed.reason, passed.next_step) == ("", "", "")
