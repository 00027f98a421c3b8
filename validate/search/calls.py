"""The calls of a search's workers. Light: the parent imports this before its workers start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..engines.handle import ModelHandle
from ..options import SampleOptions
from ..signature import ImageInput, Signature
from ..tasks.types import Bindings, ModelRun
from ..workers.job_folder import JobFolder
from ..workers.protocol import Task


@dataclass(frozen=True, slots=True)
class FoundDifference:
    """What a search for differences has found.

    ``distance`` is the greatest distance of the outputs, as a multiple of what the table allows: -infinite where no
    input was run, infinite where only the candidate fails or outputs can't be compared. ``sentence`` is for the user.
    ``crashed`` says that the candidate's process died of one of the inputs.
    """

    distance: float
    sentence: str
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class SearchBranches(Task[tuple[str, ...]]):
    """Look for inputs that take branches of the candidate which no sample takes, by a fixed number of tries.

    Leave what was found in the job folder; a note for each branch of an If that was not taken.
    """

    function: ClassVar[str] = "paritygate.validate.search.tasks:search_branches"

    job: JobFolder
    model: ModelHandle
    bindings: Bindings
    seed: int


@dataclass(frozen=True, slots=True)
class SearchDifferences(Task[FoundDifference]):
    """Look for the input on which the outputs differ most, for ``seconds``: the candidate's side.

    ``mailbox`` is the folder through which the reference's worker gets requests. ``signature`` is the reference's,
    ``images`` are its inputs that hold pixels.

    Leave what was found in the job folder: a row, or the whole batch where the row alone doesn't show the difference.
    """

    function: ClassVar[str] = "paritygate.validate.search.tasks:search_differences"

    job: JobFolder
    model: ModelHandle
    bindings: Bindings
    seed: int
    seconds: float
    mailbox: Path
    signature: Signature
    images: Mapping[str, ImageInput]


@dataclass(frozen=True, slots=True)
class AnswerRequests(Task[int]):
    """Run the reference on whatever is requested in ``mailbox``, until it is closed.

    The number of requests.
    """

    function: ClassVar[str] = "paritygate.validate.search.tasks:answer_requests"

    mailbox: Path
    model: ModelHandle
    samples: SampleOptions


@dataclass(frozen=True, slots=True)
class AddFoundSamples(Task[ModelRun]):
    """Run the reference on what a search has found, and add that to what it has left in the job folder.

    The reference's run over all samples.
    """

    function: ClassVar[str] = "paritygate.validate.search.tasks:add_found_samples"

    job: JobFolder
    model: ModelHandle
    samples: SampleOptions
