"""Weights of both sides: the reference's worker leaves them in the job folder, the candidate's compares.

A failure costs this comparison, never the verdict: the note says why.
"""

from __future__ import annotations

from ..engines.base import Model, Weighted
from ..weights.types import WeightsProof
from ..workers.job_folder import JobFolder
from .attempts import noted

_UNPROVED = "its weights could not be compared"


def leave_weights(model: Model, job: JobFolder) -> tuple[str, ...]:
    """Write a reference's weights, if it has any to read; a note where reading fails."""
    from ..weights.job_file import save_weights

    job.weights.unlink(missing_ok=True)
    if not isinstance(model, Weighted):
        return ()
    _, notes = noted(lambda: save_weights(model.weights(), job.weights), _UNPROVED)
    if notes:
        job.weights.unlink(missing_ok=True)
    return notes


def prove_weights(model: Model, job: JobFolder) -> tuple[WeightsProof | None, tuple[str, ...]]:
    """The comparison with the reference's weights; None where a side has none, with a note where it fails."""
    from ..weights.compare import compare_weights
    from ..weights.job_file import load_weights

    if not isinstance(model, Weighted) or not job.weights.is_file():
        return None, ()

    def compare() -> WeightsProof | None:
        reference = load_weights(job.weights)
        return compare_weights(reference, model.weights(), model.facts().precision) if reference else None

    return noted(compare, _UNPROVED)
