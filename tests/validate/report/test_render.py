"""Reports as text, rich, HTML and JSON: the same content, escaped, deterministic, and true to the schema."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from paritygate.validate.catalog import CATALOG
from paritygate.validate.errors import ExitCode, ParityGateError
from paritygate.validate.report.render.json import render_error, render_report, render_result
from paritygate.validate.report.render.rich import render_rich
from paritygate.validate.report.render.text import render_text
from paritygate.validate.report.report import Report
from paritygate.validate.report.sentences import rounded_up
from paritygate.validate.report.types import (
    Environment,
    Finding,
    ModelSummary,
    OutputComparison,
    SamplesSummary,
    Severity,
    Verdict,
)
from paritygate.validate.signature import Signature, TensorSpec
from paritygate.validate.text import printable
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.computed import ComputedPolicy
from paritygate.validate.verdict.output_checks import check_informative

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())
EVIL = "\x1b[31m<script>alert('&')</script>\n[bold]"
"""A name as a hostile file may give it: a terminal's escape, HTML, a line break, rich's markup."""


def report_of(rows, findings=(), samples=3):
    specs = (TensorSpec("y", "float32", ("batch", 4)), TensorSpec(EVIL, "str", None, ("bytes",)))
    reference = ModelSummary("digits.keras", "Keras", Signature(specs[:1], specs), 1_234_567, "ab" * 32)
    candidate = ModelSummary("digits.onnx", "ONNX", Signature(specs[:1], specs), 999, "cd" * 32, "21")
    return Report(
        outputs=tuple(rows),
        reference=reference,
        candidate=candidate,
        samples=SamplesSummary(samples, ("normal", "zeros"), (1, 5), "generated", 0),
        environment=Environment({"onnx": "1.23.2"}, "ONNX Runtime", "CPUExecutionProvider", "Some CPU", ("avx2",)),
        findings=tuple(findings),
        route="keras_to_onnx",
        timings={"source": 1.25, "candidate": 0.5},
    )


def compared(broken):
    """Real rows of every kind: agreeing, failing in each way, and an agreeing one that never varies."""
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(8), 20).astype(np.float32)
    good = {
        "scores": scores,
        "label": scores.argmax(1),
        EVIL: scores[:, 0].astype(str),
        "flat": np.zeros(5),
        "b": scores,
    }
    bad = {"scores": scores.copy(), "label": (scores.argmax(1) + 1) % 8, EVIL: np.array(["x"] * 20), "b": scores[:4]}
    bad["scores"][3, 3] = np.inf
    bad["flat"] = np.full(5, np.nan)
    specs = tuple(TensorSpec(name, "str" if a.dtype.kind == "U" else a.dtype.name, None) for name, a in good.items())
    names = {name: name for name in good}
    candidate = {**bad, "more": scores} if broken else good
    return compare_outputs(specs, [good], [candidate], names, ComputedPolicy(), labels={"label": "scores"})


ROW = OutputComparison("y", "y", Verdict.PASS)
ERROR = Finding("PG108", Severity.ERROR, "output y", "the declaration is wrong", "Correct it.")
UNSURE = Finding("PG307", Severity.ERROR, "y", "two runs differ")
NOTE = Finding("", Severity.NOTE, "conversion", "the opset was raised")
REPORTS = {
    "pass": report_of(compared(False), check_informative(compared(False))),
    "fail": report_of(compared(True), [ERROR, NOTE]),
    "inconclusive": report_of([], samples=0),
}


@pytest.mark.parametrize(
    ("rows", "findings", "samples", "verdict"),
    [
        pytest.param([ROW], [], 1, Verdict.PASS, id="all agree"),
        pytest.param([ROW], [NOTE], 1, Verdict.PASS, id="a note takes nothing away"),
        pytest.param([ROW], [replace(ERROR, severity=Severity.WARNING)], 1, Verdict.PASS, id="a warning neither"),
        pytest.param([ROW, replace(ROW, verdict=Verdict.FAIL)], [], 1, Verdict.FAIL, id="one differs"),
        pytest.param([ROW], [ERROR], 1, Verdict.FAIL, id="a failing finding"),
        pytest.param([ROW], [UNSURE], 1, Verdict.INCONCLUSIVE, id="a doubt"),
        pytest.param([ROW], [UNSURE, ERROR], 1, Verdict.FAIL, id="failing outweighs a doubt"),
        pytest.param([replace(ROW, verdict=Verdict.FAIL)], [UNSURE], 1, Verdict.FAIL, id="a failing row too"),
        pytest.param([ROW, replace(ROW, verdict=Verdict.INCONCLUSIVE)], [], 1, Verdict.INCONCLUSIVE, id="one unproved"),
        pytest.param([], [], 1, Verdict.INCONCLUSIVE, id="no output"),
        pytest.param([ROW], [], 0, Verdict.INCONCLUSIVE, id="no sample"),
    ],
)
def test_verdict(rows, findings, samples, verdict):
    report = report_of(rows, findings, samples)
    codes = {"pass": ExitCode.PASS, "fail": ExitCode.PARITY_FAILED, "inconclusive": ExitCode.INCONCLUSIVE}
    assert report.verdict is verdict
    assert report.exit_code is codes[verdict]
    assert report.passed is (verdict is Verdict.PASS)


@pytest.mark.parametrize("name", REPORTS)
def test_every_code_is_explained(name):
    report = REPORTS[name]
    codes = {row.code for row in report.outputs if not row.passed} | {f.code for f in report.findings if f.code}
    assert codes <= CATALOG.keys()
    assert bool(codes) is (name == "fail" or bool(report.findings))


# -- text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "last"), [
    ("pass", "PASS: 5 of 5 outputs agree on 3 samples"),
    ("fail", "FAIL: 0 of 6 outputs agree on 3 samples; other errors: PG108"),
    ("inconclusive", "INCONCLUSIVE: nothing was compared (PG306)"),
])  # fmt: skip
def test_text_ends_with_the_verdict(name, last):
    assert render_text(REPORTS[name]).splitlines()[-1] == last


def test_text_says_what_was_compared_and_how():
    lines = render_text(REPORTS["pass"]).splitlines()
    assert lines[:3] == [
        "reference  digits.keras (Keras, 1.23 MB, sha256 abababababab)",
        "candidate  digits.onnx (ONNX opset 21, 999 bytes, sha256 cdcdcdcdcdcd)",
        "samples    3 (generated, seed 0; normal, zeros; batch sizes 1, 5)",
    ]
    text = "\n".join(lines)
    for part in (
        "atol 1e-06 + rtol 0.0001*|expected| + 128 ulp (default): scores, b",
        "ONNX Runtime CPUExecutionProvider, Some CPU (avx2)",
        "scores: same class in 20 of 20 rows (100 %), in the top 5 in 100 %",
        "warning  PG110 output flat: ",
    ):
        assert part in text


def test_text_has_a_sentence_for_every_failure():
    text = render_text(REPORTS["fail"])
    for row in REPORTS["fail"].outputs:
        assert row.code in text
        assert row.reason
    assert "error  PG108 output y: the declaration is wrong. Correct it." in text
    assert "note   conversion: the opset was raised" in text


def test_the_table_is_aligned():
    lines = render_text(REPORTS["fail"]).splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("output "))
    column = lines[head].index("elements") + len("elements")
    for line in lines[head + 1 : head + 1 + len(REPORTS["fail"].outputs)]:
        assert line[column - 1] in "0123456789-"
        assert line[column : column + 2] == "  "
        assert line.endswith("fail")


@pytest.mark.parametrize("name", REPORTS)
def test_names_from_files_never_reach_a_terminal_raw(name):
    for text in (render_text(REPORTS[name]), in_terminal(REPORTS[name], colours=False)):
        assert "\x1b" not in text
        assert all(line.isprintable() for line in text.split("\n"))


def in_terminal(report, colours=True, width=160):
    stream = StringIO()
    Console(file=stream, width=width, force_terminal=colours, color_system="standard" if colours else None).print(
        render_rich(report)
    )
    return stream.getvalue()


def words(text):
    return "".join(text.split())


@pytest.mark.parametrize("name", REPORTS)
def test_rich_says_what_text_says(name):
    """Rich folds lines and draws rules, but no word may be lost: markup in a name is no markup."""
    shown = words(in_terminal(REPORTS[name], colours=False, width=400))
    for line in render_text(REPORTS[name]).splitlines():
        assert words(line) in shown


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_narrow_terminal_keeps_names_and_verdicts_whole(width):
    lines = in_terminal(REPORTS["pass"], colours=False, width=width).splitlines()
    for output in REPORTS["pass"].outputs:
        assert any(printable(output.name) in line and line.rstrip().endswith("pass") for line in lines)


def test_rich_colours_the_verdict():
    assert "\x1b[1;31mFAIL" in in_terminal(REPORTS["fail"])
    assert "\x1b[1;32mPASS" in in_terminal(REPORTS["pass"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.5, "0.5"), (1.0001, "1.01"), (9.9999e-5, "0.0001"), (1.234e-9, "1.24e-09"), (99_950.1, "1e+05")],
)
def test_a_bound_is_rounded_up(value, text):
    assert rounded_up(value) == text
    assert float(text) >= value


# -- HTML -----------------------------------------------------------------------------------------------------------


class Balance(HTMLParser):
    """Collects tags and text, and checks that every tag is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        assert all(not name.startswith("on") and name not in ("href", "src") for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("name", REPORTS)
def test_html_is_well_formed_and_inert(name):
    page = Balance()
    page.feed(REPORTS[name]._repr_html_())
    page.close()
    assert not page.open
    assert page.seen <= {
        "div",
        "p",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "details",
        "summary",
        "b",
        "span",
        "dl",
        "dt",
        "dd",
    }
    text = words("".join(page.text))
    for line in render_text(REPORTS[name]).splitlines():
        said = line.removeprefix("next").removeprefix("more")  # the page lists steps without their heads
        assert words(said) in text


# -- JSON -----------------------------------------------------------------------------------------------------------


def strict(text):
    """Parse, and refuse the NaN and Infinity that Python's json lets through."""

    def refuse(word):
        raise AssertionError(word)

    return json.loads(text, parse_constant=refuse)


def checked(text):
    document = strict(text)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", REPORTS)
def test_reports_meet_the_schema(name):
    document = checked(render_report("convert", REPORTS[name]))
    assert (document["status"], document["exit_code"]) == (name, int(REPORTS[name].exit_code))
    assert document["result"]["verdict"] == name
    assert len(document["result"]["outputs"]) == len(REPORTS[name].outputs)


def test_the_envelope():
    document = strict(render_report("convert", REPORTS["fail"], None))
    assert list(document) == ["schema_version", "command", "status", "exit_code", "result", "warnings", "error"]
    assert (document["error"]["code"], document["error"]["subject"]) == ("PG106", "output scores")
    assert document["result"]["written"] is None
    passed = strict(render_report("convert", REPORTS["pass"], Path("out") / "model.onnx"))
    assert passed["error"] is None
    assert Path(passed["result"]["written"]) == Path("out/model.onnx")
    assert [warning["code"] for warning in passed["warnings"]] == ["PG110"]
    assert strict(render_report("validate", report_of([ROW], [UNSURE])))["error"]["code"] == "PG307"


def test_what_is_not_finite_is_text():
    outputs = strict(render_report("convert", REPORTS["fail"]))["result"]["outputs"]
    assert outputs[0]["worst"]["actual"] == "inf"
    assert outputs[3]["worst"]["actual"] == "nan"
    assert (
        strict(render_report("convert", REPORTS["pass"]))["result"]["outputs"][0]["metrics"]["errors"]["snr_db"]
        == "inf"
    )


def test_the_same_report_is_the_same_text():
    assert render_report("convert", REPORTS["fail"]) == render_report("convert", REPORTS["fail"])


def test_errors_and_results_meet_the_schema():
    error = checked(render_error("convert", ParityGateError("PG403", "model.pt2", "torch is missing", "pip install")))
    assert (error["status"], error["exit_code"], error["error"]["code"]) == ("error", 4, "PG403")
    result = checked(
        render_result("inspect", {"path": Path("a"), "signature": Signature((), ()), "size": float("inf")})
    )
    assert result["result"]["size"] == "inf"


BREACHES = [
    pytest.param(lambda d: d.update(status="ok"), id="a status that does not fit the exit code"),
    pytest.param(lambda d: d.update(more=1), id="an unknown key"),
    pytest.param(lambda d: d["result"]["outputs"][0].pop("verdict"), id="an output without a verdict"),
    pytest.param(lambda d: d["result"]["outputs"][0]["metrics"].update(elements="9"), id="text for a number"),
    pytest.param(lambda d: d.update(error=None), id="a failure without a reason"),
]


@pytest.mark.parametrize("breach", BREACHES)
def test_the_schema_refuses(breach):
    document = strict(render_report("convert", REPORTS["fail"]))
    breach(document)
    assert not Draft202012Validator(SCHEMA).is_valid(document)
