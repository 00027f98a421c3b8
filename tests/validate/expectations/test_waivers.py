"""Waivers: what they excuse, and what they don't."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from paritygate.cli.main import main
from paritygate.validate import selftest
from paritygate.validate.expectations.waivers import apply_waivers
from paritygate.validate.report.render.rich import render_rich
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import Environment, ModelSummary, SamplesSummary, Severity
from paritygate.validate.report.user_checks import Waiver
from paritygate.validate.signature import Signature, TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.policies import DefaultPolicy

TODAY = date(2026, 5, 17)

WAIVER = Waiver("y", 1e-2, "the old model rounds twice", TODAY + timedelta(days=30))

WANT = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6)


def changed(change):
    got = WANT.copy()
    return change(got)


def off_by(size):
    def change(got):
        got[2, 3] += size
        return got

    return change


def to_nan(got):
    got[0, 0] = np.nan
    return got


def apply(got, *waivers, models=("a.keras", "out/b.onnx"), today=TODAY):
    outputs = [{}] if got is None else [{"y": got}]
    comparisons = compare_outputs(
        (TensorSpec("y", "float32", None),), [{"y": WANT}], outputs, {"y": "y"}, DefaultPolicy(), thresholds={}
    )
    (output,), findings = apply_waivers(comparisons, waivers, models, today)
    return output, findings


def test_values_within_the_bound_are_waived_with_a_warning():
    output, (finding,) = apply(changed(off_by(5e-3)), WAIVER)
    assert output.passed
    assert output.waiver is WAIVER
    assert output.metrics.differing == 1
    assert (finding.code, finding.severity) == ("PG113", Severity.WARNING)
    assert "until 2026-06-16, because the old model rounds twice" in finding.message


NOT_EXCUSED = [
    pytest.param(changed(off_by(2e-2)), WAIVER, "PG101", "allows 0.01", id="beyond the bound"),
    pytest.param(changed(to_nan), WAIVER, "PG106", "only differing values", id="NaN"),
    pytest.param(None, WAIVER, "PG104", "only differing values", id="missing"),
    pytest.param(WANT[:3], WAIVER, "PG102", "only differing values", id="shape"),
    pytest.param(WANT.astype(np.float64), WAIVER, "PG103", "only differing values", id="dtype"),
    pytest.param(
        changed(off_by(5e-3)), Waiver("y", 1e-2, "r", TODAY - timedelta(days=1)), "PG101", "expired", id="yesterday"
    ),
    pytest.param(
        changed(off_by(5e-3)), Waiver("Y", 1e-2, "r", WAIVER.expires), "PG101", "no output", id="another name"
    ),
    pytest.param(changed(off_by(np.float32(3e38))), WAIVER, "PG101", "allows", id="the largest float32"),
]


@pytest.mark.parametrize(("got", "waiver", "code", "message"), NOT_EXCUSED)
def test_nothing_else_is_excused(got, waiver, code, message):
    output, findings = apply(got, waiver)
    assert (output.passed, output.code, output.waiver) == (False, code, None)
    assert any(message in finding.message for finding in findings)


def test_a_waiver_applies_on_its_last_day():
    assert apply(changed(off_by(5e-3)), WAIVER, today=WAIVER.expires)[0].passed


@pytest.mark.parametrize(
    ("pattern", "applies"), [("*", True), ("b.onnx", True), ("out/*.onnx", True), ("a.*", True), ("B.onnx", False)]
)
def test_the_scope_is_a_pattern_of_either_name(pattern, applies):
    output, findings = apply(changed(off_by(5e-3)), Waiver("y", 1e-2, "r", WAIVER.expires, pattern))
    assert output.passed is applies
    assert bool(findings) is applies


def test_unused_waivers_get_a_note_and_long_ones_a_warning():
    output, (note, warning) = apply(WANT, Waiver("y", 1e-2, "r", TODAY + timedelta(days=400)))
    assert output.passed
    assert output.waiver is None
    assert (note.severity, "not used" in note.message) == (Severity.NOTE, True)
    assert (warning.severity, "more than a year" in warning.message) == (Severity.WARNING, True)


def test_of_two_waivers_the_one_that_suffices_applies():
    small, got = Waiver("y", 1e-4, "r", WAIVER.expires), changed(off_by(5e-3))
    assert apply(got, small, WAIVER)[0].waiver is WAIVER
    assert apply(got, WAIVER, small)[0].waiver is WAIVER


# -- in reports ----------------------------------------------------------------------------------------------------


SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())


def test_a_waiver_in_the_current_folder_lets_a_comparison_pass_with_a_warning(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    selftest._written(Path("a.onnx"), selftest._nothing)
    selftest._written(Path("b.onnx"), selftest._factor(1.01))
    waiver = '[[waiver]]\noutput = "logits"\nmax_abs = 5\nreason = "reviewed"\nexpires = {}\nmodel = "b.*"\n'
    soon, past = date.today() + timedelta(days=9), date.today() - timedelta(days=1)
    for day, status, verdict in ((soon, 0, "pass"), (past, 1, "fail")):
        Path("paritygate.toml").write_text(waiver.format(day))
        with pytest.raises(SystemExit) as caught:
            main(["validate", "a.onnx", "b.onnx", "--json"])
        assert caught.value.code == status
        document = json.loads(capsys.readouterr().out)
        Draft202012Validator(SCHEMA).validate(document)
        (logits,) = [output for output in document["result"]["outputs"] if output["name"] == "logits"]
        assert logits["verdict"] == verdict
        assert (logits["waiver"] or {}).get("expires") == (str(day) if status == 0 else None)
        differing = ["PG114"] if status == 0 else []  # weights that differ are an error without a waiver
        assert [warning["code"] for warning in document["warnings"]] == ["PG113", *differing]


def test_every_report_shows_that_an_output_is_waived():
    output, findings = apply(changed(off_by(5e-3)), WAIVER)
    model = ModelSummary("a", "ONNX", Signature((), ()))
    report = Report((output,), model, model, SamplesSummary(1), Environment(), findings)
    assert str(report).splitlines()[-1] == "PASS: 1 of 1 outputs agree on 1 sample, 1 of them by a waiver"
    console = Console(file=StringIO(), width=160)
    console.print(render_rich(report))
    for text in (str(report), console.file.getvalue(), report._repr_html_()):
        assert "waived" in text
        assert "because the old model rounds twice" in text
