"""What a config file may not do by itself: it may come with a stranger's repository. The command line confirms it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...validate.errors import ParityGateError
from ...validate.expectations.tasks.text import is_task_metric, truth_of
from ...validate.limits import MEMORY, bytes_of, seconds_of

if TYPE_CHECKING:
    from ..plan import Planned


class Allow(StrEnum):
    """What ``--allow`` names: code that the file names, files that may run code, variables, paths, no limits."""

    CODE = "code"
    TRUST = "trust"
    ENV = "env"
    OUTSIDE = "outside"
    LIMITS = "limits"


_SHOWN = 5


def check_allowed(entries: Sequence[Planned], folder: Path, allowed: Collection[Allow]) -> None:
    """Raises ParityGateError PG222 where the config asks for what the command line hasn't confirmed."""
    needs = [need for entry in entries for need in _needs(entry, folder) if need[0] not in allowed]
    if not needs:
        return
    kinds = ",".join(dict.fromkeys(kind.value for kind, _ in needs))
    said = list(dict.fromkeys(what for _, what in needs))
    more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    raise ParityGateError(
        "PG222",
        "config",
        f"it asks for what a file may not decide: {'; '.join(said[:_SHOWN])}{more}",
        f"If you trust this folder, run again with --allow {kinds}.",
    )


def _needs(entry: Planned, folder: Path) -> Iterator[tuple[Allow, str]]:
    options, model = entry.options, entry.model
    if isinstance(entry.source, str):
        yield Allow.CODE, f"{model} runs {entry.source}"
    for metric in options.judge.metrics:
        if isinstance(metric, str) and is_task_metric(metric):
            continue
        yield Allow.CODE, f"the metric {metric} of {model}"
    if options.load.trust:
        yield Allow.TRUST, f"trust for {model}"
    for name in options.run.pass_env:
        yield Allow.ENV, f"the variable {name} for {model}"
    for path in _paths(entry):
        if not is_inside(path, folder):
            yield Allow.OUTSIDE, f"{path}, outside of the config's folder"
    if seconds_of(options.run.timeout) is None or _unlimited_memory(options.run.memory_limit):
        yield Allow.LIMITS, f"no limit for {model}"


def _paths(entry: Planned) -> Iterator[Path]:
    """What an entry reads and writes."""
    options = entry.options
    truths = (truth_of(metric) for metric in options.judge.metrics if isinstance(metric, str))
    for path in (entry.source, entry.output, options.sample.samples, options.load.weights_file, *truths):
        if isinstance(path, Path):
            yield path


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path stays in the folder, links followed."""
    return path.resolve().is_relative_to(folder.resolve())


def _unlimited_memory(limit: float | str | None) -> bool:
    return limit != MEMORY and bytes_of(limit) is None  # asking for the machine's memory costs an import


def check_defaults(given: Mapping[str, Any], typed: Collection[str], folder: Path, subject: str) -> None:
    """The same for the defaults of ``convert`` and ``validate``, less what was ``typed``. Raises PG222."""
    asked = {name: given[name] for name in _FLAGS if given.get(name) and name not in typed}
    if all(_is_harmless(text, folder) for text in asked.get("metrics", ())):
        asked.pop("metrics", None)
    for name, value in asked.items():
        if name not in _PATHS or not is_inside(folder / value, folder):
            cause = f"it asks for what a file may not decide: {name} = {value!r}"
            raise ParityGateError("PG222", subject, cause, f"Give {_FLAGS[name]} on the command line if you want this.")
    for name, unlimited in (("timeout", seconds_of), ("memory_limit", bytes_of)):
        if name in given and unlimited(given[name]) is None:
            cause = f"it asks for what a file may not decide: {name} = {given[name]!r}"
            raise ParityGateError("PG222", subject, cause, f"Give --{name.replace('_', '-')} none if you want this.")


def _is_harmless(metric: str, folder: Path) -> bool:
    """Whether a metric is one of ours, and reads nothing outside of the folder."""
    truth = truth_of(metric)
    return is_task_metric(metric) and (truth is None or is_inside(folder / truth, folder))


_PATHS = ("samples", "weights")
_FLAGS = {
    "trust": "--trust",
    "pass_env": "--pass-env",
    "metrics": "--metric",
    "samples": "--samples",
    "weights": "--weights",
}
"""Option -> what confirms it on the command line, paths only where they leave the file's folder."""
