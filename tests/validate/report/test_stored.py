"""A document's JSON is read again without loss, and nothing else is taken for one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from jsonschema import Draft202012Validator

from paritygate.validate.errors import ParityGateError
from paritygate.validate.report.document import Document, Entry, Status
from paritygate.validate.report.merge import merged, together
from paritygate.validate.report.render.json import render_document
from paritygate.validate.report.stored import document_of, read_document
from paritygate.validate.report.types import OutputComparison, Verdict, WorstElement

from .documents import ENTRIES, documents, failure, report

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text()))


def read(document: Document) -> Document:
    return document_of(json.loads(render_document(document)), "x.json")


@settings(max_examples=80, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(documents)
def test_a_document_is_read_again_without_loss(document: Document) -> None:
    text = render_document(document)
    SCHEMA.validate(json.loads(text))
    again = read(document)
    assert render_document(again) == text
    assert repr(again) == repr(read(again))  # NaN is unequal to itself, its repr isn't
    assert _comparable(again) == _comparable(document)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 3.0, 3, True, "3", "nan", "inf"])
def test_a_worst_element_keeps_its_type(value: float | int | bool | str) -> None:
    """A number that is no number, and a text that says the same, look alike in JSON: the dtype tells."""
    dtype = "str" if isinstance(value, str) else "float32" if isinstance(value, float) else "int64"
    output = OutputComparison("y", "y", Verdict.FAIL, "PG101", dtype=dtype, worst=WorstElement(0, (), value, value))
    entry = replace(ENTRIES["fail"], report=replace(report(Verdict.FAIL), outputs=(output,)))
    found = read(Document("validate", (entry,))).entries[0].report
    assert found is not None
    assert repr(found.outputs[0].worst) == repr(output.worst)


def _comparable(document: Document) -> str:
    """Whole floats may have been given as integers."""
    return repr(document).replace(".0", "")


def stored(tmp_path: Path, change: Any = None, **replaced: Any) -> Path:
    content = json.loads(render_document(Document("validate", (ENTRIES["fail"],)))) | replaced
    if change:
        change(content["entries"][0])
    file = tmp_path / "r.json"
    file.write_text(json.dumps(content))
    return file


def test_a_file_is_read(tmp_path: Path) -> None:
    assert read_document(stored(tmp_path, more="a key of a later release")) == Document("validate", (ENTRIES["fail"],))


BROKEN = {
    "newer": ({"schema_version": 3}, None, "PG231", "a newer paritygate"),
    "envelope": ({"schema_version": 1}, None, "PG230", "--json"),
    "other": ({"schema_version": None}, None, "PG230", "isn't a report"),
    "entries": ({"entries": 3}, None, "PG230", "isn't a report"),
    "changed": ({}, lambda entry: entry.update(status="pass"), "PG230", "makes it fail"),
    "both": ({}, lambda entry: entry.update(error=vars_of_failure()), "PG230", "not just one of"),
    "neither": ({}, lambda entry: entry.update(report=None), "PG230", "not just one of"),
    "type": ({}, lambda entry: entry["report"].update(outputs=[1]), "PG230", "damaged"),
    "lacks": ({}, lambda entry: entry["report"].pop("samples"), "PG230", "samples"),
}


def vars_of_failure() -> dict[str, str]:
    return {"code": "PG402", "subject": "x", "cause": "y", "remedy": ""}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_damaged_or_newer_is_refused(name: str, tmp_path: Path) -> None:
    replaced, change, code, said = BROKEN[name]
    with pytest.raises(ParityGateError) as raised:
        read_document(stored(tmp_path, change, **replaced))
    assert raised.value.code == code
    assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"7", b"NaN"])
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_bytes(content)
    with pytest.raises(ParityGateError) as raised:
        read_document(file)
    assert raised.value.code == "PG230"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParityGateError) as raised:
        read_document(tmp_path / "none.json")
    assert raised.value.code == "PG202"


def shard(number: int, *models: str, count: int = 2, **options: Any) -> tuple[str, Document]:
    entries = tuple(Entry(model, "t", report(Verdict.PASS)) for model in models)
    given = {"shard": f"{number}/{count}", "seed": 0} | options
    return f"{number}.json", Document("gate", entries, ("gate",), given, "1", f"2026-01-0{number}")


def test_shards_become_the_whole_in_the_order_of_the_plan() -> None:
    whole = merged([shard(2, "b", "d"), shard(1, "a", "c", "e")])
    assert [entry.model for entry in whole.entries] == ["a", "b", "c", "d", "e"]
    assert (whole.options, whole.started, whole.status) == ({"shard": "1/1", "seed": 0}, "2026-01-01", Status.PASS)


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([shard(1, "a"), shard(2, "a")], "is also in 1.json"),
        ([shard(1, "a"), shard(2, "b", seed=1)], "option seed"),
        ([shard(1, "a", count=3), shard(3, "b", count=3)], "of 3 shards, these were given: 1, 3"),
        ([shard(1, "a", count=2)], "of 2 shards, these were given: 1"),
        ([shard(1, "a", count=2), shard(2, "b", count=3)], "parts of different runs"),
        ([shard(1, "a"), ("x.json", Document("validate", ()))], "its command is 'validate'"),
    ],
)
def test_what_does_not_belong_together_is_not_merged(documents: list[tuple[str, Document]], said: str) -> None:
    with pytest.raises(ParityGateError, match=said) as raised:
        merged(documents)
    assert raised.value.code == "PG232"


def test_reports_of_several_commands_are_shown_together() -> None:
    one, other = Document("convert", (ENTRIES["pass"],)), Document("validate", (Entry("m", "t", error=failure()),))
    shown = together([("1", one), ("2", other)])
    assert (shown.command, shown.entries) == ("report", one.entries + other.entries)
    with pytest.raises(ParityGateError, match="is also in 1"):
        together([("1", one), ("2", one)])
