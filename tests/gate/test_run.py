"""The run with work that is made up: order, failures of every kind, interruption, the level that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from paritygate.convert.options import ConvertOptions
from paritygate.gate.api import Silent
from paritygate.gate.baseline import Baseline, compared
from paritygate.gate.cache.memory import Forgetful
from paritygate.gate.levels import FailOn, exit_code_of
from paritygate.gate.plan import Planned
from paritygate.gate.run import Crew, run_gate
from paritygate.gate.work import Produced, perform
from paritygate.validate.engines.onnxruntime import load  # noqa: F401  # imported here, before threads do
from paritygate.validate.errors import ParityGateError
from paritygate.validate.events import Listener
from paritygate.validate.report.document import Change, Entry, Failure, Status
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import (
    Environment,
    Finding,
    ModelSummary,
    OutputComparison,
    SamplesSummary,
    Severity,
    Verdict,
)
from paritygate.validate.signature import Signature


def report(verdict: Verdict = Verdict.PASS, *findings: Finding) -> Report:
    model = ModelSummary("m", "onnx", Signature((), ()))
    output = OutputComparison("y", "y", verdict, "" if verdict is Verdict.PASS else "PG101")
    return Report((output,), model, model, SamplesSummary(1), Environment(), findings)


def planned(name: str, folder: Path) -> Planned:
    return Planned(name, "onnx", Path(name), folder / f"{name}.onnx", ConvertOptions())


def passing(entry: Planned, folder: Path, on_event: Listener) -> Produced:
    folder.mkdir(parents=True)
    (folder / "m.onnx").write_bytes(entry.model.encode())
    return Produced(report(), artifact=folder / "m.onnx", seconds=1.0)


def run(plan: list[Planned], work: Callable[..., Produced], jobs: int = 3, **more: Any) -> tuple[Entry, ...]:
    with ThreadPoolExecutor(jobs) as executor:
        return run_gate(plan, Crew(executor, work, **more), Forgetful(), Silent())


def test_entries_stand_in_the_plans_order(tmp_path: Path) -> None:
    plan = [planned(str(number), tmp_path) for number in range(20)]
    entries = run(plan, passing)
    assert [entry.model for entry in entries] == [entry.model for entry in plan]
    assert [Path(entry.written).read_text() for entry in entries] == [entry.model for entry in plan]


class Lost(Executor):
    """An executor whose workers are lost."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(RuntimeError("worker killed"))
        return future


def test_a_lost_worker_is_an_entrys_error(tmp_path: Path) -> None:
    (entry,) = run_gate([planned("a", tmp_path)], Crew(Lost(), passing), Forgetful(), Silent())
    assert entry.error is not None
    assert (entry.error.code, entry.exit_code) == ("PG341", 3)


@pytest.mark.parametrize(
    ("raised", "code"),
    [(ParityGateError("PG404", "x", "y"), "PG404"), (ValueError("bug"), "PG308"), (SystemExit(0), "PG308")],
)
def test_whatever_work_raises_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: str
) -> None:
    def fail(*arguments: object) -> None:
        raise raised

    monkeypatch.setattr("paritygate.convert.pipeline.unpublished", fail)
    produced = perform(planned("a", tmp_path), tmp_path / "x")
    assert produced.error is not None
    assert produced.error.code == code
    assert produced.report is None


def test_an_output_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").mkdir()
    (entry,) = run([planned("a", tmp_path)], passing)
    assert (entry.report, entry.written) == (None, "")
    assert entry.status is Status.ERROR


def test_an_interrupt_stops_what_runs_and_keeps_what_is_done(tmp_path: Path) -> None:
    stopped = threading.Event()

    def work(entry: Planned, folder: Path, on_event: Listener) -> Produced:
        if entry.model == "0":
            return passing(entry, folder, on_event)
        assert stopped.wait(20)
        return passing(entry, folder, on_event)

    class Interrupting(Silent):
        def done(self, entry: Entry) -> None:
            raise KeyboardInterrupt

    plan = [planned(str(number), tmp_path) for number in range(9)]
    with ThreadPoolExecutor(2) as executor, pytest.raises(KeyboardInterrupt):
        run_gate(plan, Crew(executor, work, stop=stopped.set), Forgetful(), Interrupting())
    assert [path.name for path in tmp_path.glob("*.onnx")] == ["0.onnx"]


WARNING = Finding("PG110", Severity.WARNING, "y", "constant")
ENTRIES = {
    "pass": Entry("m", "t", report()),
    "warned": Entry("m", "t", report(Verdict.PASS, WARNING)),
    "fail": Entry("m", "t", report(Verdict.FAIL)),
    "inconclusive": Entry("m", "t", report(Verdict.INCONCLUSIVE)),
    "timeout": Entry("m", "t", error=Failure("PG304", "x", "y")),
    "samples": Entry("m", "t", error=Failure("PG204", "x", "y")),
    "source": Entry("m", "t", error=Failure("PG404", "x", "y")),
    "unsafe": Entry("m", "t", error=Failure("PG501", "x", "y")),
}


@pytest.mark.parametrize(
    ("names", "by_fail", "by_inconclusive", "by_warning"),
    [
        ("", 0, 0, 0),
        ("pass", 0, 0, 0),
        ("warned pass", 0, 0, 3),
        ("pass inconclusive", 0, 3, 3),
        ("timeout pass", 0, 3, 3),
        ("samples timeout", 2, 2, 2),
        ("source samples", 4, 4, 4),
        ("unsafe source", 5, 5, 5),
        ("unsafe fail inconclusive", 1, 1, 1),
    ],
)
def test_the_worst_entry_decides(names: str, by_fail: int, by_inconclusive: int, by_warning: int) -> None:
    entries = [ENTRIES[name] for name in names.split()]
    found = [exit_code_of(entries, level) for level in (FailOn.FAIL, FailOn.INCONCLUSIVE, FailOn.WARNING)]
    assert found == [by_fail, by_inconclusive, by_warning]


def test_changes_against_a_baseline() -> None:
    now = {"same": "pass", "worse": "inconclusive", "better": "pass", "new": "pass"}
    before = {"same": Status.PASS, "worse": Status.PASS, "better": Status.INCONCLUSIVE, "gone": Status.PASS}
    entries = [Entry(name, "t", report(Verdict(verdict))) for name, verdict in now.items()]
    baseline = Baseline(Path("b.json"), {(name, "t"): status for name, status in before.items()})
    found = {entry.model: entry.change for entry in compared(entries, baseline, whole=True)}
    assert found == {
        "same": Change.UNCHANGED,
        "worse": Change.WORSE,
        "better": Change.BETTER,
        "new": Change.NEW,
        "gone": Change.GONE,
    }
    assert len(compared(entries, baseline, whole=False)) == 4
    assert compared(entries, baseline, whole=True)[-1].exit_code == 2
