"""What the reference's worker does: open the model, make the samples, run them. Live objects use the same functions."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapters.pixels import on_pixels, resolved, value_range
from ..engines.base import Model, Profile, Profiled, Runtime, Weighted, grouped
from ..engines.handle import ModelHandle
from ..engines.registry import RuntimeEntry
from ..errors import ParityGateError
from ..events import Event, Listener, ignore
from ..options import InputLimits, LoadOptions, SampleOptions
from ..report.types import SamplesSummary
from .calls import InspectModel, RunReference
from .half import rounded_model
from .pairing import run_paired
from .reading import reading
from .shaking import shake_planned
from .trees import aimed, keep_trees, read_trees
from .types import Inspection, ModelRun
from .weights import leave_weights

if TYPE_CHECKING:
    from ..noise.plan import Plan
    from ..samples import Samples
    from ..signature import Array, Feed

_REPEATED = 3


def repeated(plan: Plan) -> int:
    """How many samples a model is run on twice, to see whether it is deterministic."""
    return 1 if plan.thrifty else _REPEATED


def load_model(handle: ModelHandle) -> Model:
    """Open a model with its runtime's engine. Raises PG403 when its framework is missing, and what opening raises."""
    runtime = handle.runtime
    try:
        for module in runtime.needs:
            importlib.import_module(module)
    except ImportError as error:
        raise ParityGateError(
            "PG403",
            handle.name,
            f"{handle.format.title} needs {error.name}, which can't be imported: {error}",
            _install(runtime),
        ) from error
    with reading(handle):
        if runtime.elsewhere:
            return _load_elsewhere(handle)
        model: Model = importlib.import_module(runtime.engine).load(handle.source, handle.load)
        return rounded_model(model) if handle.rounds_half else model


def _load_elsewhere(handle: ModelHandle) -> Model:
    from ..engines.elsewhere.catalog import release_named
    from ..engines.elsewhere.engine import load

    assert handle.file is not None
    runtime = handle.runtime
    model: Model = load(handle.file, handle.load, release_named(runtime.elsewhere), runtime.interpreter)
    return model


def _install(runtime: RuntimeEntry) -> str:
    extra = f"[{runtime.extra}]" if runtime.extra else ""
    return f"pip install 'paritygate{extra}'"


def runtime_of(entry: RuntimeEntry) -> Runtime:
    """What runs a model in this process: its version is that of the library that is installed here."""
    from ..doctor import version_of

    return Runtime(entry.title, version_of(entry.libraries[0]) or "", entry.provider)


def run_reference(call: RunReference, on_event: Listener) -> tuple[Model, ModelRun]:
    """Open the reference, write its samples and its outputs for them to the job folder, a few of them twice.

    The second run shows whether the model is deterministic, and rows run in pairs whether its outputs are well
    determined (:mod:`.pairing`); both are written apart and compared by the caller.
    Raises ParityGateError PG406 when the model fails on a sample.
    """
    from ..coverage.seeking import add_moving
    from ..noise.fixed_outputs import fixed_outputs_of
    from ..noise.path_types import path_types_of
    from ..noise.plan import plan_samples
    from ..samples import run_and_keep, save_outputs, save_samples
    from ..samples.limits import check_limits

    job = call.job
    on_event(Event(f"load {call.model.name}"))
    model = load_model(with_example(call.model, call.samples))
    check_limits(model.signature, call.limits.shapes, call.limits.ranges)
    limits = replace(call.limits, images=resolved(call.limits.images, model.signature))
    samples = on_pixels(_make_samples(model, call, limits), limits.images)
    trees, notes = read_trees(model, call.model.format) if call.comparing else (None, ())
    samples = aimed(samples, trees, model.signature) if _is_free(call.samples, limits) else samples
    by_rows = call.model.format.computes_by_rows
    samples, kept = run_and_keep(samples, lambda feeds: run_all(model, feeds, "PG406", on_event), by_rows=by_rows)
    fixed = fixed_outputs_of(model, kept)
    outputs: Sequence[Mapping[str, Array]] = kept
    if call.comparing and not limits.images:  # pixels are whole numbers within bounds, which these inputs aren't
        samples, outputs = add_moving(
            samples, kept, model.signature, lambda feeds: run_all(model, feeds, "PG406", ignore), fixed or ()
        )
    save_samples(samples, job.samples)
    save_outputs(outputs, job.expected)
    keep_trees(trees, job)
    notes = (*model.notes, *samples.notes, *notes, *(leave_weights(model, job) if call.comparing else ()))
    run = describe_run(call.model, model, samples, notes)
    plan = plan_samples(run.facts.parameters, samples.items)
    save_outputs(run_all(model, samples.feeds[: repeated(plan)], "PG406", ignore), job.repeated)
    save_outputs(_run_paired(model, samples, plan), job.paired)
    moved = shake_planned(model, samples.items, outputs, plan) if call.condition else [{} for _ in outputs]
    save_outputs(moved, job.shaken)
    return model, replace(run, fixed_outputs=fixed, path_types=path_types_of(model))


def _run_paired(model: Model, samples: Samples, plan: Plan) -> list[dict[str, Array]]:
    """The one-row samples in pairs; of a model whose runs are costly those that are measured in full."""
    chosen = plan.measured if plan.thrifty else range(len(samples.items))
    return [run_paired(model, sample) if number in chosen else {} for number, sample in enumerate(samples.items)]


def _is_free(options: SampleOptions, limits: InputLimits) -> bool:
    """Whether samples are generated, and may have any number of rows and any values."""
    return options.samples is None and options.batch_sizes is None and not (options.ranges or limits.shapes)


def run_reference_task(call: RunReference, on_event: Listener) -> ModelRun:
    """:func:`run_reference` for a worker, which can't send a model back."""
    return run_reference(call, on_event)[1]


def describe_run(handle: ModelHandle, model: Model, samples: Samples, notes: tuple[str, ...]) -> ModelRun:
    """What the parent is told of a run."""
    with reading(handle):
        facts = model.facts()
    return ModelRun(model.signature, facts, summary(samples), runtime_of(handle.runtime), notes)


def inspect_model(call: InspectModel, on_event: Listener) -> Inspection:
    """Open a model and describe it."""
    handle = call.model
    on_event(Event(f"load {handle.name}"))
    model = load_model(handle)
    with reading(handle):
        return Inspection(model.facts(), model.signature, _profile(model))


def _profile(model: Model) -> Profile:
    """What the engine tells, or at least the dtypes of weights that can be read."""
    if isinstance(model, Profiled):
        return model.profile()
    weights = model.weights().values() if isinstance(model, Weighted) else ()
    return Profile(grouped((array.dtype.name, array.size) for array in weights))


def with_example(handle: ModelHandle, samples: SampleOptions) -> ModelHandle:
    """The handle, with the user's first sample for models that don't say what they take."""
    from ..samples import read_example

    load: LoadOptions = handle.load
    if not isinstance(samples.samples, Path) or load.example is not None:
        return handle
    return replace(handle, load=replace(load, example=read_example(samples.samples)))


def _make_samples(model: Model, call: RunReference, limits: InputLimits) -> Samples:
    from ..samples import Reach, generate_samples, limited, reaching_samples, read_samples

    handle, options = call.model, call.samples
    sizes = options.batch_sizes
    if isinstance(options.samples, Path):
        return read_samples(
            options.samples,
            model.signature,
            batch=sizes[0] if sizes else None,
            keep_width=handle.format.computes_in_width_of_input,
            ranges=options.ranges,
            whole=call.comparing and not limits.single_rows,
        )
    ranges = {name: value_range(image) for name, image in limits.images.items()} | dict(options.ranges)
    signature = limited(model.signature, limits.shapes, limits.ranges)
    with reading(handle):
        hints = model.hints()
        reach = Reach(model.facts().parameters, limits.single_rows)
    samples = generate_samples(signature, hints, seed=options.seed, ranges=ranges, batch_sizes=sizes)
    if not call.comparing:
        return samples
    more = reaching_samples(signature, hints, reach, seed=options.seed, ranges=ranges, batch_sizes=sizes)
    return replace(samples, items=(*samples.items, *more))


_OTHER_SAMPLES = (
    "If the model needs other shapes or values, declare them with --input NAME:DTYPE:SHAPE, bound values with "
    "--range NAME:LO:HI, or give real ones with --samples FILE."
)


def run_all(model: Model, feeds: Sequence[Feed], code: str, on_event: Listener) -> list[dict[str, Array]]:
    """Run every feed. Whatever a framework raises becomes ParityGateError ``code``, with the sample's number."""
    outputs = []
    on_event(Event("run samples", 0, len(feeds)))
    for number, feed in enumerate(feeds):
        try:
            outputs.append(model.run(feed))
        except ParityGateError:
            raise
        except Exception as error:
            shapes = ", ".join(f"{name} {array.dtype}{list(array.shape)}" for name, array in feed.items())
            cause, remedy = f"{type(error).__name__}: {error}", _OTHER_SAMPLES if code == "PG406" else ""
            raise ParityGateError(code, f"sample {number} ({shapes})", cause, remedy) from error
        on_event(Event("run samples", number + 1, len(feeds)))
    return outputs


def summary(samples: Samples) -> SamplesSummary:
    """What the report says of the samples."""
    own = [sample.batch for sample in samples.items if sample.kind == "file"]
    rows = [rows for rows in own if rows is not None]
    divided = samples.seed is None and rows and len(rows) == len(own)
    return SamplesSummary(
        len(samples.items),
        samples.kinds,
        samples.batch_sizes,
        samples.origin,
        samples.seed,
        sum(rows) if divided else None,
        len(rows) if divided else 0,
    )
