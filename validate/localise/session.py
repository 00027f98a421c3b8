"""After a verdict that is no pass: start both workers once more and say where the numbers part."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engines.base import LoadOptions
from ..engines.registry import Format
from ..errors import ParityGateError
from ..report.types import Finding, OutputComparison, Report, Severity
from ..workers.job import Bindings
from ..workers.runner import runner_for
from .sample import write_samples
from .trace.layers import traceable

if TYPE_CHECKING:
    from ..report.divergence import Divergence
    from ..session import Settings

VALUES = {"PG101", "PG106", "PG107"}
"""The failures that have a place: values that differ."""

_TASKS = "paritygate.validate.localise"

SECONDS = 120.0
"""What the search may take, by each of its two workers."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Both models of a failing verdict, as they were opened before. ``beside`` is where the repro's folder goes."""

    reference: Any
    reference_row: Format
    load: LoadOptions
    candidate: Any
    candidate_row: Format
    bindings: Bindings
    beside: Path

    @property
    def repro(self) -> Path:
        """The folder that would be written: the candidate's name and ``.repro``."""
        return self.beside.resolve() / f"{Path(_called(self.candidate)).stem}.repro"


def localised(folder: Path, failed: Failed, report: Report, settings: Settings) -> Report:
    """The report with where numbers part, or with a note that says why that isn't known; as it is where no value fails.

    ``folder`` is the job's, with its samples and both sides' outputs. Raises nothing of its own: the verdict stands.
    """
    rows = [output for output in report.outputs if output.code in VALUES]
    if not rows or not traceable(failed.reference_row.name):
        return report
    try:
        found = _search(folder, failed, rows, settings)
    except ParityGateError as error:
        return _with_note(report, f"not found: {error.subject}: {error.cause}")
    if found is None:
        note = "every difference is within rounding once ONNX Runtime doesn't rewrite the graph"
        return _with_note(report, note)
    return replace(report, divergence=found)


def _with_note(report: Report, message: str) -> Report:
    note = Finding("", Severity.NOTE, "where numbers part", message)
    return replace(report, findings=(*report.findings, note))


def _search(folder: Path, failed: Failed, rows: Sequence[OutputComparison], settings: Settings) -> Divergence | None:
    """Look at the failing row alone; where that can't be, or nothing is wrong with it, at its whole batch."""
    picked = write_samples(folder, rows[0], alone=True)
    try:
        found = _look(folder, failed, settings)
        if found is not None or picked.row is None:
            return found and replace(found, sample=picked.number, row=picked.row)
    except ParityGateError:
        if picked.row is None or failed.candidate_row.takes_single_rows:
            raise
    picked = write_samples(folder, rows[0], alone=False)
    found = _look(folder, failed, settings)
    return found and replace(found, sample=picked.number)


def _look(folder: Path, failed: Failed, settings: Settings) -> Divergence | None:
    """Both workers' tasks, one after the other; the candidate's imports its engine meanwhile."""
    limits, on_event = settings.limits, settings.on_event
    seconds = SECONDS if limits.seconds is None else min(SECONDS, limits.seconds)
    limits, name = replace(limits, seconds=seconds), _free_names(folder)
    with ExitStack() as stack:
        left = stack.enter_context(runner_for(failed.reference, failed.reference_row, folder, name[0], limits))
        right = stack.enter_context(runner_for(failed.candidate, failed.candidate_row, folder, name[1], limits))
        arguments = {"row": failed.reference_row, "source": failed.reference, "options": failed.load}
        traced = left.call(f"{_TASKS}.source:trace_source", {"folder": folder} | arguments, on_event)
        arguments = {"row": failed.candidate_row, "source": failed.candidate, "bindings": failed.bindings}
        arguments |= {"traced": traced, "repro": failed.repro, "seconds": seconds / 2}
        arguments["names"] = (_called(failed.reference), _called(failed.candidate))
        found: Divergence | None = right.call(
            f"{_TASKS}.candidate:localise_candidate", {"folder": folder} | arguments, on_event
        )
    return found


def _called(source: Any) -> str:
    return Path(source).name if isinstance(source, str | Path) else type(source).__name__


def _free_names(folder: Path) -> tuple[str, str]:
    """Names of the workers' folders that no earlier search in the same job has."""
    turn = len(list(folder.glob("layers*"))) or ""
    return f"layers{turn}", f"place{turn}"
