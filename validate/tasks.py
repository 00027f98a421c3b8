"""What a worker does: open a model, make the samples, run them. The same functions serve live objects in-process."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adapt import InputAdapter
from .dictionaries import Classes, fold, folded_signature
from .engines.base import LoadOptions, Model
from .engines.registry import Format
from .errors import ParityGateError
from .events import Event, Listener, ignore
from .job import ACTUAL, AGAIN, EXPECTED, PAIRED, SAMPLES, Bindings, Inspection, Ran, SamplePlan, source_name
from .pixels import on_pixels, resolved, value_range
from .report import SamplesSummary
from .rows import as_batches, join, split, takes_rows
from .stability import ask_again_in_a_pair

if TYPE_CHECKING:
    from .samples import Sample, Samples
    from .signature import Array, Feed

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
    determined (:mod:`.stability`); both are written apart and compared by the caller.
    Raises ParityGateError PG406 when the model fails on a sample.
    """
    from .samples import run_and_keep, save_outputs, save_samples
    from .samples.limits import check_limits

    on_event(Event(f"load {source_name(source)}"))
    model = load_model(row, source, _with_example(options, plan))
    check_limits(model.signature, plan.shapes, plan.bounds)
    plan = replace(plan, images=resolved(plan.images, model.signature))
    samples = on_pixels(_make_samples(model, row, plan), plan.images)
    samples, outputs = run_and_keep(samples, lambda feeds: _run_all(model, feeds, "PG406", on_event))
    save_samples(samples, folder / SAMPLES)
    save_outputs(outputs, folder / EXPECTED)
    save_outputs(_run_all(model, samples.feeds[:_REPEATED], "PG406", ignore), folder / AGAIN)
    save_outputs([_run_paired(model, sample) for sample in samples.items], folder / PAIRED)
    return model, Ran(model.signature, model.facts(), _summary(samples), model.notes + samples.notes)


def run_reference_task(**arguments: Any) -> Ran:
    """:func:`run_reference` for a worker, which can't send a model back."""
    return run_reference(**arguments)[1]


def run_candidate(
    folder: Path, row: Format, source: Any, options: LoadOptions, bindings: Bindings, on_event: Listener
) -> Ran:
    """Open the candidate from its file, and run it on the samples in ``folder``.

    Raises ParityGateError PG301 when the candidate can't be opened (a fault of the source only where the source is
    spoken of) and PG302 when it fails on a sample.
    """
    from .samples import load_outputs, load_samples, save_outputs

    on_event(Event(f"load {Path(source).name if isinstance(source, Path) else source_name(source)}"))
    samples = load_samples(folder / SAMPLES)
    with _speaking_of_a_candidate():
        model = load_model(row, source, replace(options, example=samples.feeds[0]))
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    feeds = [adapter.adapt(feed) for feed in samples.feeds]
    expected = load_outputs(folder / EXPECTED)
    bound = _bound(model, bindings, expected)
    signature, notes = folded_signature(model.signature, bindings.classes, bound), adapter.notes
    by_rows = row.takes_single_rows and takes_rows(model.signature, feeds)
    with _speaking_of_a_candidate():
        if by_rows:
            outputs = _run_rows(model, feeds, expected, bindings.classes, bound, on_event)
            signature, notes = as_batches(signature), (*notes, _ROW_BY_ROW)
        else:
            outputs = [fold(output, bindings.classes, bound) for output in _run_all(model, feeds, "PG302", on_event)]
    save_outputs(outputs, folder / ACTUAL)
    return Ran(signature, model.facts(), _summary(samples), notes)


_OF_A_CANDIDATE = {"PG402": "PG301", "PG404": "PG301", "PG405": "PG301", "PG204": "PG302", "PG406": "PG302"}
"""What an engine says of a source that it can't open or run -> the same of a candidate: no verdict, not no source."""


@contextmanager
def _speaking_of_a_candidate() -> Iterator[None]:
    try:
        yield
    except ParityGateError as error:
        code = _OF_A_CANDIDATE.get(error.code, error.code)
        raise ParityGateError(code, error.subject, error.cause, error.remedy) from error


_ROW_BY_ROW = "it takes one sample at a time: the rows of each batch were run one by one"


def _bound(model: Model, bindings: Bindings, expected: Sequence[Mapping[str, Array]]) -> dict[str, str]:
    """Candidate output -> reference output, for those that have a partner."""
    named = {spec.name: spec.name for spec in model.signature.outputs} | dict(bindings.outputs)
    return {ours: theirs for ours, theirs in named.items() if any(theirs in outputs for outputs in expected)}


def _run_rows(
    model: Model,
    feeds: Sequence[Feed],
    expected: Sequence[Mapping[str, Array]],
    classes: Classes,
    bound: Mapping[str, str],
    on_event: Listener,
) -> list[dict[str, Array]]:
    """Run each row of each feed alone. Raises ParityGateError PG302."""
    done = []
    for number, (feed, wanted) in enumerate(zip(feeds, expected, strict=True)):
        answers = _run_all(model, split(feed, model.signature), "PG302", ignore)
        partners = {ours: wanted[theirs] for ours, theirs in bound.items() if theirs in wanted}
        done.append(join([fold(answer, classes, bound) for answer in answers], partners))
        on_event(Event("run samples", number + 1, len(feeds)))
    return done


def inspect_task(row: Format, source: Any, options: LoadOptions, on_event: Listener) -> Inspection:
    """Open a model and tell what it is."""
    on_event(Event(f"load {source_name(source)}"))
    model = load_model(row, source, options)
    return Inspection(model.facts(), model.signature)


def _install(row: Format) -> str:
    extra = f"[{row.extra}]" if row.extra else ""
    return f"pip install 'paritygate{extra}'"


def _with_example(options: LoadOptions, plan: SamplePlan) -> LoadOptions:
    """Let the user's first sample speak for models that don't say what they take."""
    from .samples import read_example

    if plan.path is None or options.example is not None:
        return options
    return replace(options, example=read_example(plan.path))


def _make_samples(model: Model, row: Format, plan: SamplePlan) -> Samples:
    from .samples import generate_samples, limited, read_samples

    if plan.path is not None:
        batch = plan.batch_sizes[0] if plan.batch_sizes else None
        return read_samples(
            plan.path, model.signature, batch=batch, keep_width=row.computes_in_width_of_input, ranges=plan.ranges
        )
    ranges = {name: value_range(image) for name, image in plan.images.items()} | dict(plan.ranges)
    signature = limited(model.signature, plan.shapes, plan.bounds)
    return generate_samples(signature, model.hints(), seed=plan.seed, ranges=ranges, batch_sizes=plan.batch_sizes)


def _run_all(model: Model, feeds: Sequence[Feed], code: str, on_event: Listener) -> list[dict[str, Array]]:
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


def _run_paired(model: Model, sample: Sample) -> dict[str, Array]:
    """The answer beside a copy of the sample; empty where that can't be asked, or the model can't take two rows."""
    try:
        return ask_again_in_a_pair(model, sample) or {}
    except Exception:  # noqa: BLE001  # a framework's own error; the sample itself ran, so it is no fault
        return {}


def _summary(samples: Samples) -> SamplesSummary:
    return SamplesSummary(len(samples.items), samples.kinds, samples.batch_sizes, samples.origin, samples.seed)
