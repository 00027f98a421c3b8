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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
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
    """One fleet on one executor: seconds of the plan, of all, and at least; by how many MiB memory grew."""

    executor: str
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
    """Run the fleets, on threads and on a Dask cluster of this machine, and write the section."""
    counts = list(map(int, sys.argv[1:] or COUNTS))
    rows = [measure("threads", count, _threads) for count in counts]
    rows += [measure("Dask", count, _dask) for count in counts]
    text = section(rows)
    write_section(PAGE, "fleet", "python -m benchmarks.fleet", text)
    print(text)


def measure(name: str, count: int, crew: Callable[[], AbstractContextManager[Crew]]) -> Row:
    """A fleet of so many models, first with an empty cache, then with a full one."""
    with TemporaryDirectory() as place, crew() as workers:
        folder = Path(place)
        (folder / "models").mkdir()
        for number in range(count):
            (folder / "models" / f"m{number:05}.onnx").write_bytes(b"stub" + number.to_bytes(4))
        (folder / "paritygate.toml").write_text('[[model]]\npath = "models/*.onnx"\n')
        config = load_config(folder / "paritygate.toml")
        start = time.perf_counter()
        plan = make_plan(config)
        planned = time.perf_counter() - start
        memory = Remembered(Store(folder / "cache"), (), date.today())
        before = psutil.Process().memory_info().rss
        whole = _run(plan, memory, workers)
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        cached = _run(plan, memory, workers)
        least = sum(_duration(entry) for entry in plan) / WORKERS
        return Row(name, count, planned, whole, least, cached, grown)


def work(entry: Planned, folder: Path, on_event: Listener) -> Produced:
    """Sleep as long as this model takes, and leave a file."""
    seconds = _duration(entry)
    time.sleep(seconds)
    folder.mkdir(parents=True)
    artifact = folder / "stub.onnx"
    artifact.write_bytes(entry.model.encode())
    return Produced(_REPORT, artifact=artifact, seconds=seconds)


def _duration(entry: Planned) -> float:
    """Drawn from those that were measured, the same for a model each time."""
    return random.Random(entry.model).choice(MEASURED) / SHORTENED


@contextmanager
def _threads() -> Iterator[Crew]:
    with ThreadPoolExecutor(WORKERS) as executor:
        yield Crew(executor, work, window=2 * WORKERS)


@contextmanager
def _dask() -> Iterator[Crew]:
    """Two worker processes of this machine, which see the same files."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=WORKERS // 2, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield Crew(client.get_executor(pure=False), work, listens=False, window=2 * WORKERS)


def _run(plan: tuple[Planned, ...], memory: Remembered, crew: Crew) -> float:
    start = time.perf_counter()
    entries = run_gate(plan, crew, memory, Silent())
    assert all(entry.report is not None and entry.report.passed for entry in entries), entries[0].error
    return time.perf_counter() - start


def section(rows: list[Row]) -> str:
    """The Markdown of what was measured."""
    lines = [
        "## A fleet",
        "",
        f"Stub models on {WORKERS} threads, of the gate's process or of two Dask workers: each sleeps for a thousandth",
        f"of what a model of a real gate took (drawn from {len(MEASURED)} measured ones, median",
        f"{statistics.median(MEASURED):.1f} s), and leaves a file. Everything else is the gate's own: plan, hashes,",
        "cache, export (flushed to the disk), reports. Overhead is what a model adds beyond the sleep.",
        "",
        "| executor | models | plan, s | all, s | least, s | overhead per model, ms | all cached, s | memory, + MiB |",
        "|---|---|---|---|---|---|---|---|",
        *map(_line, rows),
        "",
        f"{datetime.now(UTC):%Y-%m-%d}.",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    seconds = f"{row.plan:.2f} | {row.whole:.2f} | {row.least:.2f}"
    rest = f"**{row.overhead:.1f}** | {row.cached:.2f} | {row.grown:.1f}"
    return f"| {row.executor} | {row.models:,} | {seconds} | {rest} |"


if __name__ == "__main__":
    main()
