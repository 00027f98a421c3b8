"""Every report format renders every verdict, and takes nothing that comes from a file for its own syntax."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from paritygate.validate.errors import ExitCode
from paritygate.validate.report.render.formats import Outcome, ReportFormat, render
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import (
    Environment,
    ModelSummary,
    OutputComparison,
    SamplesSummary,
    Verdict,
)
from paritygate.validate.signature import Signature

EVIL = "\x1b[31m<script>alert('&')</script>\n|**bold**|[link](x)"


def report(verdict: Verdict) -> Report:
    model = ModelSummary(EVIL, "ONNX", Signature((), ()), 10, "ab" * 32)
    output = OutputComparison(EVIL, EVIL, verdict, "" if verdict is Verdict.PASS else "PG101", f"about {EVIL}")
    return Report((output,), model, model, SamplesSummary(3), Environment({}, "ONNX Runtime"))


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("format", ReportFormat)
def test_every_format_renders_every_verdict(format: ReportFormat, verdict: Verdict) -> None:
    text = render(Outcome("validate", report(verdict), Path("out.onnx")), format)
    assert verdict.value in text.lower()
    assert "\x1b" not in text
    assert not text.endswith("\n")


def test_markdown_is_one_table_and_takes_no_name_for_markup() -> None:
    lines = render(Outcome("validate", report(Verdict.FAIL)), ReportFormat.MARKDOWN).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 3
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    body = "\n".join(lines[1:])
    assert "<script" not in body
    assert "**bold" not in body.replace("\\*", "")
    assert "[link]" not in body.replace("\\[", "")


def test_the_page_is_a_whole_document() -> None:
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

    Tags().feed(render(Outcome("validate", report(Verdict.PASS)), ReportFormat.HTML))
    assert tags[0] == "html"
    assert tags.count("main") == 1


def test_json_names_command_and_status() -> None:
    document = json.loads(render(Outcome("convert", report(Verdict.PASS), Path("out.onnx")), ReportFormat.JSON))
    assert (document["command"], document["exit_code"]) == ("convert", ExitCode.PASS)
    assert document["result"]["written"] == "out.onnx"
