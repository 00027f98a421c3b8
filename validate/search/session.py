"""The parent's side of a search: which worker runs when, and what becomes of what was found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from ..engines.handle import ModelHandle
from ..errors import ParityGateError
from ..events import ignore
from ..options import Limits, RunOptions, SampleOptions
from ..report.coverage import SIDES, CoverageKind
from ..signature import ImageInput
from ..tasks.types import Bindings, ModelRun
from ..workers.job_folder import JobFolder
from ..workers.runner import Runner, runner_for
from .calls import AddFoundSamples, AnswerRequests, FoundDifference, SearchBranches, SearchDifferences

BRANCHING = frozenset({"If", "cond", "branch"})
"""What ONNX, ML Programs and neural networks call an operator that chooses one of two subgraphs."""

_CRASHES = frozenset({"PG303", "PG305"})


@dataclass(frozen=True, slots=True)
class SearchedModels:
    """The two models and how they are run; ``seconds`` are for differences, 0 for none.

    ``run_again`` runs the candidate on all samples in the job folder.
    """

    job: JobFolder
    reference: ModelHandle
    candidate: ModelHandle
    bindings: Bindings
    samples: SampleOptions
    seconds: float
    options: RunOptions
    run_again: Callable[[Runner], ModelRun]
    images: Mapping[str, ImageInput] = field(default_factory=dict)


def needs_search(actual: ModelRun, seconds: float) -> bool:
    """Whether a search was requested, or the candidate has branches that samples have missed."""
    return bool(seconds or _misses_branches(actual))


def _misses_branches(actual: ModelRun) -> bool:
    """Whether a side of a condition was not reached; where that wasn't counted, whether there may be one.

    False where tries would be blind and costly: a test for NaN within attention, for instance.
    """
    coverage = actual.coverage
    if coverage is None or coverage.uncounted:
        return bool(BRANCHING & set(actual.facts.operators))
    missed = any(set(item.missing) & set(SIDES) for item in coverage.of(CoverageKind.BRANCHES))
    return missed and not actual.blind


def add_searched_samples(models: SearchedModels, expected: ModelRun, actual: ModelRun) -> tuple[ModelRun, ModelRun]:
    """Both models' runs, over the samples and those that a search has added to them.

    Branches are looked for wherever samples have missed one; differences for ``models.seconds``. A search that
    breaks off leaves a note. Raises ParityGateError PG302 where the candidate fails on what was found.
    """
    notes: list[str] = []
    doubts: tuple[str, ...] = ()
    if _misses_branches(actual):
        notes += _branch_notes(models)
        expected, actual = _with_found(models, expected, actual)
    if models.seconds:
        found = _search_differences(models, expected)
        expected, actual = _with_found(models, expected, actual)
        notes.append(found.sentence)
        doubts = _doubts(models, expected, actual, found)
    return expected, replace(actual, notes=(*actual.notes, *notes), doubts=(*actual.doubts, *doubts))


def _doubts(models: SearchedModels, expected: ModelRun, actual: ModelRun, found: FoundDifference) -> tuple[str, ...]:
    from .reproduction import doubts_about

    if found.crashed:
        return (found.sentence,)
    return doubts_about(models.job, expected.signature, actual, models.bindings, found.distance)


def _branch_notes(models: SearchedModels) -> list[str]:
    try:
        return _search_branches(models)
    except ParityGateError as error:
        return [_ended_early(error)]


def _ended_early(error: ParityGateError) -> str:
    return f"the search ended early: {error.subject}: {error.cause}"


def _search_branches(models: SearchedModels) -> list[str]:
    call = SearchBranches(models.job, models.candidate, models.bindings, models.samples.seed)
    with _runner(models, models.candidate, models.options.limits) as runner:
        notes: tuple[str, ...] = runner.call(call, models.options.on_event)
        return list(notes)


def _search_differences(models: SearchedModels, expected: ModelRun) -> FoundDifference:
    """Two workers at once: the candidate's requests outputs, the reference's computes them. Either end ends both.

    A reference that ends early leaves a sentence; so does a candidate, which then counts as crashed.
    """
    from ..adapters.pixels import resolved
    from .mailbox import close

    options, samples = models.options, models.samples
    limits = options.limits
    limits = replace(limits, seconds=limits.seconds and limits.seconds + models.seconds)
    mailbox = models.job.path / models.job.unused("mailbox")
    mailbox.mkdir()
    answer = AnswerRequests(mailbox, models.reference, samples)
    search = SearchDifferences(
        models.job,
        models.candidate,
        models.bindings,
        samples.seed,
        models.seconds,
        mailbox,
        expected.signature,
        resolved(models.images, expected.signature),
    )
    with (
        _runner(models, models.reference, limits) as reference,
        _runner(models, models.candidate, limits) as candidate,
        ThreadPoolExecutor(2) as pool,
    ):
        answering: Future[int] = pool.submit(reference.call, answer, ignore)
        searching: Future[FoundDifference] = pool.submit(candidate.call, search, options.on_event)
        ended: tuple[Future[Any], ...] = (answering, searching)
        wait(ended, return_when=FIRST_COMPLETED)
        close(mailbox)
        return _outcome(answering, searching)


def _outcome(answering: Future[int], searching: Future[FoundDifference]) -> FoundDifference:
    """What was found until either worker ended."""
    try:
        found = searching.result()
    except ParityGateError as error:
        return FoundDifference(-math.inf, _ended_early(error), crashed=error.code in _CRASHES)
    try:
        answering.result()
    except ParityGateError as error:
        return replace(found, sentence=f"{found.sentence}; {_ended_early(error)}")
    return found


def _with_found(models: SearchedModels, expected: ModelRun, actual: ModelRun) -> tuple[ModelRun, ModelRun]:
    """Both models' runs, again where something was found: everything is measured on every sample."""
    if not models.job.found.exists():
        return expected, actual
    call = AddFoundSamples(models.job, models.reference, models.samples)
    with _runner(models, models.reference, models.options.limits) as runner:
        expected = runner.call(call, models.options.on_event)
    with _runner(models, models.candidate, models.options.limits) as runner:
        return expected, models.run_again(runner)


def _runner(models: SearchedModels, model: ModelHandle, limits: Limits) -> Runner:
    """A new worker: those of the run have ended, so that their memory is free."""
    unused = models.job.unused("search")
    return runner_for(model, models.job, unused, limits, variables=models.options.pass_env)
