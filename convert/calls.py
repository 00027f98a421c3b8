"""What the source's worker does: run the original, then convert it with the first way that works."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..validate.adapters.pixels import resolved
from ..validate.engines.base import LoadOptions, Model
from ..validate.engines.registry import Format
from ..validate.errors import ParityGateError
from ..validate.tasks.reference import load_model, run_reference
from ..validate.workers.events import Event, Listener
from ..validate.workers.job import Ran, SamplePlan
from .export import use_free_data_name
from .routes.base import Candidate, ConvertOptions
from .routes.registry import Way

BETWEEN = 18
"""The opset of the ONNX file between two steps: every exporter writes it, and the Core ML route knows it."""

_NEXT = {"PG404", "PG405", "PG408"}
"""Failures of a way that say nothing about another one; all other errors are the user's to mend."""


@dataclass(frozen=True, slots=True)
class Made:
    """The original's run (None where it was asked before) and the candidate; ``failures`` are the ways before it.

    ``seconds`` is what the conversion took.
    """

    reference: Ran | None
    candidate: Candidate | None
    failures: tuple[tuple[Way, ParityGateError], ...]
    seconds: float = 0.0


def run_and_convert(
    folder: Path,
    row: Format,
    source: Any,
    options: LoadOptions,
    plan: SamplePlan,
    destination: Path,
    output: Path,
    ways: tuple[Way, ...],
    convert_options: ConvertOptions,
    on_event: Listener,
) -> Made:
    """Run the untouched original first, so that nothing a converter patches can touch it, then convert."""
    model, ran = run_reference(folder, row, source, options, plan, on_event)
    made = _convert(model, destination, ways, replace(convert_options, evidence=folder), on_event)
    if made.candidate is not None:
        use_free_data_name(made.candidate.path, output)
    return replace(made, reference=ran)


def convert_again(
    folder: Path,
    row: Format,
    source: Any,
    options: LoadOptions,
    destination: Path,
    ways: tuple[Way, ...],
    convert_options: ConvertOptions,
    on_event: Listener,
) -> Made:
    """Convert by the ways that are left after one whose candidate wasn't good; the samples have been run before."""
    model = load_model(row, source, options)
    return _convert(model, destination, ways, replace(convert_options, evidence=folder), on_event)


def _convert(model: Model, destination: Path, ways: Sequence[Way], options: ConvertOptions, on_event: Listener) -> Made:
    start = time.perf_counter()
    options = replace(options, images=resolved(options.images, model.signature))
    failures: list[tuple[Way, ParityGateError]] = []
    for way in ways:
        on_event(Event("convert" if len(ways) == 1 else f"convert ({way.name})"))
        folder = destination.parent / way.name
        folder.mkdir(parents=True)
        try:
            candidate = take(way, model, folder / destination.name, options)
        except ParityGateError as e:
            if e.code not in _NEXT:
                raise
            failures.append((way, e))
            continue
        return Made(None, candidate, tuple(failures), time.perf_counter() - start)
    return Made(None, None, tuple(failures))


def take(way: Way, model: Model, destination: Path, options: ConvertOptions) -> Candidate:
    """Go all steps of a way; the names of the candidate's features lead through those of the files in between."""
    from ..validate.engines.onnxruntime import load

    candidates: list[Candidate] = []
    for number, step in enumerate(way.steps):
        last = number == len(way.steps) - 1
        path = destination if last else destination.with_name(f"step{number}.onnx")
        candidates.append(importlib.import_module(step).convert(model, path, options if last else _between(options)))
        if not last:
            model = load(path, LoadOptions())
    return _chained(candidates)


def _between(options: ConvertOptions) -> ConvertOptions:
    return replace(options, opset=options.opset or BETWEEN)


def _chained(candidates: Sequence[Candidate]) -> Candidate:
    """The last candidate, bound to the source of the first."""
    chained = candidates[-1]
    for earlier in reversed(candidates[:-1]):
        chained = replace(
            chained,
            route=f"{earlier.route}, {chained.route}",
            inputs={name: earlier.inputs[between] for name, between in chained.inputs.items()},
            outputs={name: earlier.outputs[between] for name, between in chained.outputs.items()},
            notes=(*earlier.notes, *chained.notes),
        )
    return chained
