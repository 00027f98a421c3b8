"""What the candidate's worker does: open the converted file, run it on the samples, and measure how far it rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.dictionaries import Classes, fold, folded_signature
from ..adapters.inputs import InputAdapter
from ..adapters.single_rows import as_batches, join, split, takes_rows
from ..engines.base import Graphed, LoadOptions, Model
from ..engines.registry import Format
from ..errors import ParityGateError
from ..verdict.metrics import EPSILON
from ..workers.events import Event, Listener, ignore
from ..workers.job import ACTUAL, EXPECTED, SAMPLES, Bindings, Narrowed, Ran, Scrutiny, source_name
from .reference import load_model, run_all, summary

if TYPE_CHECKING:
    from ..signature import Array, Feed


def run_candidate(
    folder: Path,
    row: Format,
    source: Any,
    options: LoadOptions,
    bindings: Bindings,
    on_event: Listener,
    scrutiny: Scrutiny | None = None,
) -> Ran:
    """Open the candidate from its file, and run it on the samples in ``folder``; with ``scrutiny`` measure its noise.

    Raises ParityGateError PG301 when the candidate can't be opened (a fault of the source only where the source is
    spoken of) and PG302 when it fails on a sample.
    """
    from ..samples import load_outputs, load_samples, save_outputs

    on_event(Event(f"load {Path(source).name if isinstance(source, Path) else source_name(source)}"))
    samples = load_samples(folder / SAMPLES)
    with _speaking_of_a_candidate():
        model = load_model(row, source, replace(options, example=samples.feeds[0]))
        question = asked(model, row, bindings, samples.feeds, load_outputs(folder / EXPECTED))
        outputs = question.answers(model, on_event)
    save_outputs(outputs, folder / ACTUAL)
    signature = folded_signature(model.signature, bindings.classes, question.bound)
    ran = Ran(
        as_batches(signature) if question.by_rows else signature,
        model.facts(),
        summary(samples),
        (*question.notes, _ROW_BY_ROW) if question.by_rows else question.notes,
    )
    if scrutiny is None:
        return ran
    from ..noise.rounding import measure_rounding

    rounding = measure_rounding(
        folder, model, lambda m: question.answers(m, ignore), scrutiny, on_event, _narrowed(question, outputs)
    )
    return replace(ran, rounding=rounding, notes=(*ran.notes, *_headroom(model, ran.facts.precision, question)))


def _headroom(model: Any, precision: str, question: Asked) -> tuple[str, ...]:
    """Of a model in float16, how much of its range is used; nothing where the graph can't be watched."""
    from ..noise.headroom import headroom, peaks_of, showing_peaks

    if precision != "float16" or not isinstance(model, Graphed):
        return ()
    try:
        return headroom(peaks_of(question.watched(model.variant(showing_peaks, optimise=False))))
    except Exception as error:  # noqa: BLE001  # an engine's own; what is only told must not cost the verdict
        return (f"float16: the range could not be watched: {type(error).__name__}: {error}",)


def _narrowed(question: Asked, outputs: Sequence[Mapping[str, Array]]) -> Narrowed:
    """What was rounded before the candidate began: its inputs, and constants where the reference's type is finer."""
    pairs = [
        (want[question.bound[name]].dtype, got.dtype)
        for want, given in zip(question.expected, outputs, strict=True)
        for name, got in given.items()
        if question.bound.get(name) in want
    ]
    given = {want.name for want, _ in pairs} | {array.dtype.name for feed in question.given for array in feed.values()}
    finer = any(want.kind == got.kind == "f" and want.itemsize > got.itemsize for want, got in pairs)
    answers = max(given & EPSILON.keys(), key=EPSILON.__getitem__, default="float64")
    return Narrowed(question.rounded, finer or question.rounded, answers)


@dataclass(frozen=True, slots=True)
class Asked:
    """The samples as given and as the candidate takes them, and how its answers become the reference's form."""

    given: Sequence[Feed]
    feeds: Sequence[Feed]
    expected: Sequence[Mapping[str, Array]]
    classes: Classes
    bound: Mapping[str, str]
    by_rows: bool
    rounded: bool
    notes: tuple[str, ...]

    def answers(self, model: Model, on_event: Listener) -> list[dict[str, Array]]:
        """What a model (the candidate, or a variant of it) makes of the samples. Raises ParityGateError PG302."""
        if self.by_rows:
            return _run_rows(model, self.feeds, self.expected, self.classes, self.bound, on_event)
        return [fold(output, self.classes, self.bound) for output in run_all(model, self.feeds, "PG302", on_event)]

    def watched(self, model: Any) -> Iterator[dict[str, Array]]:
        """All that a variant of the candidate gives, run by run."""
        for feed in self.feeds:
            for row in split(feed, model.signature) if self.by_rows else [feed]:
                yield model.run(row)


def asked(
    model: Model, row: Format, bindings: Bindings, feeds: Sequence[Feed], expected: Sequence[Mapping[str, Array]]
) -> Asked:
    """The reference's ``feeds``, adapted to a candidate. Raises ParityGateError PG302 for what it can't take."""
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    adapted = [adapter.adapt(feed) for feed in feeds]
    by_rows = row.takes_single_rows and takes_rows(model.signature, adapted)
    bound = _bound(model, bindings, expected)
    return Asked(feeds, adapted, expected, bindings.classes, bound, by_rows, adapter.rounded, adapter.notes)


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
        answers = run_all(model, split(feed, model.signature), "PG302", ignore)
        partners = {ours: wanted[theirs] for ours, theirs in bound.items() if theirs in wanted}
        done.append(join([fold(answer, classes, bound) for answer in answers], partners))
        on_event(Event("run samples", number + 1, len(feeds)))
    return done
