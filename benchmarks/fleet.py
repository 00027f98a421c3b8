"""How much a gate adds to each model's work, and how that grows: a fleet of models whose work is a stand-in.

``python -m benchmarks.fleet [COUNT ...]`` runs plans of stub models (default: 50, 500 and 5,000) through the gate's own
planning, scheduling, exporting and reporting, with durations drawn from those that a real gate measured, shortened to
a thousandth. It writes a section of docs/benchmarks.md.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from paritygate.gate.api import Silent
from paritygate.gate.cache.memory import Remembered
from paritygate.gate.cache.store import Store
from paritygate.gate.config.file import load_config
from paritygate.gate.plan import Planned, make_plan
from paritygate.gate.run import Crew, run_gate
from paritygate.gate.work import Produced
from paritygate.validate.events import Listener
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import Environment, ModelSummary, OutputComparison, SamplesSummary, Verdict
from paritygate.validate.signature import Signature

from .sections import write_section

PAGE = Path("docs/benchmarks.md")
COUNTS = (50, 500, 5_000)
MEASURED = (0.7, 0.8, 1.1, 1.4, 1.6, 1.8, 2.1, 2.4, 3.5, 6.2)
"""Seconds that models of a real gate took (docs/benchmarks.md, the gate of small models)."""

SHORTENED = 1_000
WORKERS = 16

_MODEL = ModelSummary("stub", "onnx", Signature((), ()))
_REPORT = Report(
    (OutputComparison("y", "y", Verdict.PASS),),
    _MODEL,
    _MODEL,
    SamplesSummary(1),
    Environment(),
    timings={"source": 1.0},
)


@dataclass(frozen=True, slots=True)
class Row:
    """One fleet. Seconds for planning, for all, and what all would take at least; by how many MiB memory grew."""

    models: int
    plan: float
    whole: float
    least: float
    cached: float
    grown: float

    @property
    def overhead(self) -> float:
        """Milliseconds that the gate adds to each model."""
        return 1_000 * (self.whole - self.least) / self.models


def main() -> None:
    """Run the fleets, write the section."""
    rows = [measure(count) for count in map(int, sys.argv[1:] or COUNTS)]
    text = section(rows)
    write_section(PAGE, "fleet", "python -m benchmarks.fleet", text)
    print(text)


def measure(count: int) -> Row:
    """A fleet of so many models, first with an empty cache, then with a full one."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        for number in range(count):
            (folder / "models" / f"m{number:05}.onnx").write_bytes(b"stub" + number.to_bytes(4))
        (folder / "paritygate.toml").write_text('[[model]]\npath = "models/*.onnx"\n')
        config = load_config(folder / "paritygate.toml")
        start = time.perf_counter()
        plan = make_plan(config)
        planned = time.perf_counter() - start
        durations = dict(zip((entry.model for entry in plan), _durations(count), strict=True))
        memory = Remembered(Store(folder / "cache"), (), date.today())
        before = psutil.Process().memory_info().rss
        whole = _run(plan, memory, durations)
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        cached = _run(plan, memory, durations)
        return Row(count, planned, whole, sum(durations.values()) / WORKERS, cached, grown)


def _durations(count: int) -> list[float]:
    drawn = random.Random(0)
    return [drawn.choice(MEASURED) / SHORTENED for _ in range(count)]


def _run(plan: tuple[Planned, ...], memory: Remembered, durations: dict[str, float]) -> float:
    def work(entry: Planned, folder: Path, on_event: Listener) -> Produced:
        time.sleep(durations[entry.model])
        folder.mkdir()
        artifact = folder / "stub.onnx"
        artifact.write_bytes(entry.model.encode())
        return Produced(_REPORT, artifact=artifact, seconds=durations[entry.model])

    start = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as executor:
        entries = run_gate(plan, Crew(executor, work, window=2 * WORKERS), memory, Silent())
    assert all(entry.report is not None and entry.report.passed for entry in entries), entries[0].error
    return time.perf_counter() - start


def section(rows: list[Row]) -> str:
    """The Markdown of what was measured."""
    lines = [
        "## A fleet",
        "",
        f"Stub models on {WORKERS} workers: each sleeps for a thousandth of what a model of a real gate took (drawn",
        f"from {len(MEASURED)} measured ones, median {statistics.median(MEASURED):.1f} s), and leaves a file.",
        "Everything else is the gate's own: plan, hashes, cache, export (flushed to the disk), reports. Overhead is",
        "what a model adds beyond the sleep.",
        "",
        "| models | plan, s | all, s | least, s | overhead per model, ms | all cached, s | memory grew by, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            f"{row.models:,}",
            f"{row.plan:.2f}",
            f"{row.whole:.2f}",
            f"{row.least:.2f}",
            f"**{row.overhead:.1f}**",
        )
        lines.append(f"| {' | '.join((*cells, f'{row.cached:.2f}', f'{row.grown:.1f}'))} |")
    return "\n".join([*lines, "", f"{datetime.now(UTC):%Y-%m-%d}."])


if __name__ == "__main__":
    main()
