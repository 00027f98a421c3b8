"""One entry's work, wherever it runs: convert and prove, and leave the file where it can be exported from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..validate.errors import ParityGateError
from ..validate.events import Listener, ignore
from ..validate.report.document import Failure
from ..validate.report.report import Report
from .plan import Planned


@dataclass(frozen=True, slots=True)
class Produced:
    """What one entry's work came to: a report or an error, and ``artifact``, the proved file, None without a pass.

    ``inputs`` are the source's files, ``seconds`` what the work took; ``cached`` says that it was done before.
    ``surroundings`` is the hash (:func:`.cache.keys.surroundings`) of another machine that did it, "" for this one.
    """

    report: Report | None = None
    error: Failure | None = None
    artifact: Path | None = None
    inputs: tuple[Path, ...] = ()
    seconds: float = 0.0
    cached: bool = False
    surroundings: str = ""


Work = Callable[[Planned, Path, Listener], Produced]
"""Something that does an entry's work: :func:`perform`, or a stand-in of a test or benchmark."""


def perform(entry: Planned, folder: Path, on_event: Listener = ignore) -> Produced:
    """Convert and prove one entry; a proved file is left in the new ``folder``. What goes wrong is in the result."""
    start = time.perf_counter()
    try:
        produced = _convert(entry, folder, on_event)
    except ParityGateError as error:
        produced = Produced(error=Failure.of(error))
    except SystemExit as error:  # the user's own code: a metric, a factory
        produced = Produced(error=Failure("PG308", entry.model, f"the user's code ended the process ({error.code})"))
    except Exception as error:  # noqa: BLE001  # the outermost frame of one entry: a bug must not stop the others
        remedy = f"Run it alone: paritygate convert --debug {entry.source} -o {entry.output}"
        produced = Produced(error=Failure("PG308", entry.model, f"{type(error).__name__}: {error}", remedy))
    return replace(produced, seconds=round(time.perf_counter() - start, 3))


def _convert(entry: Planned, folder: Path, on_event: Listener) -> Produced:
    from ..convert.pipeline import unpublished
    from .artifact import take

    options = replace(entry.options, run=replace(entry.options.run, on_event=on_event))
    entry.output.parent.mkdir(parents=True, exist_ok=True)
    with unpublished(entry.source, entry.output, options) as found:
        artifact = take(found.candidate, folder) if found.candidate is not None else None
        return Produced(found.report, artifact=artifact, inputs=found.inputs)
