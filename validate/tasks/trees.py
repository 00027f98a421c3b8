"""Trees in the workers: the reference's are kept for the candidate's worker, which proves its own equal to them.

Samples are aimed at the leaves that others don't reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..engines.base import Model
from ..engines.registry import Format
from ..samples.types import Sample, SampleKind, Samples
from ..trees.tables import table_of
from ..trees.types import TreesProof
from ..workers.job_folder import JobFolder
from .attempts import noted

if TYPE_CHECKING:
    from ..signature import Feed, Signature
    from ..trees.ensemble import Ensemble, Reading

_UNPROVED = "its trees could not be compared, samples alone test them"


def read_trees(model: Model, format: Format) -> tuple[Reading | None, tuple[str, ...]]:
    """The reference's ensembles, None if it has none; a note where reading them fails."""
    return noted(lambda: _read(model, format), _UNPROVED)


def keep_trees(reading: Reading | None, job: JobFolder) -> None:
    """Write the reference's ensembles to the job folder, if it has any."""
    from ..trees.job_file import save_reading

    if reading:
        save_reading(reading, job.trees)


def aimed(samples: Samples, reading: Reading | None, signature: Signature) -> Samples:
    """Generated samples, and one more of rows that reach further leaves.

    Nothing is added where the trees don't read the model's own columns, or where these aren't numbers.
    """
    found, notes = noted(lambda: _aimed(samples, reading, signature), _UNPROVED)
    return found or replace(samples, notes=(*samples.notes, *notes))


def _aimed(samples: Samples, reading: Reading | None, signature: Signature) -> Samples:
    from ..trees.aim import rows_for_leaves

    tables = [table_of(sample.feed) for sample in samples.items if sample.batch is not None]
    known = [table for table in tables if table is not None and table.dtype.kind == "f"]
    if reading is None or not known or not all(ensemble.direct for ensemble in reading.ensembles):
        return samples
    rows = rows_for_leaves(reading.ensembles, np.concatenate(known))
    if not len(rows):
        return samples
    feed, start = {}, 0
    for spec in signature.inputs:
        width = samples.feeds[0][spec.name].shape[1]
        feed[spec.name] = np.ascontiguousarray(rows[:, start : start + width])
        start += width
    sample = Sample(f"leaves, batch {len(rows)}", feed, SampleKind.LEAVES, len(rows), optional=True)
    return replace(samples, items=(*samples.items, sample))


def proved_trees(
    model: Model, format: Format, job: JobFolder, feeds: Sequence[Feed]
) -> tuple[TreesProof | None, tuple[str, ...]]:
    """The proof that the candidate's ensembles are the reference's, and a note where that fails.

    ``feeds`` are the reference's samples. None for a reference without trees.
    """
    return noted(lambda: _prove(model, format, job, feeds), _UNPROVED) if job.trees.is_file() else (None, ())


def _read(model: Model, format: Format) -> Reading | None:
    from ..trees.models import read_model

    reading = read_model(model, format)
    return reading if reading.ensembles else None


def _prove(model: Model, format: Format, job: JobFolder, feeds: Sequence[Feed]) -> TreesProof | None:
    from ..trees.job_file import load_reading
    from ..trees.models import read_model
    from ..trees.proof import prove

    reference = load_reading(job.trees)
    floats = {spec.dtype for spec in model.signature.inputs} | {a.dtype.name for feed in feeds for a in feed.values()}
    sampled = any(array.dtype.kind == "f" and np.isnan(array).any() for feed in feeds for array in feed.values())
    proof = prove(reference, read_model(model, format), single="float32" in floats, sampled=sampled)
    return proof and replace(proof, reached=_reached(reference.ensembles, feeds))


def _reached(ensembles: Sequence[Ensemble], feeds: Sequence[Feed]) -> int | None:
    """How many leaves the samples reach; None where the trees don't read the samples' own columns."""
    from ..trees.ensemble import leaves_reached

    rows = [table_of(feed) for feed in feeds]
    tables = [table for table in rows if table is not None]
    if len(tables) < len(rows) or not all(ensemble.direct for ensemble in ensembles):
        return None
    x = np.concatenate(tables)
    constants = sum(ensemble.constants for ensemble in ensembles)
    return sum(len(np.unique(leaf)) for each in ensembles for leaf in leaves_reached(each, x)) - constants
