"""Keeps the reference's ensembles of trees for the candidate's worker, which proves its own equal to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..engines.base import Model
from ..engines.registry import Format
from ..trees.types import TreesProof
from ..workers.job_folder import JobFolder

if TYPE_CHECKING:
    from ..signature import Array, Feed
    from ..trees.ensemble import Ensemble

Result = TypeVar("Result")


def keep_trees(model: Model, format: Format, job: JobFolder) -> tuple[str, ...]:
    """Write the reference's ensembles to the job folder, if it has any; a note where that fails."""
    return _noted(lambda: _keep(model, format, job))[1]


def proved_trees(
    model: Model, format: Format, job: JobFolder, feeds: Sequence[Feed]
) -> tuple[TreesProof | None, tuple[str, ...]]:
    """The proof that the candidate's ensembles are the reference's, and a note where that fails.

    ``feeds`` are the reference's samples. None for a reference without trees.
    """
    return _noted(lambda: _prove(model, format, job, feeds)) if job.trees.is_file() else (None, ())


def _noted(work: Callable[[], Result]) -> tuple[Result | None, tuple[str, ...]]:
    try:
        return work(), ()
    except Exception as error:  # noqa: BLE001  # a proof in addition: its failure must not cost the verdict
        return None, (f"its trees could not be compared, samples alone test them: {type(error).__name__}: {error}",)


def _keep(model: Model, format: Format, job: JobFolder) -> None:
    from ..trees.job_file import save_reading
    from ..trees.models import read_model

    reading = read_model(model, format)
    if reading.ensembles:
        save_reading(reading, job.trees)


def _prove(model: Model, format: Format, job: JobFolder, feeds: Sequence[Feed]) -> TreesProof | None:
    import numpy as np

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
    import numpy as np

    from ..trees.ensemble import leaves_reached

    rows = [_rows(feed) for feed in feeds]
    tables = [table for table in rows if table is not None]
    if len(tables) < len(rows) or not all(ensemble.direct for ensemble in ensembles):
        return None
    x = np.concatenate(tables)
    constants = sum(ensemble.constants for ensemble in ensembles)
    return sum(len(np.unique(leaf)) for each in ensembles for leaf in leaves_reached(each, x)) - constants


def _rows(feed: Mapping[str, Array]) -> Array | None:
    """The feed's columns side by side, (n, features); None for anything but numbers."""
    import numpy as np

    arrays = list(feed.values())
    if any(array.ndim != 2 or array.dtype.kind not in "fiu" for array in arrays):
        return None
    return np.concatenate(arrays, axis=1) if len({len(array) for array in arrays}) == 1 else None
