"""Whether the samples that a search has added show the difference that it has found."""

from __future__ import annotations

import math

from ..samples import SampleKind, load_outputs, load_samples
from ..signature import Signature
from ..tasks.types import Bindings, ModelRun
from ..workers.job_folder import JobFolder
from .distance import distance_like, reproduces


def doubts_about(
    job: JobFolder, reference: Signature, candidate: ModelRun, bindings: Bindings, found: float
) -> tuple[str, ...]:
    """What speaks against a pass although both models ran on whatever a search has found.

    ``found`` is the greatest distance that it saw: beyond 1, what the table of tolerances allows, the samples must show
    it again.
    """
    if found <= 1:
        return ()
    shown = _shown(job, reference, candidate, bindings)
    if reproduces(shown, found):
        return ()
    again = "the reference refuses that input" if shown == -math.inf else f"a second run shows {shown:.3g}"
    return (f"a search found outputs that differ by {found:.3g} of what the table of tolerances allows, and {again}",)


def _shown(job: JobFolder, reference: Signature, candidate: ModelRun, bindings: Bindings) -> float:
    """The greatest distance on samples that a search has added; -infinite where there are none."""
    samples, expected, actual = load_samples(job.samples).items, load_outputs(job.expected), load_outputs(job.actual)
    names = {spec.name: spec.name for spec in candidate.signature.outputs} | dict(bindings.outputs)
    bound = {own: name for own, name in names.items() if any(name in outputs for outputs in expected)}
    others = [n for n, sample in enumerate(samples) if sample.kind is not SampleKind.SEARCHED]
    distance = distance_like(reference.outputs, bound, [expected[n] for n in others], [actual[n] for n in others])
    added = [n for n, sample in enumerate(samples) if sample.kind is SampleKind.SEARCHED]
    return max((distance.between(expected[n], actual[n]) for n in added), default=-math.inf)
