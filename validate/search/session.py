"""The parent's side of a search: who works when, and what becomes of what was found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engines.base import LoadOptions
from ..engines.registry import Format
from ..errors import ParityGateError
from ..workers.events import ignore
from ..workers.job import Bindings, Ran
from ..workers.parent import Limits
from ..workers.runner import Runner, runner_for

if TYPE_CHECKING:
    from ..session import Settings

BRANCHING = frozenset({"If", "cond", "branch"})
"""What ONNX, ML programs and neural networks call an operator that chooses one of two subgraphs."""

BRANCH_SECONDS = 1.0
"""How long inputs for untaken branches are looked for when nobody asked for a search."""

_TASKS = "paritygate.validate.search.tasks"


@dataclass(frozen=True, slots=True)
class Contest:
    """The two models, what each was opened with, and the job's folder. ``again`` runs the candidate on all samples."""

    folder: Path
    reference_row: Format
    reference: Any
    load: LoadOptions
    candidate_row: Format
    candidate: Any
    bindings: Bindings
    again: Callable[[Runner], Ran]


def needs_search(actual: Ran, settings: Settings) -> bool:
    """Whether the user asked for a search, or the candidate has branches that samples may have missed."""
    return bool(settings.plan.search or BRANCHING & set(actual.facts.operators))


def searched(contest: Contest, reference: Ran, actual: Ran, settings: Settings) -> tuple[Ran, Ran]:
    """Both models' runs, over the samples and what a search has added to them.

    Branches are looked into wherever the candidate has any; differences for ``settings.plan.search`` seconds. A search
    that breaks off leaves a note. Raises ParityGateError PG302 where the candidate fails on what was found.
    """
    notes: list[str] = []
    if BRANCHING & set(actual.facts.operators):
        notes += _try(lambda: _branches(contest, settings))
        reference, actual = _with_found(contest, reference, actual, settings)
    if settings.plan.search:
        notes += _try(lambda: _differences(contest, reference, settings))
        reference, actual = _with_found(contest, reference, actual, settings)
    return reference, replace(actual, notes=(*actual.notes, *notes))


def _try(work: Callable[[], list[str]]) -> list[str]:
    try:
        return work()
    except ParityGateError as error:
        return [f"the search ended early: {error.subject}: {error.cause}"]


def _branches(contest: Contest, settings: Settings) -> list[str]:
    arguments = _of_candidate(contest, settings) | {"seconds": settings.plan.search or BRANCH_SECONDS}
    with _runner(contest, "candidate", settings.limits) as runner:
        return list(runner.call(f"{_TASKS}:look_for_branches", arguments, settings.on_event))


def _differences(contest: Contest, reference: Ran, settings: Settings) -> list[str]:
    """Two workers at once: the candidate's asks, the reference's answers. Whoever ends first ends the other."""
    from ..adapters.pixels import resolved
    from .mailbox import close

    seconds = settings.plan.search
    limits = replace(settings.limits, seconds=settings.limits.seconds and settings.limits.seconds + seconds)
    box = contest.folder / f"box{len(list(contest.folder.glob('box*')))}"
    box.mkdir()
    asking = _of_candidate(contest, settings) | {
        "box": box,
        "signature": reference.signature,
        "images": resolved(settings.plan.images, reference.signature),
        "seconds": seconds,
    }
    with (
        _runner(contest, "reference", limits) as left,
        _runner(contest, "candidate", limits) as right,
        ThreadPoolExecutor(2) as pool,
    ):
        answering = pool.submit(left.call, f"{_TASKS}:answer", _of_reference(contest, settings) | {"box": box}, ignore)
        exploring = pool.submit(right.call, f"{_TASKS}:look_for_differences", asking, settings.on_event)
        wait((answering, exploring), return_when=FIRST_COMPLETED)
        close(box)
        answering.result()
        said: str = exploring.result()
    return [said]


def _with_found(contest: Contest, reference: Ran, actual: Ran, settings: Settings) -> tuple[Ran, Ran]:
    """Both models' runs, again where something was found: noise and all are measured on every sample."""
    from .tasks import FOUND

    if not (contest.folder / FOUND).exists():
        return reference, actual
    arguments = _of_reference(contest, settings) | {"folder": contest.folder}
    with _runner(contest, "reference", settings.limits) as runner:
        reference = runner.call(f"{_TASKS}:extend", arguments, settings.on_event)
    with _runner(contest, "candidate", settings.limits) as runner:
        return reference, contest.again(runner)


def _of_reference(contest: Contest, settings: Settings) -> dict[str, Any]:
    return {
        "row": contest.reference_row,
        "source": contest.reference,
        "options": contest.load,
        "plan": settings.plan,
    }


def _of_candidate(contest: Contest, settings: Settings) -> dict[str, Any]:
    return {
        "folder": contest.folder,
        "row": contest.candidate_row,
        "source": contest.candidate,
        "bindings": contest.bindings,
        "seed": settings.plan.seed,
    }


def _runner(contest: Contest, side: str, limits: Limits) -> Runner:
    """A fresh worker: those of the run have ended, so that their memory is free."""
    name = f"search{len(list(contest.folder.glob('search*')))}-{side}"
    source, row = getattr(contest, side), getattr(contest, f"{side}_row")
    return runner_for(source, row, contest.folder, name, limits)
