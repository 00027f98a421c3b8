"""What the source's worker does: load the source, run it on samples, convert it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..validate.adapters.pixels import resolved
from ..validate.engines.base import Model
from ..validate.errors import ParityGateError
from ..validate.events import Event, Listener
from ..validate.options import LoadOptions
from ..validate.signature import Signature
from ..validate.tasks.calls import RunReference
from ..validate.tasks.reference import load_model, run_reference
from .calls import Converted, ConvertSource
from .export import use_free_data_name
from .options import Precision
from .routes.base import Candidate, RouteOptions
from .routes.registry import Route
from .targets import ONNX_MODEL

BETWEEN = 18
"""The opset of the ONNX file between two steps: every exporter writes it, and the Core ML route knows it."""

_NEXT = {"PG404", "PG405", "PG408"}
"""Failures of a route that say nothing about another one; all other errors are the user's to correct."""


def convert_source(call: ConvertSource, on_event: Listener) -> Converted:
    """Run the untouched source first, so that nothing a converter patches can touch it, then convert."""
    from .routes.onnx.opset import check_opset

    check_opset(call.options.opset)
    options = replace(call.options, evidence=call.job)
    if call.samples is None:
        return _convert(call, load_model(call.model), options, on_event)
    model, reference = run_reference(
        RunReference(call.job, call.model, call.samples, call.limits, condition=call.condition), on_event
    )
    return replace(_convert(call, model, options, on_event), reference=reference)


def _convert(call: ConvertSource, model: Model, options: RouteOptions, on_event: Listener) -> Converted:
    options = replace(options, images=resolved(options.images, model.signature))
    failures: list[tuple[Route, ParityGateError]] = []
    for route in call.routes:
        if failures and not route.may_follow(failures[-1][1].code):
            continue
        on_event(Event(_stage(route, call.routes)))
        folder = call.destination.parent / route.name
        folder.mkdir(parents=True)
        try:
            candidate = follow(route, model, folder / call.destination.name, options)
        except ParityGateError as error:
            if error.code not in _NEXT:
                raise
            failures.append((route, error))
            continue
        use_free_data_name(candidate.path, call.output)
        return Converted(candidate, tuple(failures), route=route)
    return Converted(None, tuple(failures))


def _stage(route: Route, routes: Sequence[Route]) -> str:
    """Name the route only where the user could have chosen another, or where this one stands in for one that failed."""
    is_only = sum(not each.only_after for each in routes) == 1 and not route.only_after
    return "convert" if is_only else f"convert ({route.name})"


def follow(route: Route, model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Take all steps of a route; the candidate's names are led through those of the files in between."""
    from ..validate.engines.onnxruntime import load

    candidates: list[Candidate] = []
    signature = model.signature
    options = replace(options, opset=options.opset or route.opset)
    for number, step in enumerate(route.steps):
        last = number == len(route.steps) - 1
        path = destination if last else destination.with_name(f"step{number}.onnx")
        candidates.append(importlib.import_module(step).convert(model, path, options if last else _between(options)))
        if not last:
            model = load(path, LoadOptions())
    return _in_precision(_chained(candidates), signature, options)


def _in_precision(candidate: Candidate, signature: Signature, options: RouteOptions) -> Candidate:
    """ONNX is narrowed behind its route; the routes to Core ML write the precision themselves."""
    if options.precision == Precision.FP32 or candidate.path.suffix not in ONNX_MODEL.suffixes:
        return candidate
    from .routes.onnx.half import narrowed

    return narrowed(candidate, signature, options)


def _between(options: RouteOptions) -> RouteOptions:
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
