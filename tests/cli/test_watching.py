"""How a gate is watched: the rows that a terminal has room for, and a line for each entry elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from paritygate.cli.watching import Lines, Watch, table_of
from paritygate.convert.options import ConvertOptions
from paritygate.gate.plan import Planned
from paritygate.validate.events import Event
from paritygate.validate.report.document import Entry, Failure

PLAN = [Planned(f"m{number}", "onnx", Path("m"), Path("o"), ConvertOptions()) for number in range(9)]


def shown(watch: Watch, rows: int) -> list[str]:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table_of(watch, rows))
    return [line.strip() for line in captured.get().splitlines()]


def watched(kind: type[Watch] = Watch) -> Watch:
    watch = kind()
    watch.start(PLAN, {("m7", "onnx"): 90.0})
    watch.stage(PLAN[7], Event("convert"))
    watch.stage(PLAN[8], Event("run samples", 3, 10))
    watch.done(Entry("m6", "onnx", error=Failure("PG404", "m6", "no")))
    return watch


def test_what_runs_and_what_failed_is_always_shown() -> None:
    lines = shown(watched(), 4)
    assert [line.split()[0] for line in lines[1:-1]] == ["m0", "m6", "m7", "m8"]
    assert "error" in lines[2]
    assert "convert" in lines[3]
    assert "about 90 s left" in lines[3]
    assert "run samples 3/10" in lines[4]
    assert lines[-1] == "1 of 9 done: 1 error"


def test_names_can_not_write_to_the_terminal() -> None:
    watch = Watch()
    watch.start([Planned("\x1b[2Jm[red]", "onnx", Path("m"), Path("o"), ConvertOptions())], {})
    (_, row, _) = shown(watch, 4)
    assert row.startswith("\\x1b[2Jm[red]")


def test_a_line_for_each_entry(capsys: pytest.CaptureFixture[str]) -> None:
    watch = watched(Lines)
    watch.done(Entry("m8", "onnx", error=Failure("PG304", "m8", "no"), cached=True))
    assert capsys.readouterr().err.splitlines() == [
        "paritygate: [1/9] error m6 -> onnx (0.0 s)",
        "paritygate: [2/9] error m8 -> onnx (cached)",
    ]
