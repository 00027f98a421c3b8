"""What a worker does: open a model, make the samples, run them. The same functions serve live objects in-process."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.pixels import on_pixels, resolved, value_range
from ..engines.base import LoadOptions, Model
from ..engines.registry import Format
from ..errors import ParityGateError
from ..report.types import SamplesSummary
from ..workers.events import Event, Listener, ignore
from ..workers.job import AGAIN, EXPECTED, PAIRED, SAMPLES, SHAKEN, Inspection, Ran, SamplePlan, source_name
from .shaking import ask_again_in_a_pair, shaken

if TYPE_CHECKING:
    from ..samples import Sample, Samples
    from ..signature import Array, Feed

_REPEATED = 3


def load_model(row: Format, source: Any, options: LoadOptions) -> Model:
    """Open a model with its format's engine. Raises PG403 when its framework is missing."""
    try:
        for module in row.needs:
            importlib.import_module(module)
    except ImportError as error:
        raise ParityGateError(
            "PG403",
            source_name(source),
            f"{row.title} needs {error.name}, which can't be imported: {error}",
            _install(row),
        ) from error
    model: Model = importlib.import_module(row.engine).load(source, options)
    return model


def run_reference(
    folder: Path, row: Format, source: Any, options: LoadOptions, plan: SamplePlan, on_event: Listener
) -> tuple[Model, Ran]:
    """Open the reference, write its samples and what it makes of them to ``folder``, a few of them twice.

    The second run shows whether the model is deterministic, and rows run in pairs whether its answers are well
    determined (:mod:`.shaking`); both are written apart and compared by the caller.
    Raises ParityGateError PG406 when the model fails on a sample.
    """
    from ..samples import run_and_keep, save_outputs, save_samples
    from ..samples.limits import check_limits

    on_event(Event(f"load {source_name(source)}"))
    model = load_model(row, source, with_example(options, plan))
    check_limits(model.signature, plan.shapes, plan.bounds)
    plan = replace(plan, images=resolved(plan.images, model.signature))
    samples = on_pixels(_make_samples(model, row, plan), plan.images)
    samples, outputs = run_and_keep(samples, lambda feeds: run_all(model, feeds, "PG406", on_event))
    save_samples(samples, folder / SAMPLES)
    save_outputs(outputs, folder / EXPECTED)
    save_outputs(run_all(model, samples.feeds[:_REPEATED], "PG406", ignore), folder / AGAIN)
    save_outputs([run_paired(model, sample) for sample in samples.items], folder / PAIRED)
    save_outputs(
        [shaken(model, feed, output) for feed, output in zip(samples.feeds, outputs, strict=True)], folder / SHAKEN
    )
    return model, Ran(model.signature, model.facts(), summary(samples), model.notes + samples.notes)


def run_reference_task(**arguments: Any) -> Ran:
    """:func:`run_reference` for a worker, which can't send a model back."""
    return run_reference(**arguments)[1]


def inspect_task(row: Format, source: Any, options: LoadOptions, on_event: Listener) -> Inspection:
    """Open a model and tell what it is."""
    on_event(Event(f"load {source_name(source)}"))
    model = load_model(row, source, options)
    return Inspection(model.facts(), model.signature)


def _install(row: Format) -> str:
    extra = f"[{row.extra}]" if row.extra else ""
    return f"pip install 'paritygate{extra}'"


def with_example(options: LoadOptions, plan: SamplePlan) -> LoadOptions:
    """Let the user's first sample speak for models that don't say what they take."""
    from ..samples import read_example

    if plan.path is None or options.example is not None:
        return options
    return replace(options, example=read_example(plan.path))


def _make_samples(model: Model, row: Format, plan: SamplePlan) -> Samples:
    from ..samples import generate_samples, limited, read_samples

    if plan.path is not None:
        batch = plan.batch_sizes[0] if plan.batch_sizes else None
        return read_samples(
            plan.path, model.signature, batch=batch, keep_width=row.computes_in_width_of_input, ranges=plan.ranges
        )
    ranges = {name: value_range(image) for name, image in plan.images.items()} | dict(plan.ranges)
    signature = limited(model.signature, plan.shapes, plan.bounds)
    return generate_samples(signature, model.hints(), seed=plan.seed, ranges=ranges, batch_sizes=plan.batch_sizes)


def run_all(model: Model, feeds: Sequence[Feed], code: str, on_event: Listener) -> list[dict[str, Array]]:
    """Run every feed. Whatever a framework raises becomes ParityGateError ``code``, with the sample's number."""
    outputs = []
    for number, feed in enumerate(feeds):
        try:
            outputs.append(model.run(feed))
        except ParityGateError:
            raise
        except Exception as error:
            shapes = ", ".join(f"{name} {array.dtype}{list(array.shape)}" for name, array in feed.items())
            raise ParityGateError(code, f"sample {number} ({shapes})", f"{type(error).__name__}: {error}") from error
        on_event(Event("run samples", number + 1, len(feeds)))
    return outputs


def run_paired(model: Model, sample: Sample) -> dict[str, Array]:
    """The answer beside a copy of the sample; empty where that can't be asked, or the model can't take two rows."""
    try:
        return ask_again_in_a_pair(model, sample) or {}
    except Exception:  # noqa: BLE001  # a framework's own error; the sample itself ran, so it is no fault
        return {}


def summary(samples: Samples) -> SamplesSummary:
    """What the report says of the samples."""
    return SamplesSummary(len(samples.items), samples.kinds, samples.batch_sizes, samples.origin, samples.seed)
