"""What the source's worker does: run the original, then convert it with the route that was chosen."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..validate.engines.base import LoadOptions
from ..validate.engines.registry import Format
from ..validate.events import Event, Listener
from ..validate.job import Ran, SamplePlan
from ..validate.tasks import run_reference
from .export import use_free_data_name
from .routes.base import Candidate, ConvertOptions


@dataclass(frozen=True, slots=True)
class Made:
    """The original's run, and the candidate that was made of it."""

    reference: Ran
    candidate: Candidate


def run_and_convert(
    folder: Path,
    row: Format,
    source: Any,
    options: LoadOptions,
    plan: SamplePlan,
    output: Path,
    route: str,
    convert_options: ConvertOptions,
    on_event: Listener,
) -> Made:
    """Run the untouched original first, so that nothing a converter patches can touch it, then convert."""
    model, ran = run_reference(folder, row, source, options, plan, on_event)
    on_event(Event("convert"))
    destination = folder / "converted" / output.name
    destination.parent.mkdir()
    candidate: Candidate = importlib.import_module(route).convert(model, destination, convert_options)
    use_free_data_name(candidate.path, output)
    return Made(ran, candidate)
