"""Does the reference's output for a row depend on the other rows of its batch? Measured by computing it twice.

A row on its own and the same row in a batch with its copy must give the same output, but an engine sums and vectorises
the two batches differently. Where the outputs differ by more than the tolerance, the output is rounding's rather than
the model's (silence divided by its own range, say), or the model mixes the rows of a batch (batch statistics).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engines.base import Model
from ..signature import Signature, TensorSpec

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array


def run_paired(model: Model, sample: Sample) -> dict[str, Array]:
    """The outputs of a one-row sample in a batch with a copy of it, cut back to that row.

    Empty where the sample has another number of rows, or the model can't take two.
    """
    try:
        return _run_in_a_pair(model, sample) or {}
    except Exception:  # noqa: BLE001  # a framework's own error; the sample itself ran, so nothing is wrong with it
        return {}


def _run_in_a_pair(model: Model, sample: Sample) -> dict[str, Array] | None:
    if sample.batch != 1:
        return None
    batched = [spec for spec in model.signature.inputs if _has_batch(spec)]
    if not batched:
        return None
    pair = {**sample.feed, **{spec.name: np.concatenate([sample.feed[spec.name]] * 2) for spec in batched}}
    return _first_rows(model.run(pair), model.signature)


def _has_batch(spec: TensorSpec) -> bool:
    return spec.shape is not None and len(spec.shape) > 0 and isinstance(spec.shape[0], str)


def _first_rows(outputs: dict[str, Array], signature: Signature) -> dict[str, Array] | None:
    """Outputs cut back to the first row; None unless every one of them has the batch in front."""
    rows = {name: array[:1] for name, array in outputs.items() if array.ndim and array.shape[0] == 2}
    return rows if len(rows) == len(signature.outputs) else None
