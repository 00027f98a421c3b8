"""The page as text: whole, inert against names from files, and with everything that a reader without scripts needs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from page_documents import NASTY, gate, report, single

from paritygate.validate.report.document import Document, Entry, Failure
from paritygate.validate.report.page.page import render_page
from paritygate.validate.report.page.templating import SCRIPTS, asset
from paritygate.validate.report.redact import redacted
from paritygate.validate.report.render.json import render_report

FOLDER = files("paritygate.validate.report.page")
SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "report.schema.json").read_text())


class Page(HTMLParser):
    """Tags that are closed in order, scripts and data by themselves, and the text beside them."""

    VOID = ("meta", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.scripts, self.data, self.words, self.policy = [], [], [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        assert not [name for name in named if name.startswith("on") or name in ("src", "style", "srcset")]
        assert named.get("href", "#").startswith("#")
        self.tags.append(tag)
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"]
        if tag not in self.VOID:
            self.open.append((tag, named))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag
        self.words.append(" ")

    def handle_data(self, data):
        tag, named = self.open[-1] if self.open else ("", {})
        if tag == "script":
            (self.data if named.get("type") == "application/json" else self.scripts).append(data)
        elif tag != "style":
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def failing():
    return Page(render_page(single(broken=True)))


def test_its_policy_names_its_own_scripts_and_no_others(failing):
    assert len(failing.scripts) == len(SCRIPTS)
    for script in failing.scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in failing.policy
    assert failing.policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in failing.policy


def test_apache_echarts_is_the_released_file():
    listed, name = asset("SHA256SUMS").split()
    assert listed == hashlib.sha256(FOLDER.joinpath("static", name).read_bytes()).hexdigest()
    assert listed == "61f13280aba3161f77fc801bf5f9c786f55f10432153a0683fc5cc0700b013d5"  # of echarts 6.1.0 from npm
    assert "Apache License" in asset("echarts-LICENSE")
    assert "Apache ECharts" in asset("echarts-NOTICE")


def test_a_failure_leads_with_the_verdict_and_what_to_do(failing):
    text = failing.text
    order = ["FAIL: 0 of 3 outputs agree on 2 samples", "starts at", "next", "paritygate explain PG1"]
    order += ["Error, allowance and noise floor", "Error per layer", "Outputs", "Findings", "How large the errors are"]
    order += ["What was compared", "Environment, hashes and runtimes"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "ab" * 32 in text


def test_every_chart_has_a_table(failing):
    assert failing.tags.count("figure") == failing.tags.count("figcaption") > 6
    assert failing.text.count("As a table") == failing.tags.count("figure")


def test_the_tables_say_what_the_charts_show(failing):
    text = failing.text
    table = re.search(r"axis 2 axis 3 greatest error ((?:\d+ \d+ [\d.e-]+ )+)", text)
    places = re.findall(r"(\d+) (\d+) 0\.5", table[1])
    assert sorted(int(column) for _, column in places) == list(range(16))
    assert {row for row, _ in places} == {"11"}  # only the last row of the image is off
    assert "4 of 4 rows have another class" in text
    assert re.search(r"resize 0\.5 1e-06 no, the first", text)


def test_the_charts_data_is_json_without_numbers_that_json_lacks(failing):
    (data,) = failing.data
    content = json.loads(data, parse_constant=lambda name: pytest.fail(name))
    assert [output["name"] for output in content["outputs"]] == ["mask", "scores", "label"]
    assert content["layers"][2]["error"] == "inf"
    assert content["first"] == "mask"


def test_a_gate_without_charts_carries_no_chart_library():
    document = Document("gate", (Entry("a", "onnx", error=Failure("PG401", "a", "no")),) * 2)
    assert len(render_page(document)) < 40_000


@pytest.mark.parametrize("entries", [0, 1, 2])
def test_any_number_of_entries_is_a_page(entries):
    document = Document("gate", (Entry("a", "onnx", error=Failure("PG401", "a", "no way")),) * entries)
    assert ("no way" in Page(render_page(document)).text) is bool(entries)


@settings(max_examples=40, deadline=None)
@given(name=st.one_of(st.text(min_size=1), st.lists(st.sampled_from(["</script>", "<!--", "<script", '"', "'", "{{1}}",
    "-->", "]]>", "&lt;", "\u2028", "\x1b[31m", "</template>", "</details>"])).map("".join)))  # fmt: skip
def test_names_from_files_cannot_break_out(name):
    plain, given_name = report(broken=False), name + NASTY
    charts = tuple(replace(chart, name=given_name) for chart in plain.charts)
    outputs = tuple(replace(output, name=given_name) for output in plain.outputs)
    entry = Entry(given_name, given_name, replace(plain, charts=charts, outputs=outputs))
    error = Entry(given_name, "onnx", error=Failure("PG401", given_name, given_name, given_name))
    page = Page(render_page(Document(given_name, (entry, error, error), (given_name,), {given_name: given_name})))
    assert len(page.scripts) == len(SCRIPTS)
    assert "img" not in page.tags
    assert "\x1b" not in page.text
    assert all(output["name"] == given_name for data in page.data for output in json.loads(data)["outputs"])


def test_the_matrix_shows_every_entry_of_one_model_and_target():
    good, bad = report(broken=False), report(broken=True)
    page = render_page(Document("gate", tuple(Entry("a", "onnx", made) for made in (bad, good))))
    (row,) = re.findall(r'<tr><th scope="row">a</th>.*?</tr>', page)
    assert re.findall(r'class="cell (\w+)"', row) == ["fail", "pass"]


def test_lost_elements_are_told_apart_from_equal_ones():
    # Two samples of two images: 3 channels, 2 rows of 16 columns each.
    text = Page(render_page(single(broken=True, lost=True))).text
    assert "mask 0, 384 not finite" in text
    assert "384 are not finite, or nothing is allowed for them" in text
    assert "Red places are finite on one side only" in text
    assert re.search(r"axis 2 axis 3 greatest error 2 0 not finite 2 1 not finite", text)


def test_passes_of_a_gate_are_folded_and_failures_open():
    page = render_page(gate(10))
    entries = re.findall(r'<details class="entry" id="entry-\d+" data-status="(\w+)" data-name="[^"]*"( open)?>', page)
    assert {status for status, opened in entries if opened} == {"fail", "error"}
    assert {status for status, opened in entries if not opened} == {"pass"}
    assert "fail</a> <small>worse, was pass</small>" in page


def test_the_page_of_300_models_is_capped():
    assert len(render_page(gate(300))) < 25_000_000


def test_the_same_document_gives_the_same_bytes():
    assert render_page(single(broken=True)) == render_page(single(broken=True))


def test_redacted_reports_hold_no_values():
    whole = report(broken=True)
    bare = redacted(whole)
    text = Page(render_page(Document("validate", (Entry("a", "b", bare),)))).text
    values = {f"{float(value):.6g}" for output in whole.outputs if output.worst
              for value in (output.worst.expected, output.worst.actual) if isinstance(value, float)}  # fmt: skip
    assert values
    assert not [value for value in values if value in text]
    assert "(--redact)" in text
    assert "Worst sample" not in text
    assert "Reference against candidate" not in text
    assert bare.verdict is whole.verdict
    assert "Worst sample" in Page(render_page(Document("validate", (Entry("a", "b", whole),)))).text


def test_charts_survive_storing():
    """As a gate's cache keeps reports: read back without loss."""
    whole = report(broken=True)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(whole), type=type(whole)) == whole


def test_json_with_charts_keeps_to_the_schema():
    document = json.loads(render_report("validate", report(broken=True)))
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    assert len(document["result"]["charts"]) == 3
