"""What the workers of a search do. Each opens its model once and keeps it until the search is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..adapters.inputs import InputAdapter
from ..adapters.pixels import snapped
from ..adapters.single_rows import split, takes_rows
from ..coverage.graph_counter import infinite
from ..coverage.seeking import unbounded_inputs
from ..engines.base import Model
from ..engines.registry import Format
from ..events import Event, Listener, ignore
from ..samples import Sample, SampleKind, Samples, load_outputs, load_samples, run_and_keep, save_outputs, save_samples
from ..tasks.candidate import adapt_samples, with_first_sample
from ..tasks.pairing import run_paired
from ..tasks.reference import describe_run, load_model, run_all, with_example
from ..tasks.shaking import shaken
from ..tasks.types import Bindings, ModelRun
from .branch_coverage import Branch, find_feed, open_with_conditions, rounds_for, untaken_branches
from .calls import AddFoundSamples, AnswerRequests, FoundDifference, SearchBranches, SearchDifferences
from .distance import distance_like, reproduces
from .hill_climbing import SearchResult, hill_climb
from .mailbox import Asker, ClosedError, answer_all
from .objective import DifferenceObjective
from .population import Population, population_of
from .space import space_of

if TYPE_CHECKING:
    from ..signature import Array, Feed, Signature

UNUSUAL = frozenset({"zeros", "tiny", "large", "lengths", "rows", "batch", "masks", "special", "moving"})
"""Kinds that a search for differences doesn't start from: what it finds should be an input that can occur."""

_GREAT = frozenset({SampleKind.ROWS, SampleKind.BATCH, SampleKind.THRESHOLDS})
"""Kinds of many rows: running them again and again would take long."""


def answer_requests(call: AnswerRequests, on_event: Listener) -> int:
    """Run the reference on whatever is requested, until the mailbox is closed."""
    model = load_model(with_example(call.model, call.samples))
    return answer_all(call.mailbox, lambda feeds: run_all(model, feeds, "PG406", ignore))


def search_differences(call: SearchDifferences, on_event: Listener) -> FoundDifference:
    """Climb for ``call.seconds``, leave the worst input in the job folder, and say how far its outputs differ.

    A row that shows less than half of the difference on its own is left together with the batch that showed it.
    """
    samples = load_samples(call.job.samples)
    numbers = [n for n, sample in enumerate(samples.items) if sample.kind not in UNUSUAL] or [0]
    usual = [samples.items[n] for n in numbers]
    model, format = load_model(with_first_sample(call.model, samples.feeds[0])), call.model.format
    expected, actual = load_outputs(call.job.expected), load_outputs(call.job.actual)
    bound = adapt_samples(model, format, call.bindings, [], expected).bound
    distance = distance_like(call.signature.outputs, bound, expected, actual)
    crowd, ask = _crowd(usual, call.signature, expected[numbers[-1]]), Asker(call.mailbox)
    on_event(Event("search"))
    random, clock = np.random.default_rng(call.seed), _Clock()
    objective = DifferenceObjective(
        crowd,
        ask,
        lambda feeds, wanted: adapt_samples(model, format, call.bindings, feeds, wanted).outputs_of(model, ignore),
        distance,
        lambda feed: snapped(feed, call.images),
        clock,
    )
    try:
        ask(crowd.batch(crowd.feeds[:1]))  # no time is counted until the reference is open
        clock.start(call.seconds)
        space = space_of([each.feed for each in usual])
        found = hill_climb(crowd.feeds, objective.scores, space, random, size=crowd.size, has_time=clock)
        runs = _to_keep(objective, found.best)
        sentence = _summary(replace(found, score=objective.worst.score), call.seconds)
    except ClosedError:
        runs, sentence = [objective.worst.feeds], "the search ended early: the reference's process stopped"
    if objective.worst.score > -math.inf:
        kept = tuple(_as_found(objective, feeds) for feeds in runs)
        save_samples(Samples(kept, "searched", call.seed), call.job.found)
    return FoundDifference(objective.worst.score, sentence)


def _to_keep(objective: DifferenceObjective, best: Feed) -> list[tuple[Feed, ...]]:
    """The worst feed, and the run that showed its difference where the feed alone doesn't."""
    worst = objective.worst.score
    alone = objective.scores([best])[0]
    return [(best,)] if reproduces(alone, worst) else [(best,), objective.worst.feeds]


def _as_found(objective: DifferenceObjective, feeds: Sequence[Feed]) -> Sample:
    """One sample of these feeds, as the search ran them."""
    crowd = objective.population
    (feed,) = crowd.batch([objective.snap(feed) for feed in feeds])
    return Sample("searched", feed, SampleKind.SEARCHED, len(feeds) if crowd.batched else None)


def _crowd(usual: Sequence[Sample], signature: Signature, outputs: Mapping[str, Array]) -> Population:
    """Rows, where a batch's outputs have as many rows as the batch; whole samples otherwise."""
    sample = usual[-1]
    by_rows = sample.batch is not None and all(a.ndim and len(a) == sample.batch for a in outputs.values())
    rows = population_of(usual, signature, batched=by_rows)
    return rows if rows.feeds else population_of(usual, signature, batched=False)


@dataclass(slots=True)
class _Clock:
    """Whether there is still time: all of it until the clock is started."""

    deadline: float = math.inf

    def start(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def __call__(self) -> bool:
        return time.monotonic() < self.deadline


@dataclass(slots=True)
class _Countdown:
    """Whether there are rounds left: a search that ends by the clock would find something else on a busy machine."""

    rounds: int

    def __call__(self) -> bool:
        self.rounds -= 1
        return self.rounds >= 0


def _summary(found: SearchResult, seconds: float) -> str:
    tried = f"a search of {seconds:g} s tried {found.tried} inputs"
    if found.score == math.inf:
        return f"{tried}; on the worst, outputs can't be compared or the candidate fails"
    return (
        f"{tried}; on the worst, outputs differ by {found.score:.3g} of what the table of tolerances allows, "
        f"after {found.start_score:.3g} at the start"
    )


def search_branches(call: SearchBranches, on_event: Listener) -> tuple[str, ...]:
    """Leave inputs in the job folder that take branches which no sample takes; a note for each branch not taken."""
    samples = load_samples(call.job.samples)
    model = load_model(with_first_sample(call.model, samples.feeds[0]))
    found = open_with_conditions(model)
    if found is None:
        return ()
    variant, conditions = found
    watch = _watching(model, variant, call.model.format, call.bindings, samples.feeds)
    skipped = infinite(samples.feeds)
    counted = [sample for number, sample in enumerate(samples.items) if number not in skipped] or samples.items
    small = [sample.feed for sample in counted if sample.kind not in _GREAT] or samples.feeds
    on_event(Event("search branches"))
    random, items, notes = np.random.default_rng(call.seed), [], []
    free = unbounded_inputs(samples)
    goals = untaken_branches(conditions, watch, [sample.feed for sample in counted])
    searched, rounds = rounds_for(len(small), len(goals))
    for goal in goals[:searched]:
        feed = find_feed(goal, watch, small, random, _Countdown(rounds), free)
        if feed is None and goal.node.operator == "If":
            notes.append(f"{goal} was never taken: no input was found that takes it")
        elif feed is not None:
            items.append(_as_sample(goal, feed, samples.items[0].batch))
    if items:
        save_samples(Samples(tuple(items), "searched", call.seed), call.job.found)
    return tuple(notes)


def _as_sample(goal: Branch, feed: Feed, batch: int | None) -> Sample:
    return Sample(f"searched, {goal}", feed, SampleKind.BRANCHES, batch)


def _watching(
    model: Model, variant: Any, format: Format, bindings: Bindings, feeds: Sequence[Feed]
) -> Callable[[Feed], list[dict[str, Array]]]:
    """Runs a feed of the reference's on a variant of the candidate; the feed's own values come with the outputs."""
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    by_rows = format.takes_single_rows and takes_rows(model.signature, [adapter.adapt(feed) for feed in feeds])

    def watch(feed: Feed) -> list[dict[str, Array]]:
        adapted = adapter.adapt(feed)
        runs: Sequence[Feed] = split(adapted, model.signature) if by_rows else [adapted]
        return [{**run, **outputs} for run, outputs in zip(runs, run_all(variant, runs, "PG302", ignore), strict=True)]

    return watch


def add_found_samples(call: AddFoundSamples, on_event: Listener) -> ModelRun:
    """Run the reference on what was found, and add that to all that it has left in the job folder.

    What it rejects is left out: a search may leave the domain that only the reference knows.
    """
    job = call.job
    model = load_model(with_example(call.model, call.samples))
    samples, found = load_samples(job.samples), load_samples(job.found)
    optional = replace(found, items=tuple(replace(item, optional=True) for item in found.items))
    kept, outputs = run_and_keep(optional, lambda feeds: run_all(model, feeds, "PG406", on_event))
    more = {
        job.expected: outputs,
        job.paired: [run_paired(model, sample) for sample in kept.items],
        job.shaken: [shaken(model, feed, output) for feed, output in zip(kept.feeds, outputs, strict=True)],
    }
    for path, runs in more.items():
        save_outputs([*load_outputs(path), *runs], path)
    job.found.unlink()
    together = replace(samples, items=(*samples.items, *kept.items), notes=(*samples.notes, *kept.notes))
    save_samples(together, job.samples)
    return describe_run(call.model, model, together, model.notes + together.notes)
