"""Every report format renders every document, and takes nothing that comes from a file for its own syntax."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import Phase, given, settings
from jsonschema import Draft202012Validator
from junitparser import JUnitXml

from paritygate.validate.catalog import CATALOG
from paritygate.validate.errors import ExitCode
from paritygate.validate.report.document import Document, Entry, Failure, Status
from paritygate.validate.report.render.formats import ReportFormat, render
from paritygate.validate.report.render.markdown import LARGEST_COMMENT, MARKER, render_markdown
from paritygate.validate.report.types import Verdict

from .documents import ENTRIES, EVIL, documents, failure, report

DOCUMENTS = {name: Document("validate", (entry,)) for name, entry in ENTRIES.items()}
DOCUMENTS["all"] = Document("gate", tuple(ENTRIES.values()))
SARIF = json.loads((Path(__file__).parent / "sarif-subset.schema.json").read_text())
SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("format", ReportFormat)
def test_every_format_renders_every_document(format: ReportFormat, name: str) -> None:
    text = render(DOCUMENTS[name], format)
    assert "\x1b" not in text
    assert not text.endswith("\n")
    if format in (ReportFormat.TEXT, ReportFormat.MARKDOWN, ReportFormat.HTML, ReportFormat.JSON):
        assert DOCUMENTS[name].status.value in text.lower()


QUICK = settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate))
LINE = re.compile(r"::(error|warning) file=[^:,\n]*,title=[^:,\n]*::")
"""A workflow command of GitHub's (its runner, ActionCommand.cs): properties end at a comma, the list at ``::``."""


@QUICK
@given(documents)
def test_ci_is_red_exactly_where_an_entry_is_no_pass(document: Document) -> None:
    """In every format, whatever names and messages hold; text that a system can't read would be no report at all."""
    red = [entry.status is not Status.PASS for entry in document.entries]
    suites = list(JUnitXml.fromstring(render(document, ReportFormat.JUNIT)))
    assert [suite.failures + suite.errors > 0 for suite in suites] == red
    assert all(suite.tests > 0 and not suite.skipped for suite in suites)
    sarif = json.loads(render(document, ReportFormat.SARIF))
    Draft202012Validator(SARIF).validate(sarif)
    results = sarif["runs"][0]["results"]
    assert any(result["level"] == "error" for result in results) == any(red)
    issues = json.loads(render(document, ReportFormat.GITLAB))
    assert any(issue["severity"] == "critical" for issue in issues) == any(red)
    lines = render(document, ReportFormat.GITHUB).splitlines()
    assert any(line.startswith("::error ") for line in lines) == any(red)
    assert [line for line in lines if not LINE.match(line) or not line.isprintable()] == []
    for each in (results, issues):
        marks = [json.dumps(one.get("partialFingerprints", one.get("fingerprint"))) for one in each]
        if not _alike(document):
            assert len(set(marks)) == len(marks)
    assert {result["partialFingerprints"]["paritygate/v1"] for result in results} == {
        issue["fingerprint"] for issue in issues
    }


def _alike(document: Document) -> bool:
    names = [(entry.model, entry.target) for entry in document.entries]
    return len(set(names)) < len(names)


@QUICK
@given(documents)
def test_no_text_holds_a_command_of_a_ci_system_or_what_xml_forbids(document: Document) -> None:
    for format in (ReportFormat.TEXT, ReportFormat.MARKDOWN):
        text = render(document, format)
        assert [line for line in text.splitlines() if line.lstrip().startswith("::")] == []
        assert not re.search(r"##\w*\[", text)
    ElementTree.fromstring(render(document, ReportFormat.JUNIT))


def test_fingerprints_stay_when_only_figures_change() -> None:
    before, after = (
        Document("validate", (Entry("a", "b", error=Failure("PG402", "a", cause)),)) for cause in ("1", "2")
    )
    for format in (ReportFormat.SARIF, ReportFormat.GITLAB):
        marks = [
            re.findall(r'[fF]ingerprint.*?"([0-9a-f]{32})"', render(each, format), re.S) for each in (before, after)
        ]
        assert marks[0] == marks[1] != []


@pytest.mark.parametrize(
    ("model", "uri"),
    [
        ("models/a b%.onnx", "models/a%20b%25.onnx"),
        ("nets.py:build", "nets.py"),
        ("../up.onnx", "../up.onnx"),
        ("/elsewhere/é.onnx", "file:///elsewhere/%C3%A9.onnx"),
        (str(Path.cwd() / "sub" / "x.onnx"), "sub/x.onnx"),
        ("c:d.onnx", "./c:d.onnx"),
    ],
)
def test_locations_are_uris_of_the_users_files(model: str, uri: str) -> None:
    document = Document("validate", (Entry(model, "t", error=failure("x")),))
    (result,) = json.loads(render(document, ReportFormat.SARIF))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize("name", ["fail", "inconclusive", "error"])
@pytest.mark.parametrize("format", [f for f in ReportFormat if f not in (ReportFormat.JSON, ReportFormat.HTML)])
def test_every_format_says_what_it_means_what_to_do_and_where_to_read_before_details(
    format: ReportFormat, name: str
) -> None:
    (entry,) = DOCUMENTS[name].entries
    code = entry.error.code if entry.error else "PG101"
    text = render(DOCUMENTS[name], format)
    assert f"paritygate explain {code}" in text
    meaning = "the candidate gives different values" if entry.report else CATALOG[code].title
    steps = ["result", "next", "more"]
    if format is ReportFormat.GITLAB:
        text = json.loads(text)[0]["description"]
    elif format is ReportFormat.SARIF:
        text = json.loads(text)["runs"][0]["results"][0]["message"]["text"]
    assert meaning in re.sub("&#x?[0-9a-f]+;", "'", text)
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    if format in (ReportFormat.GITLAB, ReportFormat.SARIF, ReportFormat.GITHUB, ReportFormat.JUNIT):
        assert text.index("details: ") > places[-1]


def test_markdown_is_one_table_and_takes_no_name_for_markup() -> None:
    lines = render(DOCUMENTS["fail"], ReportFormat.MARKDOWN).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 3
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert lines[0] == MARKER
    body = "\n".join(lines[2:])
    for markup in ("<script", "@someone", "https://", "<!--"):
        assert markup not in body
    assert "**bold" not in body.replace("\\*", "")
    assert "[link]" not in body.replace("\\[", "")
    assert "#12" not in body


@pytest.mark.parametrize(("size", "name", "cut"), [(1, "y", False), (3, "\U0001f600" * 9000, True), (400, "y", True)])
def test_a_comment_is_never_too_long_and_shows_failures_first(size: int, name: str, cut: bool) -> None:
    bad = Entry("bad", name, report(Verdict.FAIL, name))
    document = Document("gate", (*[Entry(f"m{n}", "t", report(Verdict.PASS)) for n in range(size)], *[bad] * size))
    text = render_markdown(document)
    assert len(text.encode()) <= LARGEST_COMMENT < 65_536
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[1].startswith("| fail | bad |")
    assert ("lines are left out" in text) == cut


def test_the_page_is_a_whole_document() -> None:
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

    Tags().feed(render(DOCUMENTS["pass"], ReportFormat.HTML))
    assert tags[0] == "html"
    assert tags.count("main") == 1


def test_json_names_command_and_status_and_is_true_to_the_schema() -> None:
    for document in DOCUMENTS.values():
        content = json.loads(render(document, ReportFormat.JSON))
        Draft202012Validator(SCHEMA).validate(content)
        assert (content["command"], content["exit_code"]) == (document.command, document.exit_code)
    assert json.loads(render(DOCUMENTS["all"], ReportFormat.JSON))["exit_code"] == ExitCode.PARITY_FAILED


def test_nothing_at_all_is_no_pass() -> None:
    empty = Document("gate", ())
    assert (empty.status, empty.exit_code) == (Status.INCONCLUSIVE, ExitCode.INCONCLUSIVE)
    assert EVIL not in render(empty, ReportFormat.TEXT)
