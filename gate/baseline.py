"""How the entries stand to those of an earlier gate: what is new, better, worse or gone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..validate.errors import ParityGateError
from ..validate.report.document import Change, Entry, Failure, Status
from .levels import FailOn

_LARGEST = 1 << 30
_RANK = {Status.PASS: 3, Status.INCONCLUSIVE: 2, Status.FAIL: 1, Status.ERROR: 0}
_FAILING = {
    FailOn.FAIL: (Status.FAIL, Status.ERROR),
    FailOn.INCONCLUSIVE: (Status.FAIL, Status.ERROR, Status.INCONCLUSIVE),
    FailOn.WARNING: (Status.FAIL, Status.ERROR, Status.INCONCLUSIVE),
}

Statuses = Mapping[tuple[str, str], Status]


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier gate that passed: (model, target) -> status."""

    path: Path
    statuses: Statuses


def read_baseline(path: Path) -> Baseline:
    """The JSON report of an earlier gate.

    Raises ParityGateError PG202 if it can't be read, PG224 for what is no report of a gate's, or one that failed.
    """
    content = _content(path)
    try:
        statuses = {(entry["model"], entry["target"]): Status(entry["status"]) for entry in content["entries"]}
        level = FailOn(content["options"]["fail_on"])
    except (KeyError, TypeError, ValueError) as error:
        cause = "it isn't the JSON report of a gate"
        raise ParityGateError("PG224", str(path), cause, "Make one with: paritygate gate --json > FILE") from error
    failed = [f"{model} ({target})" for (model, target), status in statuses.items() if status in _FAILING[level]]
    if failed:
        cause = f"it failed its own gate: {', '.join(failed[:5])}"
        raise ParityGateError("PG224", str(path), cause, "Compare with the report of a release that passed.")
    return Baseline(path, statuses)


def _content(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            raise ParityGateError("PG224", str(path), "it is too large for a report")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ParityGateError("PG202", str(path), f"it can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ParityGateError("PG224", str(path), f"it isn't JSON: {error}") from error


def compared(entries: Sequence[Entry], baseline: Baseline, *, whole: bool) -> tuple[Entry, ...]:
    """The entries with their changes; in a ``whole`` plan, those of the baseline that are gone follow as errors."""
    now = tuple(_changed(entry, baseline.statuses.get((entry.model, entry.target))) for entry in entries)
    there = {(entry.model, entry.target) for entry in entries}
    gone = [name for name in baseline.statuses if name not in there] if whole else []
    return (*now, *(_gone(*name, baseline) for name in gone))


def _changed(entry: Entry, before: Status | None) -> Entry:
    if before is None:
        return replace(entry, change=Change.NEW)
    step = _RANK[entry.status] - _RANK[before]
    change = Change.BETTER if step > 0 else Change.WORSE if step < 0 else Change.UNCHANGED
    return replace(entry, change=change, before=before)


def _gone(model: str, target: str, baseline: Baseline) -> Entry:
    remedy = "If that is meant, make a new baseline without it."
    error = Failure("PG225", model, f"it is in the baseline {baseline.path}, and the config lists it no longer", remedy)
    return Entry(model, target, error=error, change=Change.GONE, before=baseline.statuses[model, target])
