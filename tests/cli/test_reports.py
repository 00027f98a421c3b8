"""``--report``: what is written where, in which surroundings, and that errors are reported too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import paritygate.validate
from paritygate.cli.main import main
from paritygate.validate.report.document import Document, Entry, Failure, Status
from paritygate.validate.report.render.formats import ReportFormat
from paritygate.validate.report.render.json import render_document
from paritygate.validate.report.report import Report
from paritygate.validate.report.stored import read_document
from paritygate.validate.report.types import Environment, ModelSummary, OutputComparison, SamplesSummary, Verdict
from paritygate.validate.signature import Signature

HOSTILE = "::error::owned ##[add-mask]"


def report(verdict: Verdict, name: str = HOSTILE) -> Report:
    model = ModelSummary("a.onnx", "ONNX", Signature((), ()))
    output = OutputComparison(name, name, verdict, "" if verdict is Verdict.PASS else "PG101", "they differ")
    return Report((output,), model, model, SamplesSummary(3), Environment({}))


def shift(path: Path, by: float) -> None:
    """A model that adds a constant."""
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in ("x", "y")]
    constant = numpy_helper.from_array(np.full(4, by, np.float32), "b")
    graph = helper.make_graph([helper.make_node("Add", ["x", "b"], ["y"])], "g", info[:1], info[1:], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def paritygate_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in a folder with two models, in no CI system; (status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(variable, raising=False)
    for name in ("a.onnx", "b.onnx"):
        Path(name).write_bytes(b"\x08")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture
def judge(paritygate_command: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """``validate`` with a ready verdict: what is done with it is what these tests are about."""

    def run(verdict: Verdict, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(paritygate.validate, "validate", lambda *_, **__: report(verdict))
        return paritygate_command("validate", "a.onnx", "b.onnx", *arguments)

    return run


def test_the_same_run_gives_the_same_bytes_but_for_times(tmp_path: Path) -> None:
    shift(tmp_path / "a.onnx", 1), shift(tmp_path / "b.onnx", 1.5)
    command = [sys.executable, "-m", "paritygate.cli", "validate", "a.onnx", "b.onnx", "-q", "--report", "json=r.json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB")}
    runs = []
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, env=environment)
        assert done.returncode == 1, done.stderr
        content = json.loads((tmp_path / "r.json").read_text())
        content["started"] = content["entries"][0]["seconds"] = content["entries"][0]["report"]["timings"] = None
        runs.append(json.dumps(content))
    assert runs[0] == runs[1]
    options = json.loads(runs[0])["options"]
    assert (options["seed"], options["policy"], options["timeout"]) == (0, "computed", 480.0)


def test_an_error_is_in_every_report(paritygate_command: Command) -> None:
    files = [f"{format}=report.{format}" for format in ReportFormat]
    options = [word for text in files for word in ("--report", text)]
    status, printed, said = paritygate_command("convert", "a.onnx", "-o", "out.onnx", *options)
    assert (status, printed) == (4, "")
    assert "[PG402]" in said
    for text in files:
        name = text.partition("=")[2]
        assert "paritygate explain PG402" in Path(name).read_text() or name == "report.json"
    document = read_document(Path("report.json"))
    assert (document.command, document.status, document.entries[0].target) == ("convert", Status.ERROR, "out.onnx")


def test_a_refused_option_is_reported_too(paritygate_command: Command) -> None:
    status, _, _ = paritygate_command("validate", "a.onnx", "b.onnx", "--rtol", "x", "--report", "json=r.json")
    assert status == 2
    error = read_document(Path("r.json")).entries[0].error
    assert error is not None
    assert (error.code, "--rtol" in error.cause) == ("PG201", True)


@pytest.mark.parametrize("verdict", Verdict)
def test_text_is_printed_where_nothing_is_said(judge: Command, verdict: Verdict) -> None:
    _, printed, _ = judge(verdict, "--report", "junit=r.xml")
    assert printed.splitlines()[-1].startswith(verdict.value.upper())
    assert [line for line in printed.splitlines() if line.lstrip().startswith("::") or "##[" in line] == []
    assert Path("r.xml").is_file()


def test_github_actions_gets_annotations_and_a_summary(judge: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("before\n")
    _, printed, _ = judge(Verdict.FAIL)
    commands = [line for line in printed.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    assert [command.partition(" ")[0] for command in commands] == ["::error"]
    assert "FAIL: 0 of 1 outputs agree" in printed
    summary = Path("summary.md").read_text()
    assert summary.startswith("before\n")
    assert summary.count("**FAIL: ") == 1


def test_github_actions_gets_an_error_of_a_command(
    paritygate_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    _, printed, _ = paritygate_command("convert", "none.onnx", "-o", "out.onnx")
    assert printed.startswith("::error file=none.onnx,")
    assert "paritygate explain PG202" in Path("summary.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "annotated", "summary"),
    [
        (["--report", "json"], False, False),
        (["--json"], False, False),
        (["--format", "json"], False, False),
        (["--report", "text"], False, False),
        (["--report", "github"], True, True),
        (["--report", "github=notes.txt"], True, True),
        (["--report", "json=r.json"], True, True),
    ],
)
def test_what_is_asked_for_is_what_is_printed(
    arguments: list[str], annotated: bool, summary: bool, judge: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    _, printed, _ = judge(Verdict.FAIL, *arguments)
    assert any(line.startswith("::error") for line in printed.splitlines()) == annotated
    assert Path("summary.md").exists() == summary
    if "json" in arguments or "--json" in arguments:
        assert json.loads(printed)["schema_version"] == (2 if "--report" in arguments else 1)


def test_a_summary_is_written_once(judge: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    judge(Verdict.FAIL, "--report", "github=notes.txt", "--report", "text")
    assert Path("summary.md").read_text().count("**FAIL: ") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--report", "xml"], "PG201", "is not FORMAT or FORMAT=FILE"),
        (["--report", "json="], "PG201", "is not FORMAT or FORMAT=FILE"),
        (["--report", "json", "--report", "junit"], "PG201", "can't both be printed"),
        (["--json", "--report", "text"], "PG201", "can't both be printed"),
        (["--report", "json=r", "--report", "junit=./r"], "PG201", "can't be in one file"),
        (["--report", "json=a.onnx"], "PG205", "another use"),
        (["--report=html=./b.onnx"], "PG205", "another use"),
        (["--report", "json=s.npz", "--samples", "s.npz"], "PG205", "another use"),
        (["--report", "json=s.npz", "--samples=s.npz", "--rtol", "x"], "PG205", "another use"),
        (["--report", "json=none/r.json"], "PG205", "does not exist"),
        (["--report", "json=."], "PG205", "a folder is in the way"),
    ],
)
def test_reports_that_can_not_be_written_are_refused_before_any_work(
    arguments: list[str], code: str, said: str, judge: Command
) -> None:
    Path("s.npz").write_bytes(b"mine")
    status, printed, errors = judge(Verdict.PASS, *arguments)
    assert status == 2
    assert code in printed + errors
    assert said in printed + errors
    assert Path("a.onnx").read_bytes() == Path("b.onnx").read_bytes() == b"\x08"
    assert Path("s.npz").read_bytes() == b"mine"


def store(name: str, *entries: Entry, **options: object) -> None:
    Path(name).write_text(render_document(Document("gate", entries, options=options, version="1", started="now")))


GOOD, BAD = Entry("m", "good", report(Verdict.PASS)), Entry("m", "bad", error=Failure("PG402", "m", "it is damaged"))


def test_reports_are_shown_later_in_any_format(paritygate_command: Command) -> None:
    store("good.json", GOOD), store("bad.json", BAD)
    assert paritygate_command("report", "good.json", "--report", "json")[:2] == (
        0,
        f"{Path('good.json').read_text()}\n",
    )
    status, printed, _ = paritygate_command("report", "good.json", "bad.json", "--report", "html=r.html")
    assert status == 0
    assert printed.splitlines()[-1] == "ERROR: 2 entries: 1 pass, 1 error"
    assert "paritygate explain PG402" in Path("r.html").read_text()
    assert paritygate_command("report", "--exit-status", "good.json", "bad.json", "-q")[0] == 4
    assert paritygate_command("report", "--exit-status", "good.json", "-q")[:2] == (0, "")


def test_the_status_is_by_the_level_that_the_gate_was_made_with(paritygate_command: Command) -> None:
    store("r.json", Entry("m", "t", report(Verdict.INCONCLUSIVE)), fail_on="fail")
    assert paritygate_command("report", "r.json", "--exit-status")[0] == 0
    store("r.json", Entry("m", "t", report(Verdict.INCONCLUSIVE)), fail_on="inconclusive")
    assert paritygate_command("report", "r.json", "--exit-status")[0] == 3


def test_shards_are_merged(paritygate_command: Command) -> None:
    store("1.json", GOOD, shard="1/2"), store("2.json", BAD, shard="2/2")
    status, _, _ = paritygate_command("report", "merge", "2.json", "1.json", "-o", "all.json", "--exit-status")
    assert status == 4
    assert read_document(Path("all.json")).entries == (GOOD, BAD)
    status, _, said = paritygate_command("report", "merge", "1.json", "-o", "part.json")
    assert (status, "PG232" in said, Path("part.json").exists()) == (2, True, False)
    assert paritygate_command("report", "merge", "1.json", "2.json", "-o", "1.json")[0] == 2
    assert read_document(Path("1.json")).entries == (GOOD,)


def test_a_damaged_report_is_no_pass(paritygate_command: Command) -> None:
    store("good.json", GOOD)
    whole = Path("good.json").read_text()
    Path("good.json").write_text(whole.replace('"verdict": "pass"', '"verdict": "fail"'))
    status, _, said = paritygate_command("report", "good.json", "--exit-status")
    assert (status, "PG230" in said) == (2, True)
