"""The calls of the workers that localise a failure. Light: the parent imports this before its workers start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..engines.handle import ModelHandle
from ..report.divergence import Divergence
from ..tasks.types import Bindings
from ..workers.job_folder import JobFolder
from ..workers.protocol import Task


@dataclass(frozen=True, slots=True)
class Traced:
    """The layers that gave a value in every sample, in their order: (name, kind, scopes). The values are in a file."""

    layers: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class TraceReference(Task[Traced]):
    """Run the reference on the picked samples and write down what every layer gave.

    Raises what loading raises, and PG406 where the layers can't be watched.
    """

    function: ClassVar[str] = "paritygate.validate.localise.source:trace_reference"

    job: JobFolder
    model: ModelHandle


@dataclass(frozen=True, slots=True)
class LocateDivergence(Task[Divergence | None]):
    """Find the first place where the candidate differs, and write the repro.

    ``repro`` is the folder for it (None: none is written), ``seconds`` the time limit, ``reference_name`` the
    reference's name for people.

    None where rounding explains every output. Raises PG302 for a candidate without a graph.
    """

    function: ClassVar[str] = "paritygate.validate.localise.candidate:localise_candidate"

    job: JobFolder
    model: ModelHandle
    bindings: Bindings
    traced: Traced
    reference_name: str
    repro: Path | None
    seconds: float
