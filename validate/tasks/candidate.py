"""What the candidate's worker does: open the converted file, run it on the samples, and measure how far it rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..adapters.dictionaries import Classes, fold, folded_signature
from ..adapters.inputs import InputAdapter
from ..adapters.single_rows import as_batches, join, split, takes_rows
from ..engines.base import Graphed, Model
from ..engines.handle import ModelHandle
from ..engines.registry import Format
from ..errors import ParityGateError
from ..events import Event, Listener, ignore
from ..noise.request import Narrowed
from ..options import ProviderOptions
from ..samples import SampleKind, load_outputs, load_samples, save_outputs
from ..signature import EPSILON, TensorSpec
from ..workers.job_folder import JobFolder
from .binding import check_classes, columns_for_vectors, completed
from .calls import RunCandidate
from .randomness import random_operators
from .reference import describe_run, load_model, repeated, run_all
from .trees import proved_trees
from .types import Bindings, ModelRun
from .weights import prove_weights

if TYPE_CHECKING:
    from ..noise.plan import Plan
    from ..samples import Sample
    from ..signature import Array, Feed


def run_candidate(call: RunCandidate, on_event: Listener) -> ModelRun:
    """Open the candidate from its file, run it on the job's samples, and measure its noise if that was requested.

    Raises ParityGateError PG301 when the candidate can't be opened and PG302 when it fails on a sample.
    """
    from ..noise.plan import plan_samples

    job, bindings, said, flat = call.job, call.bindings, tuple[str, ...](), frozenset[str]()
    on_event(Event(f"load {call.model.short_name}"))
    samples = load_samples(job.samples)
    with _as_candidate_errors():
        model = load_model(with_first_sample(call.model, samples.feeds[0]))
    if call.reference is not None:
        bindings, said = completed(bindings, call.reference, model.signature)
        check_classes(bindings, call.reference, model.signature)
        flat = columns_for_vectors(bindings, call.reference, model.signature) if call.of_estimator else flat
    with _as_candidate_errors():
        adapted = adapt_samples(model, call.model.format, bindings, samples.feeds, load_outputs(job.expected))
        adapted = replace(adapted, flat=flat, notes=(*adapted.notes, *map(_FLAT.format, sorted(flat))))
        outputs = adapted.outputs_of(model, on_event)
    save_outputs(outputs, call.destination or job.actual)
    notes = model.notes if call.model.runtime.elsewhere else ()
    said = (*said, *model.notes) if isinstance(call.model.load, ProviderOptions) else said  # what the CPU runs
    run = replace(describe_run(call.model, model, samples, (*said, *adapted.notes, *notes)), bindings=bindings)
    plan = plan_samples(run.facts.parameters, samples.items)
    if call.destination is None:
        _repeat(job, model, adapted, repeated(plan))
    signature = folded_signature(model.signature, bindings.classes, adapted.bound)
    signature = replace(signature, outputs=tuple(_flattened(spec, flat) for spec in signature.outputs))
    run = replace(run, signature=as_batches(signature) if adapted.by_rows else signature)
    if call.destination is None:
        trees, notes = proved_trees(model, call.model.format, job, samples.feeds)
        weights, more = prove_weights(model, job)
        run = replace(run, trees=trees, weights=weights, notes=(*run.notes, *notes, *more))
    if call.measurements is None:
        return run
    return _measured(call, model, adapted, samples.items, outputs, run, plan, on_event)


def _repeat(job: JobFolder, model: Model, adapted: AdaptedSamples, count: int) -> None:
    """Run the first ``count`` samples again, or all of them where the model draws random numbers."""
    count = len(adapted.feeds) if random_operators(model.facts().operators) else count
    save_outputs(adapted.first(count).outputs_of(model, ignore), job.repeated_actual)


def with_first_sample(handle: ModelHandle, feed: Feed) -> ModelHandle:
    """The handle of a candidate, with the first sample for engines that read names and shapes from it."""
    return replace(handle, load=replace(handle.load, example=feed))


def _measured(
    call: RunCandidate,
    model: Model,
    adapted: AdaptedSamples,
    samples: Sequence[Sample],
    outputs: Sequence[Mapping[str, Array]],
    run: ModelRun,
    plan: Plan,
    on_event: Listener,
) -> ModelRun:
    """The run with the candidate's rounding noise and its use of float16's range."""
    from ..coverage.graph_counter import GraphCounter
    from ..noise.fixed_outputs import fixed_outputs_of
    from ..noise.measure import planned_runs
    from ..noise.path_types import path_types_of
    from ..noise.rounding import measure_rounding

    assert call.measurements is not None
    counter = GraphCounter()
    rounding = measure_rounding(
        call.job,
        model,
        lambda m, numbers=None: (adapted if numbers is None else adapted.only(numbers)).outputs_of(m, ignore),
        call.measurements,
        on_event,
        _narrowed(adapted, outputs),
        planned_runs(run.facts.parameters, adapted.feeds),
        counter.run_plain,
        plan,
    )
    fixed, types = fixed_outputs_of(model, outputs), path_types_of(model)
    blind = plan.thrifty and not any(condition.guides for condition in counter.missed)
    run = replace(run, fixed_outputs=fixed, coverage=counter.coverage, path_types=types, blind=blind)
    return replace(
        run,
        rounding=rounding,
        notes=(*run.notes, *_headroom(model, run.facts.precision, adapted.only(_finite(samples)))),
    )


def _finite(samples: Sequence[Sample]) -> list[int]:
    """The numbers of the samples without NaN and infinity, which are outside of any type's range."""
    return [number for number, sample in enumerate(samples) if sample.kind is not SampleKind.SPECIAL]


def _headroom(model: Any, precision: str, adapted: AdaptedSamples) -> tuple[str, ...]:
    """Of a model in float16, how much of its range is used; nothing where the graph shows no inner values."""
    from ..noise.headroom import headroom, peaks_of, showing_peaks

    if precision != "float16" or not isinstance(model, Graphed):
        return ()
    try:
        return headroom(peaks_of(adapted.watched(model.variant(showing_peaks, optimise=False))))
    except Exception as error:  # noqa: BLE001  # an engine's own; a note must not cost the verdict
        return (f"float16: its range could not be measured: {type(error).__name__}: {error}",)


def _narrowed(adapted: AdaptedSamples, outputs: Sequence[Mapping[str, Array]]) -> Narrowed:
    """What was rounded before the candidate began: its inputs, and constants where the reference's type is finer."""
    pairs = [
        (want[adapted.bound[name]].dtype, got.dtype)
        for want, given in zip(adapted.expected, outputs, strict=True)
        for name, got in given.items()
        if adapted.bound.get(name) in want
    ]
    given = {want.name for want, _ in pairs} | {array.dtype.name for feed in adapted.given for array in feed.values()}
    finer = any(want.kind == got.kind == "f" and want.itemsize > got.itemsize for want, got in pairs)
    coarsest = max(given & EPSILON.keys(), key=EPSILON.__getitem__, default="float64")
    return Narrowed(adapted.rounded, finer or adapted.rounded, coarsest)


@dataclass(frozen=True, slots=True)
class AdaptedSamples:
    """The samples as given and as the candidate takes them, and how its outputs get the reference's form."""

    given: Sequence[Feed]
    feeds: Sequence[Feed]
    expected: Sequence[Mapping[str, Array]]
    classes: Classes
    bound: Mapping[str, str]
    by_rows: bool
    rounded: bool
    notes: tuple[str, ...]
    flat: frozenset[str] = frozenset()

    def outputs_of(self, model: Model, on_event: Listener) -> list[dict[str, Array]]:
        """The outputs of a model (the candidate, or a variant of it) for the samples. Raises ParityGateError PG302."""
        if self.by_rows:
            return _run_rows(model, self.feeds, self.expected, self.classes, self.bound, on_event)
        outputs = run_all(model, self.feeds, "PG302", on_event)
        vectors = ({n: a[:, 0] if n in self.flat else a for n, a in output.items()} for output in outputs)
        return [fold(output, self.classes, self.bound) for output in vectors]

    def first(self, count: int) -> AdaptedSamples:
        """The first ``count`` of them."""
        return replace(self, given=self.given[:count], feeds=self.feeds[:count], expected=self.expected[:count])

    def only(self, numbers: Sequence[int]) -> AdaptedSamples:
        """Those with these numbers."""
        given, feeds, expected = ([each[n] for n in numbers] for each in (self.given, self.feeds, self.expected))
        return replace(self, given=given, feeds=feeds, expected=expected)

    def watched(self, model: Any) -> Iterator[dict[str, Array]]:
        """All outputs of a variant of the candidate, run by run."""
        for feed in self.feeds:
            for row in split(feed, model.signature) if self.by_rows else [feed]:
                yield model.run(row)


def adapt_samples(
    model: Model, format: Format, bindings: Bindings, feeds: Sequence[Feed], expected: Sequence[Mapping[str, Array]]
) -> AdaptedSamples:
    """The reference's ``feeds``, adapted to a candidate. Raises ParityGateError PG302 for what it can't take."""
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    adapted = [adapter.adapt(feed) for feed in feeds]
    by_rows = format.takes_single_rows and takes_rows(model.signature, adapted)
    bound = _bound(model, bindings, expected)
    notes = (*adapter.notes, _ROW_BY_ROW) if by_rows else adapter.notes
    return AdaptedSamples(feeds, adapted, expected, bindings.classes, bound, by_rows, adapter.rounded, notes)


def _flattened(spec: TensorSpec, flat: frozenset[str]) -> TensorSpec:
    return replace(spec, shape=spec.shape[:1]) if spec.name in flat and spec.shape else spec


_FLAT = "output {}: a column (n, 1), compared as the vector (n,) that the estimator gives"

_ROW_BY_ROW = "it takes one sample at a time: the rows of each batch were run one by one"

_OF_A_CANDIDATE = {"PG402": "PG301", "PG404": "PG301", "PG405": "PG301", "PG204": "PG302", "PG406": "PG302"}
"""An engine's codes for a source that it can't open or run -> the codes for a candidate, which are inconclusive."""


@contextmanager
def _as_candidate_errors() -> Iterator[None]:
    try:
        yield
    except ParityGateError as error:
        code = _OF_A_CANDIDATE.get(error.code, error.code)
        raise ParityGateError(code, error.subject, error.cause, error.remedy) from error


def _bound(model: Model, bindings: Bindings, expected: Sequence[Mapping[str, Array]]) -> dict[str, str]:
    """Candidate output -> reference output, for those that have a partner."""
    named = {spec.name: spec.name for spec in model.signature.outputs} | dict(bindings.outputs)
    return {name: partner for name, partner in named.items() if any(partner in outputs for outputs in expected)}


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
        outputs = run_all(model, split(feed, model.signature), "PG302", ignore)
        partners = {name: wanted[partner] for name, partner in bound.items() if partner in wanted}
        done.append(join([fold(output, classes, bound) for output in outputs], partners))
        on_event(Event("run samples", number + 1, len(feeds)))
    return done
