"""Waivers: what they excuse, and above all what they don't."""

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
from paritygate.validate.errors import ParityGateError
from paritygate.validate.expectations.config import find_config, read_waivers
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
    rows = compare_outputs(
        (TensorSpec("y", "float32", None),), [{"y": WANT}], outputs, {"y": "y"}, DefaultPolicy(), thresholds={}
    )
    (row,), findings = apply_waivers(rows, waivers, models, today)
    return row, findings


def test_values_within_the_bound_are_waived_and_said():
    row, (finding,) = apply(changed(off_by(5e-3)), WAIVER)
    assert row.passed
    assert row.waiver is WAIVER
    assert row.metrics.differing == 1
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
    pytest.param(changed(off_by(np.float32(3e38))), WAIVER, "PG101", "allows", id="as far as float32 goes"),
]


@pytest.mark.parametrize(("got", "waiver", "code", "said"), NOT_EXCUSED)
def test_nothing_else_is_excused(got, waiver, code, said):
    row, findings = apply(got, waiver)
    assert (row.passed, row.code, row.waiver) == (False, code, None)
    assert any(said in finding.message for finding in findings)


def test_a_waiver_counts_on_its_last_day():
    assert apply(changed(off_by(5e-3)), WAIVER, today=WAIVER.expires)[0].passed


@pytest.mark.parametrize(
    ("pattern", "applies"), [("*", True), ("b.onnx", True), ("out/*.onnx", True), ("a.*", True), ("B.onnx", False)]
)
def test_the_scope_is_a_pattern_of_either_name(pattern, applies):
    row, findings = apply(changed(off_by(5e-3)), Waiver("y", 1e-2, "r", WAIVER.expires, pattern))
    assert row.passed is applies
    assert bool(findings) is applies


def test_unused_waivers_are_noted_and_long_ones_warned_about():
    row, (note, warning) = apply(WANT, Waiver("y", 1e-2, "r", TODAY + timedelta(days=400)))
    assert row.passed
    assert row.waiver is None
    assert (note.severity, "not used" in note.message) == (Severity.NOTE, True)
    assert (warning.severity, "more than a year" in warning.message) == (Severity.WARNING, True)


def test_of_two_waivers_the_one_that_suffices_applies():
    small, row_of = Waiver("y", 1e-4, "r", WAIVER.expires), changed(off_by(5e-3))
    assert apply(row_of, small, WAIVER)[0].waiver is WAIVER
    assert apply(row_of, WAIVER, small)[0].waiver is WAIVER


# -- the file ---------------------------------------------------------------------------------------------------------

GOOD = """
[[waiver]]
output = "logits"
max_abs = 1
reason = "because"
expires = 2026-12-31
model = "old*.onnx"
signed_off_by = "Ada"

[[waiver]]
output = "boxes"
max_abs = 2e-3
reason = "because"
expires = 2026-12-31
"""


def test_a_config_file(tmp_path):
    path = tmp_path / "paritygate.toml"
    path.write_text(GOOD)
    first, second = read_waivers(path)
    assert first == Waiver("logits", 1.0, "because", date(2026, 12, 31), "old*.onnx", "Ada")
    assert (second.output, second.model, second.signed_off_by) == ("boxes", "*", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param('reason = "because"\n', "", "missing: reason", id="no reason"),
        pytest.param("expires = 2026-12-31\n", "", "missing: expires", id="no last day"),
        pytest.param('output = "logits"\n', "", "missing: output", id="no output"),
        pytest.param("max_abs = 1\n", "", "missing: max_abs", id="no bound"),
        pytest.param('"because"', '" "', "not empty: reason", id="an empty reason"),
        pytest.param("max_abs = 1\n", "max_abs = 0\n", "above 0", id="no room"),
        pytest.param("max_abs = 1\n", "max_abs = inf\n", "above 0", id="all room"),
        pytest.param("max_abs = 1\n", "max_abs = nan\n", "above 0", id="NaN"),
        pytest.param("max_abs = 1\n", "max_abs = true\n", "above 0", id="a boolean"),
        pytest.param("max_abs = 1\n", "max_abs = '1'\n", "above 0", id="text for a number"),
        pytest.param("2026-12-31", "'2026-12-31'", "not a date", id="a day as text"),
        pytest.param("2026-12-31", "2026-12-31T00:00:00", "not a date", id="a time"),
        pytest.param("signed_off_by", "signed_of_by", "unknown: signed_of_by", id="a misspelt key"),
        pytest.param("[[waiver]]", "[[waivers]]", "unknown: waivers", id="a misspelt table"),
        pytest.param("[[waiver]]", "[waiver", "not TOML", id="no TOML"),
        pytest.param(GOOD, "waiver = 3", "not a list of tables", id="no tables"),
    ],
)
def test_files_that_cannot_be_meant(old, new, said, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ParityGateError, match="PG201") as caught:
        read_waivers(path)
    assert said in caught.value.cause


def test_which_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(None) is None
    assert read_waivers(None) == ()
    (tmp_path / "paritygate.toml").write_text("")
    assert find_config(None).name == "paritygate.toml"
    assert read_waivers(find_config(None)) == ()
    with pytest.raises(ParityGateError, match="PG202"):
        read_waivers(find_config(tmp_path / "nope.toml"))


# -- through the command ----------------------------------------------------------------------------------------------

SCHEMA = json.loads((Path(__file__).parent.parent / "docs" / "report.schema.json").read_text())


def test_a_waiver_in_the_folder_lets_a_comparison_pass_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    selftest._written(Path("a.onnx"), selftest._nothing)
    selftest._written(Path("b.onnx"), selftest._factor(1.01))
    waiver = '[[waiver]]\noutput = "logits"\nmax_abs = 5\nreason = "so it is"\nexpires = {}\nmodel = "b.*"\n'
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
        assert [warning["code"] for warning in document["warnings"]] == ["PG113"]


def test_the_pages_say_that_an_output_is_waived():
    row, findings = apply(changed(off_by(5e-3)), WAIVER)
    model = ModelSummary("a", "ONNX", Signature((), ()))
    report = Report((row,), model, model, SamplesSummary(1), Environment(), findings)
    assert str(report).splitlines()[-1] == "PASS: 1 of 1 outputs agree on 1 samples, 1 of them by a waiver"
    console = Console(file=StringIO(), width=160)
    console.print(render_rich(report))
    for page in (str(report), console.file.getvalue(), report._repr_html_()):
        assert "waived" in page
        assert "because the old model rounds twice" in page
