"""What the workers of a search do. Each opens its model once and keeps it until the search is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..adapters.inputs import InputAdapter
from ..adapters.pixels import snapped
from ..adapters.single_rows import split, takes_rows
from ..engines.base import LoadOptions, Model
from ..engines.registry import Format
from ..samples import (
    Sample,
    SampleKind,
    Samples,
    load_outputs,
    load_samples,
    run_and_keep,
    save_outputs,
    save_samples,
)
from ..tasks.candidate import asked
from ..tasks.reference import load_model, run_all, run_paired, summary, with_example
from ..tasks.shaking import shaken
from ..workers.events import Event, Listener, ignore
from ..workers.job import ACTUAL, EXPECTED, PAIRED, SAMPLES, SHAKEN, Bindings, Ran, SamplePlan
from .branch_coverage import Branch, find_feed, open_with_conditions, untaken_branches
from .distance import distance_like
from .hill_climbing import SearchResult, hill_climb
from .mailbox import Asker, ClosedError, answer_all
from .objective import DifferenceObjective
from .population import Population, population_of
from .space import space_of

if TYPE_CHECKING:
    from ..signature import Array, Feed, ImageInput, Signature

FOUND = "found.npz"
"""Samples that a search has found, for both models to be run on."""

UNUSUAL = frozenset({"zeros", "tiny", "large", "lengths"})
"""Kinds that a search for differences doesn't start from: what it finds shall be an input that might occur."""


def answer(
    box: Path, row: Format, source: Any, options: LoadOptions, plan: SamplePlan, on_event: Listener
) -> int:  # fmt: skip
    """The reference's side: answer whatever is asked in the folder ``box``, until it is closed."""
    model = load_model(row, source, with_example(options, plan))
    return answer_all(box, lambda feeds: run_all(model, feeds, "PG406", ignore))


def look_for_differences(
    folder: Path,
    box: Path,
    row: Format,
    source: Any,
    bindings: Bindings,
    signature: Signature,
    images: Mapping[str, ImageInput],
    seconds: float,
    seed: int,
    on_event: Listener,
) -> str:
    """The candidate's side: climb for ``seconds``, leave the worst input in ``folder``, and say how bad it is.

    ``signature`` is the reference's, ``images`` are its inputs that hold pixels.
    """
    samples = load_samples(folder / SAMPLES)
    numbers = [n for n, sample in enumerate(samples.items) if sample.kind not in UNUSUAL] or [0]
    usual = [samples.items[n] for n in numbers]
    model = load_model(row, source, LoadOptions(example=samples.feeds[0]))
    expected, actual = load_outputs(folder / EXPECTED), load_outputs(folder / ACTUAL)
    distance = distance_like(signature.outputs, asked(model, row, bindings, [], expected).bound, expected, actual)
    crowd, ask = _crowd(usual, signature, expected[numbers[-1]]), Asker(box)
    on_event(Event("search"))
    random = np.random.default_rng(seed)
    try:
        ask(crowd.batch(crowd.feeds[:1]))  # until the reference is open, no time is counted
        going = _until(time.monotonic() + seconds)
        objective = DifferenceObjective(
            crowd,
            ask,
            lambda feeds, wanted: asked(model, row, bindings, feeds, wanted).answers(model, ignore),
            distance,
            lambda feed: snapped(feed, images),
            going,
        )
        space = space_of([each.feed for each in usual])
        found = hill_climb(crowd.feeds, objective.scores, space, random, size=crowd.size, has_time=going)
    except ClosedError:
        return "the search ended early: the reference's process stopped"
    if found.score > -math.inf:
        best = Sample("searched", snapped(found.best, images), SampleKind.SEARCHED, 1 if crowd.batched else None)
        save_samples(Samples((best,), "searched", seed), folder / FOUND)
    return _said(found, seconds)


def _crowd(usual: Sequence[Sample], signature: Signature, outputs: Mapping[str, Array]) -> Population:
    """Rows, where a batch's outputs have as many rows as the batch; whole samples otherwise."""
    sample = usual[-1]
    by_rows = sample.batch is not None and all(a.ndim and len(a) == sample.batch for a in outputs.values())
    rows = population_of(usual, signature, batched=by_rows)
    return rows if rows.feeds else population_of(usual, signature, batched=False)


def _until(deadline: float) -> Callable[[], bool]:
    return lambda: time.monotonic() < deadline


def _said(found: SearchResult, seconds: float) -> str:
    tried = f"a search of {seconds:g} s tried {found.tried} inputs"
    if found.score == math.inf:
        return f"{tried}; on the worst, outputs can't be compared or the candidate fails"
    return (
        f"{tried}; on the worst, outputs differ by {found.score:.3g} of what the table of tolerances allows, "
        f"after {found.start_score:.3g} at the start"
    )


def look_for_branches(
    folder: Path, row: Format, source: Any, bindings: Bindings, seconds: float, seed: int, on_event: Listener
) -> tuple[str, ...]:
    """Leave inputs in ``folder`` that take branches which no sample takes; say which branches stay untaken."""
    samples = load_samples(folder / SAMPLES)
    model = load_model(row, source, LoadOptions(example=samples.feeds[0]))
    found = open_with_conditions(model)
    if found is None:
        return ()
    variant, ifs = found
    watch = _watching(model, variant, row, bindings, samples.feeds)
    on_event(Event("search branches"))
    random, going = np.random.default_rng(seed), _until(time.monotonic() + seconds)
    items, notes = [], []
    for goal in untaken_branches(ifs, watch, samples.feeds):
        feed = find_feed(goal, watch, samples.feeds, random, going)
        if feed is None:
            notes.append(f"{goal} was never taken: no input was found that takes it")
        else:
            items.append(_as_sample(goal, feed, samples.items[0].batch))
    if items:
        save_samples(Samples(tuple(items), "searched", seed), folder / FOUND)
    return tuple(notes)


def _as_sample(goal: Branch, feed: Feed, batch: int | None) -> Sample:
    return Sample(f"searched, {goal}", feed, SampleKind.BRANCHES, batch)


def _watching(
    model: Model, variant: Any, row: Format, bindings: Bindings, feeds: Sequence[Feed]
) -> Callable[[Feed], list[dict[str, Array]]]:
    """Runs a feed of the reference's on a variant of the candidate; the feed's own values come with the outputs."""
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    by_rows = row.takes_single_rows and takes_rows(model.signature, [adapter.adapt(feed) for feed in feeds])

    def watch(feed: Feed) -> list[dict[str, Array]]:
        adapted = adapter.adapt(feed)
        runs: Sequence[Feed] = split(adapted, model.signature) if by_rows else [adapted]
        return [{**run, **outputs} for run, outputs in zip(runs, run_all(variant, runs, "PG302", ignore), strict=True)]

    return watch


def extend(
    folder: Path, row: Format, source: Any, options: LoadOptions, plan: SamplePlan, on_event: Listener
) -> Ran:  # fmt: skip
    """Run the reference on what was found, and add that to all that it has left in ``folder``.

    What it refuses is left out: a search may leave the domain that only the reference knows.
    """
    model = load_model(row, source, with_example(options, plan))
    samples, found = load_samples(folder / SAMPLES), load_samples(folder / FOUND)
    optional = replace(found, items=tuple(replace(item, optional=True) for item in found.items))
    kept, outputs = run_and_keep(optional, lambda feeds: run_all(model, feeds, "PG406", on_event))
    more = {
        EXPECTED: outputs,
        PAIRED: [run_paired(model, sample) for sample in kept.items],
        SHAKEN: [shaken(model, feed, output) for feed, output in zip(kept.feeds, outputs, strict=True)],
    }
    for name, runs in more.items():
        save_outputs([*load_outputs(folder / name), *runs], folder / name)
    (folder / FOUND).unlink()
    together = replace(samples, items=(*samples.items, *kept.items), notes=(*samples.notes, *kept.notes))
    save_samples(together, folder / SAMPLES)
    return Ran(model.signature, model.facts(), summary(together), model.notes + together.notes)
